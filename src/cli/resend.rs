//! `lightbar resend`: stored alerts sent to Kafka again, for a consumer that has lost them. Same ids, same bytes, and a header that
//! says so; never into a live topic, whose order per camera is a promise.

use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail};
use indicatif::{ProgressBar, ProgressStyle};

use crate::app;
use crate::clock::SystemClock;
use crate::config;
use crate::contract::time::{local, parse_rfc3339, rfc3339};
use crate::contract::{AlertV1, Site, cloudevents};
use crate::domain::ids::CameraId;
use crate::domain::time::Timestamp;
use crate::kafka::KafkaPublisher;
use crate::pipeline::ports::{Channel, Clock, OutboxRecord, Publisher, Recorded};
use crate::store::Reader;

/// Read from the store, and sent, in one go.
const BATCH: usize = 500;
/// A batch that fails is tried again so often; ids are the same, so a second run does no harm either.
const TRIES: u32 = 5;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Configuration: a TOML file or a folder of them; says where the store and Kafka are.
    #[arg(long, value_name = "PATH")]
    config: PathBuf,
    /// From this capture time on (RFC 3339).
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    from: Timestamp,
    /// Up to this capture time, which is not among them.
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    to: Timestamp,
    /// Only of this camera.
    #[arg(long, value_name = "ID")]
    camera: Option<String>,
    /// Only of this kind, such as `object_removed`.
    #[arg(long, value_name = "KIND")]
    kind: Option<String>,
    /// Another topic than `<prefix>.resend.v1`; it must be there, and no topic that Lightbar writes by itself.
    #[arg(long, value_name = "TOPIC")]
    topic: Option<String>,
    /// Only count what would be sent.
    #[arg(long)]
    dry_run: bool,
}

/// What has been sent so far.
#[derive(Default)]
struct Count {
    changes: usize,
    bytes: usize,
    first: Option<Timestamp>,
    last: Option<Timestamp>,
}

#[expect(clippy::needless_pass_by_value, reason = "each command takes its arguments whole")]
pub(super) fn run(args: Args) -> anyhow::Result<ExitCode> {
    if args.to <= args.from {
        bail!("--to {} is not after --from {}", rfc3339(args.to), rfc3339(args.from));
    }
    if let Some(camera) = &args.camera {
        CameraId::parse(camera).context("--camera")?;
    }
    let settings = config::load(&args.config)?;
    let site = app::site(&settings);
    let topic = args.topic.clone().unwrap_or_else(|| site.resend_topic());
    refuse_live(&site, &topic)?;
    anyhow::ensure!(args.dry_run || settings.kafka.enabled, "kafka.enabled is false in {}", args.config.display());
    let reader = Reader::open(&settings.service.data_dir)?;
    let publisher = KafkaPublisher::new(app::kafka_settings(&settings.kafka));
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().context("no runtime")?;
    let count = runtime.block_on(resend(&args, &site, &topic, &reader, publisher))?;
    let mut out = std::io::stdout().lock();
    let (Some(first), Some(last)) = (count.first, count.last) else {
        writeln!(out, "no alert was recorded in that time 该时段没有告警")?;
        return Ok(ExitCode::SUCCESS);
    };
    writeln!(
        out,
        "{} {} changes of alerts, {} kB, captured from {} to {}, to {topic}",
        if args.dry_run { "would send" } else { "sent" },
        count.changes,
        count.bytes.div_ceil(1000),
        local(first),
        local(last)
    )?;
    Ok(ExitCode::SUCCESS)
}

/// A live topic has its order and its sequence numbers, which records from the past would break.
fn refuse_live(site: &Site, topic: &str) -> anyhow::Result<()> {
    let ours = topic
        .strip_prefix(&site.topic_prefix)
        .is_some_and(|rest| rest.starts_with('.') && rest.rsplit_once('.').is_some_and(|(_, version)| version == "v1"));
    if ours && topic != site.resend_topic() {
        bail!(
            "--topic: got {topic}, which Lightbar writes by itself; old records would break its order; wants {} or a topic of yours",
            site.resend_topic()
        );
    }
    Ok(())
}

