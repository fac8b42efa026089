//! Settings as a table for people.

use std::io::{self, Write};

use crate::clock::SystemClock;
use crate::config::{CameraSettings, EvidenceSettings, KafkaSettings, Settings};
use crate::domain::hours::SharedHours;
use crate::domain::rules::{Deliver, Mode, Rule};
use crate::domain::time::Timestamp;
use crate::pipeline::ports::Clock as _;

pub(super) fn write(out: &mut impl Write, settings: &Settings) -> io::Result<()> {
    let Settings { service, store, evidence, http, log, kafka, inference, lifecycle, cameras, hash } = settings;
    writeln!(out, "configuration  good, content {}", &hash[..12])?;
    writeln!(
        out,
        "service        site {}, node {}, data in {}",
        service.site,
        service.node,
        service.data_dir.display()
    )?;
    writeln!(
        out,
        "store          up to {} MiB, {} MiB of it in reserve, alerts kept {} days",
        store.quota_bytes >> 20,
        store.reserve_bytes >> 20,
        store.retention.as_secs() / 86400
    )?;
    writeln!(out, "evidence       {}", evidence_line(evidence))?;
    writeln!(out, "http           {}", http.listen)?;
    writeln!(out, "log            {:?}, {}", log.format, log.level)?;
    writeln!(out, "kafka          {}", kafka_line(kafka))?;
    let providers: Vec<&str> = inference.providers.iter().map(|provider| provider.as_str()).collect();
    match &inference.model {
        Some(model) => writeln!(
            out,
            "inference      {} on {}, workers {}, threads {}",
            model.display(),
            providers.join(" then "),
            inference.workers,
            inference.threads
        )?,
        None => writeln!(out, "inference      no model: only rules with class unknown speak, by the pixel cues")?,
    }
    let systems: Vec<&str> = lifecycle.systems.iter().map(|system| system.id.as_str()).collect();
    let neighbours = lifecycle.adjacency.0.len();
    match systems.as_slice() {
        [] => writeln!(out, "dispatch       no system's answers are taken; {neighbours} groups of neighbours")?,
        some => writeln!(out, "dispatch       answers of {}; {neighbours} groups of neighbours", some.join(", "))?,
    }
    let running = cameras.iter().filter(|camera| camera.enabled).count();
    writeln!(out, "cameras        {running} run, {} disabled", cameras.len() - running)?;
    cameras.iter().try_for_each(|camera| write_camera(out, camera))
}

fn evidence_line(evidence: &EvidenceSettings) -> String {
    if !evidence.enabled {
        return "off: alerts have neither clips nor pictures".to_owned();
    }
    format!(
        "pictures, and clips from {} s before to {} s after, {} s at most; up to {} MiB",
        evidence.pre_roll.as_secs_f64(),
        evidence.post_roll.as_secs_f64(),
        evidence.longest.as_secs_f64(),
        evidence.quota_bytes >> 20
    )
}

fn kafka_line(kafka: &KafkaSettings) -> String {
    if !kafka.enabled {
        return "off: alerts are stored and shown, not sent".to_owned();
    }
    let mut line = format!("{}, topics {}.*", kafka.brokers.join(", "), kafka.topic_prefix);
    if kafka.tls.is_some() {
        line.push_str(", TLS");
    }
    if let Some(sasl) = &kafka.sasl {
        line = format!("{line}, {} as {}", sasl.mechanism.as_str(), sasl.username);
    }
    if kafka.single_broker {
        line.push_str(", one replica accepted");
    }
    line
}

