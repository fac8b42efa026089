//! CPU time as criterion's measure: on a machine that has other things to do, wall time says how busy it is, not what a thing costs.

use std::time::Duration;

use ::cpu_time::{ProcessTime, ThreadTime};
use criterion::Throughput;
use criterion::measurement::{Measurement, ValueFormatter, WallTime};

/// CPU time, as this clock tells it.
pub(crate) struct CpuTime(fn() -> Duration);

#[allow(dead_code, reason = "each bench takes one of them")]
impl CpuTime {
    /// Of the thread that measures.
    pub(crate) const THREAD: Self = Self(|| ThreadTime::now().as_duration());
    /// Of all threads: where a library works on threads of its own.
    pub(crate) const PROCESS: Self = Self(|| ProcessTime::now().as_duration());
}

impl Measurement for CpuTime {
    type Intermediate = Duration;
    type Value = Duration;

    fn start(&self) -> Duration {
        (self.0)()
    }

    fn end(&self, begun: Duration) -> Duration {
        (self.0)().saturating_sub(begun)
    }

    fn add(&self, one: &Duration, other: &Duration) -> Duration {
        *one + *other
    }

    fn zero(&self) -> Duration {
        Duration::ZERO
    }

    fn to_f64(&self, value: &Duration) -> f64 {
        value.as_nanos() as f64
    }

    fn formatter(&self) -> &dyn ValueFormatter {
        &Nanoseconds
    }
}

/// As wall time is written.
struct Nanoseconds;

impl ValueFormatter for Nanoseconds {
    fn scale_values(&self, typical: f64, values: &mut [f64]) -> &'static str {
        WallTime.formatter().scale_values(typical, values)
    }

    fn scale_throughputs(&self, typical: f64, throughput: &Throughput, values: &mut [f64]) -> &'static str {
        WallTime.formatter().scale_throughputs(typical, throughput, values)
    }

    fn scale_for_machines(&self, values: &mut [f64]) -> &'static str {
        WallTime.formatter().scale_for_machines(values)
    }
}
