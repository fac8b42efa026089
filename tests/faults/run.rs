//! Carries a plan out, and waits until all is well again.

use std::time::{Duration, Instant};

use lightbar::contract::Site;
use lightbar::domain::ids::NodeId;
use lightbar::kafka::topics;

use crate::acl;
use crate::plan::{Fault, Plan};
use crate::proxy::{Network, Proxy};
use crate::support::broker::Broker;
use crate::verdict::{self, Held};
use crate::world::{ACCOUNT, Abilities, PASSWORD, Room, World};

/// How often is looked what is due.
const LOOK: Duration = Duration::from_millis(20);
/// How long the service may take to be well again by itself; a broker that starts on a busy machine is in it.
const RECOVERY: Duration = Duration::from_mins(2);

/// Where plans happen.
pub(crate) struct Ground {
    pub(crate) broker: Broker,
    pub(crate) proxy: Proxy,
    pub(crate) abilities: Abilities,
    pub(crate) _folder: tempfile::TempDir,
}

/// How a plan went.
pub(crate) struct Outcome {
    pub(crate) held: Result<Held, String>,
    /// From the end of the last fault until nothing waited any more.
    pub(crate) recovered_in: Duration,
    pub(crate) ended_by_itself: u32,
    pub(crate) log: String,
}

impl Ground {
    /// Carries a plan out. The broker is well before and after.
    pub(crate) fn carry_out(&mut self, plan: &Plan) -> Outcome {
        let prefix = format!("plan-{:016x}", plan.seed);
        self.make_topics(&prefix);
        let disk_fills = plan.faults.iter().any(|planned| planned.fault == Fault::DiskFull);
        let room = if disk_fills { Room::SmallDisk } else { Room::Quota };
        let address = format!("127.0.0.1:{}", self.proxy.port());
        let mut world = World::new(&address, &prefix, &self.abilities, (plan.seed, plan.rate), room);
        world.start();
        self.happen(plan, &mut world, &prefix);
        let over = Instant::now();
        let recovered = recover(&mut world);
        let recovered_in = over.elapsed();
        let held =
            recovered.and_then(|()| verdict::judge(&world.data(), &world.journal(), &self.broker.settings(), &prefix));
        Outcome { held, recovered_in, ended_by_itself: world.ended_by_itself, log: world.log() }
    }

    pub(crate) fn make_topics(&self, prefix: &str) {
        let mut site = Site::new("faults", NodeId::parse("node-1").unwrap());
        prefix.clone_into(&mut site.topic_prefix);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime
            .block_on(topics::ensure(&self.broker.settings(), &topics::wanted(&site, 3), topics::Safety::SINGLE_BROKER))
            .unwrap();
    }

    fn happen(&mut self, plan: &Plan, world: &mut World, prefix: &str) {
        // Begins and ends, in the order of their times; what begins at the time that another ends, begins after it.
        let mut due: Vec<(Duration, bool, Fault)> =
            plan.faults.iter().flat_map(|p| [(p.begins, true, p.fault), (p.ends, false, p.fault)]).collect();
        due.sort_by_key(|&(at, begins, _)| (at, begins));
        let started = Instant::now();
        for (at, begins, fault) in due {
            while started.elapsed() < at {
                world.supervise();
                std::thread::park_timeout(LOOK);
            }
            if begins { self.begin(fault, world, prefix) } else { self.end(fault, world, prefix) }
        }
        // Whatever a plan has left of its overlapping faults is over now.
        for fault in plan.faults.iter().map(|planned| planned.fault) {
            self.end(fault, world, prefix);
        }
        // It goes on for a while, as if nothing had been.
        let healed = Instant::now();
        while healed.elapsed() < Duration::from_millis(500) {
            world.supervise();
            std::thread::park_timeout(LOOK);
        }
    }

    fn begin(&mut self, fault: Fault, world: &mut World, prefix: &str) {
        match fault {
            Fault::ServiceKilled => world.kill(),
            // That it stops in order while all else is well is seen at the end of each plan; here anything may be going on.
            Fault::ServiceStopped => world.stop(Duration::from_secs(1)).unwrap_or_default(),
            Fault::BrokerKilled => self.broker.kill(),
            Fault::BrokerHangs => self.broker.signal("STOP"),
            Fault::NetworkCut => self.proxy.set(Network::Cut),
            Fault::NetworkSlow(rate) => self.proxy.set(Network::Slow(rate)),
            Fault::NetworkHalfOpen => self.proxy.set(Network::HalfOpen),
            Fault::AnswersLost => self.proxy.set(Network::AnswersLost),
            Fault::WriteForbidden if self.broker_answers() => {
                acl::forbid_writing(&self.broker.address(), ACCOUNT, prefix);
            }
            Fault::TopicsHidden if self.broker_answers() => acl::hide(&self.broker.address(), ACCOUNT, prefix),
            Fault::WriteForbidden | Fault::TopicsHidden => {}
            Fault::PasswordWrong => {
                world.set_password("wrong");
                // Whoever is logged in stays so: the password is asked for at the next connection.
                self.proxy.cut();
            }
            Fault::DiskFull => world.fill_disk(),
            Fault::SyncSlow(ms) => world.set_sync(&format!("slow {ms}")),
            Fault::SyncFails => world.set_sync("fail"),
            Fault::ClockJumps(seconds) => world.set_clock(seconds),
        }
    }

    /// Ends a fault; one that has ended already stays so.
    fn end(&mut self, fault: Fault, world: &mut World, prefix: &str) {
        match fault {
            Fault::ServiceKilled | Fault::ServiceStopped => world.start_again(),
            Fault::BrokerKilled => {
                if !self.broker.is_running() {
                    self.broker.restart();
                }
            }
            Fault::BrokerHangs => self.broker.signal("CONT"),
            Fault::NetworkCut | Fault::NetworkSlow(_) | Fault::NetworkHalfOpen | Fault::AnswersLost => {
                self.proxy.set(Network::Passes);
            }
            Fault::WriteForbidden | Fault::TopicsHidden => {
                self.broker.signal("CONT");
                if !self.broker.is_running() {
                    self.broker.restart();
                }
                acl::allow_again(&self.broker.address(), prefix);
            }
            Fault::PasswordWrong => world.set_password(PASSWORD),
            Fault::DiskFull => world.free_disk(),
            Fault::SyncSlow(_) | Fault::SyncFails => world.set_sync(""),
            // It stays where it is: a clock that was wrong need not be put right for the rest to hold.
            Fault::ClockJumps(_) => {}
        }
    }

    /// A broker that hangs or is dead takes no rules.
    fn broker_answers(&self) -> bool {
        self.broker.is_running() && topics::reachable(&self.broker.settings()).is_ok()
    }
}

/// Stops the service in order; if something is left then, it is sent at the next start, as promised.
fn recover(world: &mut World) -> Result<(), String> {
    let begun = Instant::now();
    if !world.is_up_within(RECOVERY) {
        return Err(format!("the service does not stay up, {} s after the last fault", RECOVERY.as_secs()));
    }
    world.stop(RECOVERY)?;
    if verdict::unsent(&world.data()).is_some_and(|left| left == 0) {
        return Ok(());
    }
    world.start_draining();
    while verdict::unsent(&world.data()).is_none_or(|left| left > 0) {
        if begun.elapsed() > RECOVERY {
            return Err(format!(
                "after {} s without a fault {:?} records still wait",
                RECOVERY.as_secs(),
                verdict::unsent(&world.data())
            ));
        }
        world.supervise();
        std::thread::park_timeout(Duration::from_millis(100));
    }
    world.stop(RECOVERY)
}