fn write_camera(out: &mut impl Write, camera: &CameraSettings) -> io::Result<()> {
    let name = camera.card.name.as_deref().unwrap_or_default();
    let state = if camera.enabled { "" } else { "  (disabled)" };
    writeln!(out, "\n{}  {name}{state}", camera.id())?;
    let stream = &camera.stream;
    let account = stream.credentials.as_ref().map_or_else(|| "no log-in".to_owned(), |c| format!("as {}", c.username));
    writeln!(out, "  main    {}  {}, {account}", stream.url, stream.transport.as_str())?;
    match &stream.sub_url {
        Some(url) => writeln!(out, "  sub     {url}  analysed at {} per second", stream.fps)?,
        None => writeln!(out, "          analysed at {} per second", stream.fps)?,
    }
    let ring = stream.ring;
    writeln!(
        out,
        "          ring {} s or {} MB, decoder {}",
        ring.duration.as_secs_f64(),
        ring.bytes >> 20,
        stream.decoder.as_str()
    )?;
    for zone in &camera.scene.zones {
        let points: usize = zone.shape.polygons().iter().map(|polygon| polygon.points().len()).sum();
        let more = match (zone.shape.polygons().len(), zone.shape.holes().len()) {
            (1, 0) => String::new(),
            (polygons, holes) => format!(" in {polygons} polygons, {holes} holes"),
        };
        writeln!(out, "  zone    {:<20} {points} points{more}", zone.id.as_str())?;
    }
    for line in &camera.scene.lines {
        writeln!(out, "  line    {:<20} {} points", line.id.as_str(), line.line.points().len())?;
    }
    for rule in &camera.scene.rules {
        writeln!(out, "  rule    {:<20} {}", rule.id.as_str(), rule_line(rule))?;
        write_conduct(out, rule)?;
    }
    if camera.scene.rules.is_empty() {
        writeln!(out, "  no rule: only the loss of its stream is told")?;
    }
    Ok(())
}

/// When the rule holds and who is told, where that is not the usual.
fn write_conduct(out: &mut impl Write, rule: &Rule) -> io::Result<()> {
    let conduct = &rule.conduct;
    let indent = " ".repeat(31);
    if let Some(hours) = &conduct.hours {
        writeln!(out, "{indent}runs in {}", when(hours))?;
    }
    match &conduct.armed {
        Some(armed) => writeln!(out, "{indent}armed in {}; recorded outside", when(armed))?,
        None if conduct.deliver == Deliver::Record => {
            writeln!(out, "{indent}recorded, no alert, unless armed by order")?;
        }
        None => {}
    }
    if conduct.mode == Mode::Shadow {
        writeln!(out, "{indent}on trial: its alerts are tests")?;
    }
    if let Some(max) = conduct.max_per_hour {
        writeln!(out, "{indent}at most {max} alerts an hour")?;
    }
    Ok(())
}

/// `night: now, until 2026-11-25 06:00 +08:00`.
fn when(hours: &SharedHours) -> String {
    let now = SystemClock.now();
    let local = |at: Timestamp| {
        let moment = jiff::Timestamp::from_millisecond(at.as_millis()).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        moment.to_zoned_datetime(jiff::tz::TimeZone::system()).strftime("%F %H:%M %:z").to_string()
    };
    match (hours.holds(now), hours.next_change(now)) {
        (true, Some(end)) => format!("{}: now, until {}", hours.name(), local(end)),
        (true, None) => format!("{}: now and always", hours.name()),
        (false, Some(begin)) => format!("{}: not now, next from {}", hours.name(), local(begin)),
        (false, None) => format!("{}: not now, and not within two years: its days are over", hours.name()),
    }
}

fn rule_line(rule: &Rule) -> String {
    let classes: Vec<&str> = rule.filter.classes.iter().map(|class| class.as_str()).collect();
    let mut classes = if classes.is_empty() { "any object".to_owned() } else { classes.join(", ") };
    if !rule.filter.labels.is_empty() {
        classes += " called ";
        classes += &rule.filter.labels.join(" or ");
    }
    format!(
        "{}: {classes}, confidence from {:.2}; {:?}, {:?}",
        rule.spec,
        rule.filter.min_confidence.get(),
        rule.severity,
        rule.urgency
    )
}
