//! `lightbar contract check`: reads a topic as any consumer would and says which promises were kept.

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};

use crate::conformance::{Checker, Record};
use crate::kafka::KafkaSettings;
use crate::kafka::consumer::{Received, Start, TopicReader};
use crate::{app, config};

pub(super) const EXAMPLES: &str = "\
Examples:
  lightbar contract check --bootstrap broker:9092 --topic lightbar.alerts.v1 --from-beginning
  lightbar contract check --bootstrap broker:9092 --topic lightbar.alerts.v1 --seconds 3600
  lightbar contract check --config lightbar.toml --topic lightbar.alerts.v1 --seconds 60
  lightbar contract check --bootstrap broker:9092 --topic lightbar.camera-health.v1 --from-beginning --json -

With --from-beginning it ends at the last record that lay there when it began. Reads only, joins no consumer group, commits
nothing.

Exit status: 0 every promise was kept, 1 one was broken or Kafka could not be read, 2 wrong command line.";

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A broker that wants neither TLS nor a password.
    #[arg(long, value_name = "HOST:PORT", required_unless_present = "config", conflicts_with = "config")]
    bootstrap: Option<String>,
    /// Take brokers, TLS and password from a service's configuration instead.
    #[arg(long, value_name = "PATH")]
    config: Option<PathBuf>,
    /// The topic.
    #[arg(long)]
    topic: String,
    /// Judge what lies in the topic, from its first record to its last.
    #[arg(long)]
    from_beginning: bool,
    /// End after so many records.
    #[arg(long, value_name = "N")]
    max: Option<u64>,
    /// End after so many seconds [default: without --from-beginning and --max, 60].
    #[arg(long, value_name = "S")]
    seconds: Option<u64>,
    /// Write the report as JSON too; - writes it to standard output instead of the text.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

#[expect(clippy::needless_pass_by_value, reason = "each command takes its arguments whole")]
pub(super) fn run(args: Args) -> anyhow::Result<ExitCode> {
    let settings = match (&args.bootstrap, &args.config) {
        (Some(bootstrap), _) => KafkaSettings::plain(&**bootstrap),
        (None, Some(path)) => app::kafka_settings(&config::load(path)?.kafka),
        (None, None) => bail!("--bootstrap or --config says where Kafka is"),
    };
    let start = if args.from_beginning { Start::Beginning } else { Start::End };
    let mut reader = TopicReader::open_at(&settings, &args.topic, start)?;
    let mut checker = Checker::new(args.from_beginning);
    read(&args, &mut reader, &mut checker)?;
    let report = checker.report();
    let mut out = std::io::stdout().lock();
    match &args.json {
        Some(path) if path.as_os_str() == "-" => writeln!(out, "{:#}", report.to_json())?,
        Some(path) => {
            fs::write(path, format!("{:#}\n", report.to_json()))
                .with_context(|| format!("cannot write {}", path.display()))?;
            write!(out, "{report}")?;
        }
        None => write!(out, "{report}")?,
    }
    Ok(if report.is_clean() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Reads until what was asked for is reached.
fn read(args: &Args, reader: &mut TopicReader, checker: &mut Checker) -> anyhow::Result<()> {
    let most = args.max.unwrap_or(u64::MAX);
    let bounded = args.from_beginning || args.max.is_some();
    let until = args.seconds.or((!bounded).then_some(60)).map(|seconds| Instant::now() + Duration::from_secs(seconds));
    let mut ends = if args.from_beginning { Some(reader.ends()?) } else { None };
    while checker.report().records < most {
        if until.is_some_and(|until| Instant::now() >= until) {
            break;
        }
        if ends.as_ref().is_some_and(|ends| !reader.is_behind(ends)) {
            // With --seconds it goes on with what comes now.
            if args.seconds.is_none() {
                break;
            }
            ends = None;
        }
        if let Some(record) = reader.next(Duration::from_millis(200))? {
            checker.see(&judged(record));
        }
    }
    Ok(())
}

fn judged(record: Received) -> Record {
    let Received { partition, offset, key, headers, value, .. } = record;
    Record { partition, offset, key, headers, value }
}
