//! `lightbar contract trial`: a consumer is tried on what a quiet day does not show.

use std::io::Write;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use serde_json::json;

use crate::clock::SystemClock;
use crate::conformance::trial::{self, Trial};
use crate::kafka::{KafkaPublisher, KafkaSettings};
use crate::pipeline::ports::{Clock as _, OutboxRecord, Publisher as _};

pub(super) const EXAMPLES: &str = "\
Examples:
  lightbar contract trial --bootstrap broker:9092 --topic my-trial      send them
  lightbar contract trial                                               print them, one JSON object per line

The topic is one of your own, made before; a live topic is refused. Each line says what is special about a record and what a
consumer should make of it: act, repeat, update, late, expired, drill, close, pass over.";

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A broker; without it the records are printed whole.
    #[arg(long, value_name = "HOST:PORT", requires = "topic")]
    bootstrap: Option<String>,
    /// The topic to send them to.
    #[arg(long, requires = "bootstrap")]
    topic: Option<String>,
}

#[expect(clippy::needless_pass_by_value, reason = "each command takes its arguments whole")]
pub(super) fn run(args: Args) -> anyhow::Result<ExitCode> {
    let mut tail = [0; 16];
    getrandom::fill(&mut tail).context("the system has no random numbers")?;
    let trials = trial::records(SystemClock.now(), u128::from_le_bytes(tail));
    let mut out = std::io::stdout().lock();
    let (Some(bootstrap), Some(topic)) = (&args.bootstrap, &args.topic) else {
        for Trial { about, wanted, record, .. } in &trials {
            let headers: serde_json::Map<_, _> =
                record.headers.iter().map(|(name, value)| (name.clone(), value.clone().into())).collect();
            let value = String::from_utf8_lossy(&record.value);
            let line = json!({"about": about, "wanted": wanted, "key": record.key, "headers": headers, "value": value});
            writeln!(out, "{line}")?;
        }
        return Ok(ExitCode::SUCCESS);
    };
    // The names of `Site`, whatever the prefix: who reads them acts on what he reads.
    if [".alerts.v1", ".tracks.v1", ".shadow.v1", ".camera-health.v1", ".alert-state.v1", ".dispatch-status.v1"]
        .iter()
        .any(|live| topic.ends_with(live))
    {
        bail!("{topic} is the name of a live topic; a trial wants a topic of its own, such as lightbar.trial");
    }
    let batch: Vec<OutboxRecord> = (1..).zip(&trials).map(|(row, trial)| outgoing(row, topic, trial)).collect();
    let mut publisher = KafkaPublisher::new(KafkaSettings::plain(&**bootstrap));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("no async runtime")?;
    runtime.block_on(publisher.publish(&batch))?;
    for Trial { about, wanted, .. } in &trials {
        writeln!(out, "{wanted:<10} {about}")?;
    }
    Ok(ExitCode::SUCCESS)
}

fn outgoing(row: i64, topic: &str, trial: &Trial) -> OutboxRecord {
    OutboxRecord {
        row,
        topic: topic.to_owned(),
        key: trial.record.key.clone(),
        headers: trial.record.headers.clone(),
        value: trial.record.value.clone(),
        captured_at: trial.captured_at,
        recorded_at: trial.captured_at,
    }
}