async fn resend(
    args: &Args,
    site: &Site,
    topic: &str,
    reader: &Reader,
    mut publisher: KafkaPublisher,
) -> anyhow::Result<Count> {
    let now = SystemClock.now();
    let bar = progress(args.dry_run);
    let (mut count, mut after) = (Count::default(), 0);
    loop {
        let changes = reader.changes_between(args.from, args.to, after, BATCH)?;
        let Some(last) = changes.last() else { break };
        after = last.row;
        let mut batch = Vec::with_capacity(changes.len());
        for change in changes.iter().filter(|change| change.channel == Channel::Alert) {
            let alert: AlertV1 = serde_json::from_str(&change.json)
                .with_context(|| format!("row {} of the store cannot be read back", change.row))?;
            let of_camera = args.camera.as_ref().is_none_or(|id| alert.camera.as_ref().is_some_and(|c| c.id == *id));
            if of_camera && args.kind.as_ref().is_none_or(|kind| *alert.kind == **kind) {
                count.add(&alert, &change.json);
                batch.push(record(change, &alert, site, topic, now));
            }
        }
        if !args.dry_run && !batch.is_empty() {
            send(&mut publisher, &batch).await.with_context(|| {
                let sent = count.changes - batch.len();
                format!("{sent} changes were sent before it; run it again, consumers know them by their ids")
            })?;
        }
        bar.set_position(count.changes as u64);
    }
    bar.finish_and_clear();
    Ok(count)
}

impl Count {
    fn add(&mut self, alert: &AlertV1, json: &str) {
        self.changes += 1;
        self.bytes += json.len();
        if let Some(at) = parse_rfc3339(&alert.timing.captured_at) {
            self.first = Some(self.first.map_or(at, |first| first.min(at)));
            self.last = Some(self.last.map_or(at, |last| last.max(at)));
        }
    }
}

fn record(change: &Recorded, alert: &AlertV1, site: &Site, topic: &str, now: Timestamp) -> OutboxRecord {
    OutboxRecord {
        row: change.row,
        topic: topic.to_owned(),
        key: alert.key().to_owned(),
        headers: cloudevents::resent_headers(alert, site, now),
        value: change.json.as_bytes().to_vec(),
        // Kafka deletes by its own timestamp: with the alert's, an old one would be gone as soon as it came.
        captured_at: now,
        recorded_at: now,
    }
}

async fn send(publisher: &mut KafkaPublisher, batch: &[OutboxRecord]) -> anyhow::Result<()> {
    let mut pause = Duration::from_millis(500);
    for _ in 1..TRIES {
        match publisher.publish(batch).await {
            Ok(()) => return Ok(()),
            Err(error) if error.reason == "topic_missing" => return Err(error.into()),
            Err(error) => tracing::debug!(%error, "tried again"),
        }
        tokio::time::sleep(pause).await;
        pause *= 2;
    }
    Ok(publisher.publish(batch).await?)
}

fn progress(dry_run: bool) -> ProgressBar {
    if dry_run || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new_spinner();
    if let Ok(style) = ProgressStyle::with_template("{spinner} {pos} changes sent, {per_sec}") {
        bar.set_style(style);
    }
    bar
}

fn parse_time(text: &str) -> Result<Timestamp, String> {
    parse_rfc3339(text).ok_or_else(|| "wants a time with its zone, such as 2026-03-01T08:00:00+08:00".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::NodeId;

    #[test]
    fn a_live_topic_is_refused_and_others_are_not() {
        let site = Site::new("county", NodeId::parse("node-1").unwrap());
        for live in
            [site.alerts_topic(), site.shadow_topic(), site.dead_letters_topic(), "lightbar.alert-state.v1".to_owned()]
        {
            assert!(refuse_live(&site, &live).is_err(), "{live}");
        }
        for free in [site.resend_topic(), "catch-up".to_owned(), "lightbarx.alerts.v1".to_owned()] {
            assert!(refuse_live(&site, &free).is_ok(), "{free}");
        }
    }
}
