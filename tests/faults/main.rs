//! Fault plans: the real program, a real Apache Kafka, and between them everything that goes wrong, drawn from a seed. After each
//! plan what was decided is compared with what Kafka holds: nothing lost, nothing invented, the same bytes, in order, and no
//! hand's help.
//!
//! `cargo test --test faults` runs 20 plans; `make faults N=200 SEED=7` as many as wanted. `LIGHTBAR_FAULTS_N` and
//! `LIGHTBAR_FAULTS_SEED` say the same to `cargo test`. Plan `n` of seed `s` is plan 0 of seed `s + n`, so one that fails is
//! repeated alone.

#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr, reason = "a test program")]

#[path = "../it/support/broker.rs"]
#[allow(dead_code, reason = "shared with the other tests")]
mod broker;
#[path = "../it/support/skipped.rs"]
mod skipped;
mod plan;
mod proxy;
mod acl;
mod world;
mod verdict;
mod run;
mod outage;

/// As the other tests know it.
mod support {
    pub(crate) use super::{broker, skipped};
}

use std::net::TcpListener;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use plan::Plan;
use proxy::Proxy;
use run::{Ground, Outcome};
use support::broker::Broker;
use world::{ACCOUNT, Abilities, PASSWORD};

/// Plans of a run of all tests.
const PLANS: u64 = 20;
/// Not today's date and not random: a run of all tests is the same each time. `make faults` draws anew.
const SEED: u64 = 1;

fn main() -> ExitCode {
    // What `cargo test NAME` and its options mean to the other tests.
    let mut filters = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).peekable();
    let asked_for_another = filters.peek().is_some() && !filters.any(|filter| "faults".contains(&filter));
    if asked_for_another || std::env::args().any(|argument| argument == "--list") {
        return ExitCode::SUCCESS;
    }
    let number = |name: &str, default| match std::env::var(name) {
        Ok(text) if !text.is_empty() => text.parse().unwrap_or_else(|_| panic!("{name}: got {text:?}, wants a number")),
        _ => default,
    };
    let (plans, seed) = (number("LIGHTBAR_FAULTS_N", PLANS), number("LIGHTBAR_FAULTS_SEED", SEED));
    let Some(mut ground) = prepare() else { return ExitCode::SUCCESS };
    if let Some(picture) = std::env::var_os("LIGHTBAR_FAULTS_OUTAGE") {
        let measured = outage::measure(&mut ground, picture.as_ref());
        return measured.map_or_else(
            |why| {
                println!("FAILED: {why}");
                ExitCode::FAILURE
            },
            |()| ExitCode::SUCCESS,
        );
    }
    println!("\nfaults: {plans} plans from seed {seed}");
    let mut tally = Tally::default();
    let begun = Instant::now();
    for n in 0..plans {
        let plan = Plan::draw(seed.wrapping_add(n));
        println!("plan {:>3}/{plans} seed {}: {plan}", n + 1, plan.seed);
        let outcome = ground.carry_out(&plan);
        tally.add(&plan, &outcome);
    }
    tally.tell(begun.elapsed())
}

/// A broker with a listener for the service that leads through the proxy, where it has to log in and may be refused.
fn prepare() -> Option<Ground> {
    let (to_service, beyond) = (TcpListener::bind("127.0.0.1:0").unwrap(), TcpListener::bind("127.0.0.1:0").unwrap());
    let (proxied, behind) = (to_service.local_addr().unwrap().port(), beyond.local_addr().unwrap().port());
    drop(beyond);
    let properties = |port: u16| {
        format!(
            "listeners=CLIENT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{},SERVICE://127.0.0.1:{behind}\n\
             advertised.listeners=CLIENT://127.0.0.1:{port},SERVICE://127.0.0.1:{proxied}\n\
             listener.security.protocol.map=CLIENT:PLAINTEXT,CONTROLLER:PLAINTEXT,SERVICE:SASL_PLAINTEXT\n\
             sasl.enabled.mechanisms=PLAIN\n\
             listener.name.service.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required \
             user_{ACCOUNT}=\"{PASSWORD}\";\n\
             authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer\n\
             allow.everyone.if.no.acl.found=true\nsuper.users=User:ANONYMOUS\n",
            port + 1
        )
    };
    let broker = Broker::start_with(false, properties, None)?;
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let abilities = Abilities::find(folder.path());
    Some(Ground { broker, proxy: Proxy::start(to_service, behind), abilities, _folder: folder })
}

/// What came of all plans.
#[derive(Default)]
struct Tally {
    held: u32,
    failed: Vec<u64>,
    decided: usize,
    repeated: usize,
    journalled: usize,
    health: usize,
    from_memory: usize,
    ended_by_itself: u32,
    slowest: Duration,
}

impl Tally {
    fn add(&mut self, plan: &Plan, outcome: &Outcome) {
        self.ended_by_itself += outcome.ended_by_itself;
        match &outcome.held {
            Ok(held) => {
                self.held += 1;
                self.decided += held.decided;
                self.repeated += held.repeated;
                self.journalled += held.journalled;
                self.health += held.health;
                self.from_memory += held.from_memory;
                self.slowest = self.slowest.max(outcome.recovered_in);
                println!(
                    "  held: {} decided, all in Kafka, {} sent twice, {} of health; well again {:.1} s after the last fault",
                    held.decided,
                    held.repeated,
                    held.health,
                    outcome.recovered_in.as_secs_f64()
                );
            }
            Err(why) => {
                self.failed.push(plan.seed);
                let log: Vec<&str> = outcome.log.lines().collect();
                println!("  FAILED: {why}\n  the service's last words:");
                for line in &log[log.len().saturating_sub(25)..] {
                    println!("    {line}");
                }
                println!("  repeat it: make faults N=1 SEED={}", plan.seed);
            }
        }
    }

    fn tell(&self, took: Duration) -> ExitCode {
        println!(
            "\nfaults: {} plans held, {} failed, in {:.0} s\n  {} changes decided ({} seen to be committed), {} sent twice, {} words of \
             health, {} from memory\n  slowest to be well again: {:.1} s; the service ended by itself and was started again {} times",
            self.held,
            self.failed.len(),
            took.as_secs_f64(),
            self.decided,
            self.journalled,
            self.repeated,
            self.health,
            self.from_memory,
            self.slowest.as_secs_f64(),
            self.ended_by_itself
        );
        for seed in &self.failed {
            println!("  repeat: make faults N=1 SEED={seed}");
        }
        if self.failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}
