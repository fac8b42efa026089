//! `lightbar kafka`: the topics that Lightbar writes, made or checked.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;

use crate::app;
use crate::config;
use crate::kafka::topics::{self, Found, Safety, TopicState};

/// Enough that a hundred cameras' consumers can share the work.
const PARTITIONS: i32 = 12;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Make or check the topics that Lightbar writes.
    #[command(after_help = super::examples::KAFKA_TOPICS)]
    Topics(TopicArgs),
}

#[derive(Debug, clap::Args)]
#[command(group(clap::ArgGroup::new("what").required(true).args(["create", "check"])))]
#[expect(clippy::struct_excessive_bools, reason = "flags of a command line")]
struct TopicArgs {
    /// Make those that are missing; those that are there are only checked.
    #[arg(long)]
    create: bool,
    /// Only check; change nothing.
    #[arg(long)]
    check: bool,
    /// Configuration: a TOML file or a folder of them; says where Kafka is and how topics are called.
    #[arg(long, value_name = "PATH")]
    config: PathBuf,
    /// Partitions of each topic; they bound how many consumers of one group read at once.
    #[arg(long, value_name = "N", default_value_t = PARTITIONS, value_parser = clap::value_parser!(i32).range(1..=1000))]
    partitions: i32,
    /// One replica is enough, as with `kafka.single_broker`: what was acknowledged can be lost with a disk.
    #[arg(long)]
    single_broker: bool,
    /// The topic for audit records too.
    #[arg(long)]
    audit: bool,
}

pub(super) fn run(args: Args) -> anyhow::Result<ExitCode> {
    let What::Topics(args) = args.what;
    let settings = config::load(&args.config)?;
    anyhow::ensure!(settings.kafka.enabled, "kafka.enabled is false in {}", args.config.display());
    let client = app::kafka_settings(&settings.kafka);
    let site = app::site(&settings);
    let mut specs = topics::wanted(&site, args.partitions);
    if args.audit {
        specs.push(topics::audit(&site, args.partitions));
    }
    let single = args.single_broker || settings.kafka.single_broker;
    let safety = if single { Safety::SINGLE_BROKER } else { Safety::THREE_BROKERS };
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().context("no runtime")?;
    let (made, states) = runtime.block_on(async {
        let made = if args.create { topics::ensure(&client, &specs, safety).await? } else { Vec::new() };
        anyhow::Ok((made, topics::inspect(&client, &specs, safety).await?))
    })?;
    let mut out = std::io::stdout().lock();
    out.write_all(table(&states, &made).as_bytes())?;
    let wrong = states.iter().filter(|state| state.found.is_none() || !state.findings.is_empty()).count();
    if wrong == 0 {
        writeln!(out, "\n{} topics, as they should be 主题均符合要求", states.len())?;
        return Ok(ExitCode::SUCCESS);
    }
    writeln!(out, "\n{wrong} of {} topics are not as they should be 个主题不符合要求", states.len())?;
    if states.iter().any(|state| state.found.is_none()) {
        writeln!(out, "missing ones are made by: lightbar kafka topics --create --config {}", args.config.display())?;
    }
    if states.iter().any(|state| !state.findings.is_empty()) {
        writeln!(
            out,
            "a topic that is there is never changed from here: kafka-configs.sh --alter, or kafka-topics.sh --alter"
        )?;
    }
    Ok(ExitCode::FAILURE)
}

fn table(states: &[TopicState], made: &[String]) -> String {
    let head = ["TOPIC", "PARTITIONS", "REPLICAS", "IN SYNC", "CLEANUP", "KEPT", "STATE"].map(str::to_owned);
    let mut rows = vec![head];
    rows.extend(states.iter().map(|state| row(state, made.contains(&state.spec.name))));
    let widths: [usize; 7] = std::array::from_fn(|n| rows.iter().map(|row| row[n].len()).max().unwrap_or(0));
    let line = |row: &[String; 7]| {
        let cells: Vec<String> = row.iter().zip(widths).map(|(cell, wide)| format!("{cell:wide$}")).collect();
        format!("{}\n", cells.join("  ").trim_end())
    };
    rows.iter().map(line).collect()
}

fn row(state: &TopicState, made: bool) -> [String; 7] {
    let name = state.spec.name.clone();
    let Some(found) = &state.found else {
        let [a, b, c, d, e] = std::array::from_fn(|_| "-".to_owned());
        return [name, a, b, c, d, e, "MISSING, or this account may not see it".to_owned()];
    };
    let setting = |what: &str| found.config.get(what).cloned().unwrap_or_else(|| "?".to_owned());
    let wrong: Vec<String> =
        state.findings.iter().map(|f| format!("{} is {}, wants {}", f.what, f.is, f.wants)).collect();
    let verdict = match (wrong.is_empty(), made) {
        (true, true) => "made".to_owned(),
        (true, false) => "good".to_owned(),
        (false, _) => format!("WRONG: {}", wrong.join("; ")),
    };
    [
        name,
        found.partitions.to_string(),
        found.replicas.to_string(),
        setting("min.insync.replicas"),
        setting("cleanup.policy"),
        kept(state.spec.compact, found),
        verdict,
    ]
}

/// How long records are kept, in the largest unit that says it exactly enough.
fn kept(compact: bool, found: &Found) -> String {
    if compact {
        return "last of each key".to_owned();
    }
    match found.config.get("retention.ms").and_then(|text| text.parse::<i64>().ok()) {
        None => "?".to_owned(),
        Some(ms) if ms < 0 => "for ever".to_owned(),
        Some(ms) if ms % 86_400_000 == 0 => format!("{} d", ms / 86_400_000),
        Some(ms) if ms % 3_600_000 == 0 => format!("{} h", ms / 3_600_000),
        Some(ms) => format!("{} s", ms / 1000),
    }
}
