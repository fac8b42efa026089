//! `lightbar blind`: when which camera was not seen, and why. "No alert" means "nothing happened" only outside these times.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;

use crate::clock::SystemClock;
use crate::contract::time::{local, parse_rfc3339, rfc3339};
use crate::domain::ids::CameraId;
use crate::domain::time::Timestamp;
use crate::pipeline::ports::Clock;
use crate::store::{BlindInterval, BlindQuery, Reader};

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  lightbar blind --config /etc/lightbar/lightbar.toml
  lightbar blind --data-dir /var/lib/lightbar --camera gate-north --from 2026-03-01T00:00:00+08:00
  lightbar blind --data-dir /var/lib/lightbar --json | jq -r .cause | sort | uniq -c")]
pub(super) struct Args {
    /// The service's configuration, which names its data folder.
    #[arg(long, value_name = "PATH", required_unless_present = "data_dir", conflicts_with = "data_dir")]
    config: Option<PathBuf>,
    /// The service's data folder itself; it may be running.
    #[arg(long, value_name = "DIR", alias = "store")]
    data_dir: Option<PathBuf>,
    /// Only this camera.
    #[arg(long, value_name = "ID")]
    camera: Option<String>,
    /// Only what lasted beyond this time (RFC 3339).
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// Only what began before this time (RFC 3339).
    #[arg(long, value_name = "TIME")]
    to: Option<String>,
    /// One JSON object per line instead of a table.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: Args) -> anyhow::Result<ExitCode> {
    let Args { config, data_dir, camera, from, to, json } = args;
    let data_dir = match (data_dir, config) {
        (Some(data_dir), _) => data_dir,
        (None, Some(config)) => crate::config::load(&config)?.service.data_dir,
        (None, None) => {
            anyhow::bail!("name the service's configuration with --config, or its data folder with --data-dir")
        }
    };
    let query = BlindQuery {
        camera: camera.as_deref().map(CameraId::parse).transpose().context("--camera")?,
        from: from.as_deref().map(|text| time("--from", text)).transpose()?,
        to: to.as_deref().map(|text| time("--to", text)).transpose()?,
    };
    let intervals = Reader::open(&data_dir)?.blind_intervals(&query)?;
    let now = SystemClock.now();
    let text = if json { json_lines(&intervals) } else { table(&intervals, now) };
    std::io::stdout().lock().write_all(text.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

fn time(option: &str, text: &str) -> anyhow::Result<Timestamp> {
    parse_rfc3339(text).with_context(|| {
        format!("{option}: got {text:?}, wants a time with its zone, such as 2026-03-01T08:00:00+08:00")
    })
}

fn json_lines(intervals: &[BlindInterval]) -> String {
    let line = |interval: &BlindInterval| {
        let object = serde_json::json!({
            "camera": interval.camera,
            "from": rfc3339(interval.from),
            "to": interval.to.map(rfc3339),
            "cause": interval.cause,
        });
        format!("{object}\n")
    };
    intervals.iter().map(line).collect()
}

fn table(intervals: &[BlindInterval], now: Timestamp) -> String {
    if intervals.is_empty() {
        return "no blind time 没有盲区时间\n".to_owned();
    }
    let mut rows = vec![["CAMERA 摄像机", "FROM 开始", "TO 结束", "DURATION 时长", "CAUSE 原因"].map(str::to_owned)];
    rows.extend(intervals.iter().map(|interval| {
        [
            interval.camera.clone(),
            local(interval.from),
            interval.to.map_or_else(|| "now 至今".to_owned(), local),
            duration(interval.to.unwrap_or(now).seconds_from(interval.from)),
            format!("{} {}", interval.cause, chinese(&interval.cause)),
        ]
    }));
    let widths: [usize; 5] =
        std::array::from_fn(|column| rows.iter().map(|row| width(&row[column])).max().unwrap_or(0));
    let line = |row: &[String; 5]| {
        let padded: Vec<String> =
            row.iter().zip(widths).map(|(cell, wide)| format!("{cell}{}", " ".repeat(wide - width(cell)))).collect();
        format!("{}\n", padded.join("  ").trim_end())
    };
    rows.iter().map(line).collect()
}

/// Seconds below a minute with one decimal, then hours, minutes and seconds.
fn duration(seconds: f64) -> String {
    let seconds = seconds.max(0.0);
    let whole = seconds as u64;
    match (whole / 3600, whole % 3600 / 60, whole % 60) {
        (0, 0, _) => format!("{seconds:.1} s"),
        (0, m, s) => format!("{m} min {s:02} s"),
        (h, m, s) => format!("{h} h {m:02} min {s:02} s"),
    }
}

fn chinese(cause: &str) -> &'static str {
    match cause {
        "starting" => "启动中",
        "unreachable" => "无法连接",
        "unauthorized" => "认证被拒",
        "stalled" => "码流中断",
        "unusable" => "码流不可用",
        "undecodable" => "无法解码",
        "overload" => "机器繁忙",
        "service_down" => "服务未运行",
        "disabled" => "已停用",
        "view_moved" => "画面移位",
        _ => "",
    }
}

/// Columns in a terminal: a Chinese character takes two.
fn width(text: &str) -> usize {
    text.chars().map(|c| if c >= '\u{1100}' { 2 } else { 1 }).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_says_who_when_how_long_and_why() {
        let from = Timestamp::from_millis(1_700_000_000_000);
        let closed = BlindInterval {
            camera: "gate-north".to_owned(),
            from,
            to: Some(Timestamp::from_millis(1_700_000_065_000)),
            cause: "unreachable".to_owned(),
        };
        let open = BlindInterval { to: None, cause: "stalled".to_owned(), ..closed.clone() };
        let text = table(&[closed, open], Timestamp::from_millis(1_700_000_002_500));
        assert!(text.contains("1 min 05 s") && text.contains("unreachable 无法连接"), "{text}");
        assert!(text.contains("now 至今") && text.contains("2.5 s") && text.contains("码流中断"), "{text}");
    }
}
