//! A plan: what goes wrong, when and for how long, drawn from a seed. The same seed draws the same plan.

use std::fmt;
use std::time::Duration;

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// SIGKILL to the service; it is started again when the fault is over.
    ServiceKilled,
    /// SIGTERM to the service; it is started again when the fault is over.
    ServiceStopped,
    /// SIGKILL to the broker; it is started again when the fault is over.
    BrokerKilled,
    /// SIGSTOP to the broker: connections stand, nothing answers.
    BrokerHangs,
    /// Connections are cut, new ones are cut at once.
    NetworkCut,
    /// So many bytes per second and direction.
    NetworkSlow(u32),
    /// Connections stand, nothing gets through, neither way.
    NetworkHalfOpen,
    /// What is asked arrives, what is answered does not: the broker has it and the service does not know.
    AnswersLost,
    /// The account may not write to the topics.
    WriteForbidden,
    /// The account may not even see the topics.
    TopicsHidden,
    /// The password in the service's file is wrong.
    PasswordWrong,
    /// The disk of the data folder is full.
    DiskFull,
    /// Each sync of the disk takes so many milliseconds.
    SyncSlow(u32),
    /// Each sync of the disk fails.
    SyncFails,
    /// The service's wall clock jumps by so many seconds, and stays there.
    ClockJumps(i64),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ServiceKilled => f.write_str("service killed"),
            Self::ServiceStopped => f.write_str("service stopped"),
            Self::BrokerKilled => f.write_str("broker killed"),
            Self::BrokerHangs => f.write_str("broker hangs"),
            Self::NetworkCut => f.write_str("network cut"),
            Self::NetworkSlow(bytes) => write!(f, "network at {bytes} B/s"),
            Self::NetworkHalfOpen => f.write_str("network half-open"),
            Self::AnswersLost => f.write_str("answers lost"),
            Self::WriteForbidden => f.write_str("writing forbidden"),
            Self::TopicsHidden => f.write_str("topics hidden"),
            Self::PasswordWrong => f.write_str("wrong password"),
            Self::DiskFull => f.write_str("disk full"),
            Self::SyncSlow(ms) => write!(f, "sync takes {ms} ms"),
            Self::SyncFails => f.write_str("sync fails"),
            Self::ClockJumps(seconds) => write!(f, "clock {seconds:+} s"),
        }
    }
}

/// A fault with its time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Planned {
    pub(crate) fault: Fault,
    /// From the start of the service.
    pub(crate) begins: Duration,
    pub(crate) ends: Duration,
}

/// A plan.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) seed: u64,
    /// Alert changes per second.
    pub(crate) rate: u32,
    pub(crate) faults: Vec<Planned>,
}

impl Plan {
    /// Draws it.
    pub(crate) fn draw(seed: u64) -> Self {
        let mut random = fastrand::Rng::with_seed(seed);
        let rate = [100, 300, 600, 1000][random.usize(..4)];
        let mut begins = Duration::ZERO;
        let faults = (0..random.u32(2..=4))
            .map(|_| {
                let fault = fault(&mut random);
                begins += Duration::from_millis(random.u64(200..1500));
                // Some last as long as it takes to notice them, which for a silent broker is the time of an acknowledgement.
                let most = if matches!(fault, Fault::BrokerHangs | Fault::NetworkHalfOpen | Fault::AnswersLost) {
                    4000
                } else {
                    2500
                };
                Planned { fault, begins, ends: begins + Duration::from_millis(random.u64(100..most)) }
            })
            .collect();
        Self { seed, rate, faults }
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/s", self.rate)?;
        for Planned { fault, begins, ends } in &self.faults {
            write!(f, ", {fault} {:.1}-{:.1} s", begins.as_secs_f64(), ends.as_secs_f64())?;
        }
        Ok(())
    }
}

/// The broker is killed less often than it might: its start is what costs.
fn fault(random: &mut fastrand::Rng) -> Fault {
    match random.u32(..100) {
        0..20 => Fault::ServiceKilled,
        20..24 => Fault::ServiceStopped,
        24..30 => Fault::BrokerKilled,
        30..38 => Fault::BrokerHangs,
        38..46 => Fault::NetworkCut,
        46..52 => Fault::NetworkSlow(random.u32(2_000..200_000)),
        52..59 => Fault::NetworkHalfOpen,
        59..66 => Fault::AnswersLost,
        66..71 => Fault::WriteForbidden,
        71..75 => Fault::TopicsHidden,
        75..80 => Fault::PasswordWrong,
        80..86 => Fault::DiskFull,
        86..90 => Fault::SyncSlow(random.u32(20..800)),
        90..94 => Fault::SyncFails,
        // Two hours are more than a broker forgives by itself (`message.timestamp.after.max.ms`).
        _ => Fault::ClockJumps([-7200, -60, -2, 3, 90, 7200, 200_000][random.usize(..7)]),
    }
}
