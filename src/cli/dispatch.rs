//! `lightbar dispatch`: what stands at the other end of an alert.

use std::io::{Write as _, stdout};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use clap::Subcommand;

use crate::clock::SystemClock;
use crate::contract::Site;
use crate::demo::dispatch::{self, Saying};
use crate::demo::patrol::{Manners, Patrol};
use crate::domain::ids::NodeId;
use crate::kafka::KafkaSettings;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Play a patrol system over Kafka: it accepts what is dispatched, goes, arrives, resolves.
    #[command(after_help = super::examples::DISPATCH_SIMULATE)]
    Simulate(Simulate),
}

#[derive(Debug, clap::Args)]
struct Simulate {
    /// Kafka's address.
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:9092")]
    bootstrap: String,
    /// First part of topic names.
    #[arg(long, value_name = "TEXT", default_value = "lightbar")]
    topic_prefix: String,
    /// As which dispatch system it answers; the service's configuration must name it.
    #[arg(long, value_name = "ID", default_value = "simulated")]
    system: String,
    /// Seconds from one answer to the next.
    #[arg(long, value_name = "SECONDS", default_value_t = 5.0, value_parser = seconds)]
    pace: f64,
    /// Share of alerts that it refuses, 0 to 1.
    #[arg(long, value_name = "SHARE", default_value_t = 0.0, value_parser = share)]
    refuse: f64,
    /// Share of answers that it sends twice.
    #[arg(long, value_name = "SHARE", default_value_t = 0.0, value_parser = share)]
    repeat: f64,
    /// Share of alerts whose answers it sends in another order.
    #[arg(long, value_name = "SHARE", default_value_t = 0.0, value_parser = share)]
    reorder: f64,
    /// Share of alerts at which it goes silent after it has accepted.
    #[arg(long, value_name = "SHARE", default_value_t = 0.0, value_parser = share)]
    silent: f64,
    /// Share of answers before which it sends something that cannot be read.
    #[arg(long, value_name = "SHARE", default_value_t = 0.0, value_parser = share)]
    garble: f64,
    /// Chooses what is left to chance: the same seed, the same behaviour.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// End after so long [default: until Ctrl-C].
    #[arg(long = "seconds", value_name = "SECONDS", value_parser = seconds)]
    lasting: Option<f64>,
}

pub(super) fn run(args: Args) -> anyhow::Result<ExitCode> {
    let Command::Simulate(args) = args.command;
    let manners = Manners {
        system: args.system,
        seed: args.seed,
        pace: Duration::from_secs_f64(args.pace),
        refuse: args.refuse,
        repeat: args.repeat,
        reorder: args.reorder,
        silent: args.silent,
        garble: args.garble,
    };
    let mut site = Site::new("simulated", NodeId::parse("simulated").context("a slug")?);
    site.topic_prefix = args.topic_prefix;
    let end = args.lasting.map(|seconds| Instant::now() + Duration::from_secs_f64(seconds));
    let mut out = stdout().lock();
    let mut trouble = None;
    let settings = KafkaSettings::plain(args.bootstrap);
    let played = dispatch::play(
        &settings,
        &site,
        Patrol::new(manners),
        &SystemClock,
        |_| end.is_some_and(|end| Instant::now() >= end),
        |saying| {
            if let Err(error) = tell(&mut out, saying) {
                trouble.get_or_insert(error);
            }
        },
    )?;
    if let Some(error) = trouble {
        return Err(error.into());
    }
    writeln!(out, "heard {} states, sent {} answers", played.heard, played.sent)?;
    Ok(ExitCode::SUCCESS)
}

fn tell(out: &mut impl std::io::Write, saying: &Saying) -> std::io::Result<()> {
    match &saying.status {
        Some(said) => writeln!(out, "{}  {}  {} by {}", said.at, said.alert_id, said.status, said.actor)?,
        None => writeln!(out, "something that cannot be read, about {}", saying.alert)?,
    }
    out.flush()
}

fn share(text: &str) -> Result<f64, String> {
    text.parse().ok().filter(|share| (0.0..=1.0).contains(share)).ok_or_else(|| "wants 0 to 1".to_owned())
}

fn seconds(text: &str) -> Result<f64, String> {
    text.parse().ok().filter(|s| (0.0..=86_400.0).contains(s)).ok_or_else(|| "wants 0 to 86400 seconds".to_owned())
}
