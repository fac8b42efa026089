//! Metrics of the process itself, read from `/proc` when they are asked for.
//!
//! Their names are the ones that Prometheus' own libraries use (`process_*`), so that existing dashboards and alerts fit.
//! Where there is no `/proc` they stay at zero.

use std::fs;

use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{Counter, Gauge, IntGauge, IntGaugeVec, Opts, Registry};

use crate::clock::SystemClock;
use crate::pipeline::ports::Clock as _;

/// The kernel gives CPU time to user space in this many ticks per second on every architecture we build for (`USER_HZ`).
const TICKS_PER_SECOND: f64 = 100.0;

/// Metrics of the process; read at each scrape.
#[derive(Clone, Debug)]
pub struct ProcessMetrics {
    cpu_seconds: Counter,
    resident_bytes: IntGauge,
    open_fds: IntGauge,
    start_time: Gauge,
    time: Gauge,
    build_info: IntGaugeVec,
}

impl ProcessMetrics {
    /// Declares them.
    pub fn register(registry: &Registry) -> Result<Self, prometheus::Error> {
        let metrics = Self {
            cpu_seconds: Counter::new("process_cpu_seconds_total", "User and system CPU time spent, in seconds.")?,
            resident_bytes: IntGauge::new("process_resident_memory_bytes", "Resident memory, in bytes.")?,
            open_fds: IntGauge::new("process_open_fds", "Open file descriptors.")?,
            start_time: Gauge::new(
                "process_start_time_seconds",
                "Start of the process, in seconds since the Unix epoch.",
            )?,
            time: Gauge::new(
                "lightbar_process_time_seconds",
                "What the machine's clock says at this scrape, in seconds since the Unix epoch.",
            )?,
            build_info: IntGaugeVec::new(
                Opts::new("lightbar_build_info", "Always 1; says which version runs."),
                &["version"],
            )?,
        };
        metrics.start_time.set(unix_seconds());
        metrics.build_info.with_label_values(&[env!("CARGO_PKG_VERSION")]).set(1);
        registry.register(Box::new(metrics.clone()))?;
        Ok(metrics)
    }

    /// CPU seconds of the process so far.
    pub fn cpu_seconds(&self) -> f64 {
        self.read();
        self.cpu_seconds.get()
    }

    fn read(&self) {
        self.time.set(unix_seconds());
        if let Some(now) = fs::read_to_string("/proc/self/stat").ok().and_then(|stat| cpu_seconds(&stat)) {
            self.cpu_seconds.inc_by((now - self.cpu_seconds.get()).max(0.0));
        }
        if let Some(bytes) = fs::read_to_string("/proc/self/status").ok().and_then(|status| resident_bytes(&status)) {
            self.resident_bytes.set(bytes);
        }
        if let Ok(fds) = fs::read_dir("/proc/self/fd") {
            self.open_fds.set(i64::try_from(fds.count()).unwrap_or(i64::MAX));
        }
    }

    fn parts(&self) -> [&dyn Collector; 6] {
        [&self.cpu_seconds, &self.resident_bytes, &self.open_fds, &self.start_time, &self.time, &self.build_info]
    }
}

impl Collector for ProcessMetrics {
    fn desc(&self) -> Vec<&Desc> {
        self.parts().into_iter().flat_map(Collector::desc).collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        self.read();
        self.parts().into_iter().flat_map(Collector::collect).collect()
    }
}

fn unix_seconds() -> f64 {
    SystemClock.now().as_millis() as f64 / 1000.0
}

/// Fields 14 and 15 of `/proc/self/stat`; the second field, the name, may itself hold blanks and parentheses.
fn cpu_seconds(stat: &str) -> Option<f64> {
    let after_name = stat.rsplit_once(')')?.1;
    let mut ticks = after_name.split_whitespace().skip(11).map(str::parse::<f64>);
    Some((ticks.next()?.ok()? + ticks.next()?.ok()?) / TICKS_PER_SECOND)
}

fn resident_bytes(status: &str) -> Option<i64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<i64>().ok().map(|kib| kib * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_the_kernel_says() {
        let stat = "7 (a) b) S 1 7 7 0 -1 4194304 99 0 0 0 250 50 0 0 20 0 4 0 12345 1 2 3";
        assert_eq!(cpu_seconds(stat), Some(3.0));
        assert_eq!(resident_bytes("VmPeak:\t 10 kB\nVmRSS:\t    2 kB\n"), Some(2048));
        assert_eq!(resident_bytes("VmPeak: 10 kB"), None);
    }

    #[test]
    fn this_process_uses_memory_and_files() {
        let registry = Registry::new();
        let metrics = ProcessMetrics::register(&registry).unwrap();
        registry.gather();
        assert!(metrics.resident_bytes.get() > 1024 * 1024);
        assert!(metrics.open_fds.get() >= 3);
    }
}
