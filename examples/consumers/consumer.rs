//! Follows Lightbar's alerts: `cargo run --example consumer -- BROKER:9092 TOPIC [END after so many records]`.

use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::{ClientConfig, Message, message::Headers};
use serde_json::Value;
use std::collections::{HashMap, HashSet};
use std::{env, error::Error, io, io::Write};

type Done = Result<(), Box<dyn Error>>;
#[derive(Default)] // keep both of these in your database, in one transaction with what you do
struct Memory(HashSet<(String, String)>, HashMap<(String, String), u64>);

fn main() -> Done {
    let given: Vec<String> = env::args().skip(1).collect();
    follow(&given[0], &given[1], given.get(2).and_then(|s| s.parse().ok()), &mut io::stdout())
}

pub(crate) fn follow(broker: &str, topic: &str, records: Option<usize>, out: &mut impl Write) -> Done {
    let (mut settings, mut memory) = (ClientConfig::new(), Memory::default());
    settings.set("bootstrap.servers", broker).set("group.id", "example-rust").set("auto.offset.reset", "earliest");
    let consumer: BaseConsumer = settings.set("enable.auto.commit", "false").create()?;
    consumer.subscribe(&[topic])?;
    for message in consumer.iter().take(records.unwrap_or(usize::MAX)) {
        let message = message?;
        let text = |bytes: Option<&[u8]>| String::from_utf8_lossy(bytes.unwrap_or_default()).into_owned();
        let headers = message.headers().into_iter().flat_map(Headers::iter);
        let headers = headers.map(|header| (header.key.to_owned(), text(header.value))).collect();
        writeln!(out, "{}", handle(&mut memory, &headers, &text(message.payload()))?)?;
        consumer.commit_message(&message, CommitMode::Sync)?;
    }
    Ok(())
}

fn handle(memory: &mut Memory, headers: &HashMap<String, String>, value: &str) -> Result<String, Box<dyn Error>> {
    let header = |name: &str| headers.get(name).cloned().ok_or(format!("no header {name}"));
    let (kind, source) = (header("ce_type")?, header("ce_source")?);
    let phase = kind.strip_suffix(".v1").and_then(|kind| kind.rsplit_once(".alert.")).map(|(_, phase)| phase);
    if phase.is_none() || !memory.0.insert((source.clone(), header("ce_id")?)) {
        return Ok(if phase.is_some() { "repeat".to_owned() } else { format!("pass over {kind}") });
    }
    let count: u64 = header("ce_sequence")?.parse()?;
    let before = memory.1.insert((source.clone(), header("ce_epoch")?), count).unwrap_or(count - 1);
    let gap = if count > before + 1 { format!("gap of {} at {source}\n", count - before - 1) } else { String::new() };
    let (alert, now): (Value, _) = (serde_json::from_str(value)?, jiff::Timestamp::now());
    let todo = match phase {
        Some("ended") => "close",
        Some("opened") if alert["status"] != "Actual" => "drill",
        Some("opened") if now > header("ce_expirytime")?.parse()? => "expired", // record it, send nobody
        Some("opened") if now.as_second() - header("ce_time")?.parse::<jiff::Timestamp>()?.as_second() > 60 => "late",
        Some("opened") => "act",
        _ => "update", // updated, or a word of the future
    };
    let speaker = if alert["camera"].is_object() { &alert["camera"] } else { &alert["node"] };
    let said = [&speaker["id"], &alert["kind"], &alert["text"]["en"]["headline"]].map(|v| v.as_str().unwrap_or("-"));
    Ok(format!("{gap}{todo} {}", said.join(" ")))
}
