//! `lightbar feed`: alerts in the terminal, live; an operator can leave it open.
//!
//! Comes back by itself and goes on where it was; a time without connection is said, since no line must not be mistaken for
//! nothing happened.

mod listen;
pub(super) mod line;

use std::io::{IsTerminal as _, Write, stderr, stdout};
use std::process::ExitCode;
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, bail};

use crate::clock::SystemClock;
use crate::domain::time::Timestamp;
use crate::pipeline::ports::Clock as _;
use line::{Language, Painter};
use listen::Heard;

/// Changes that wait to be printed; a terminal that stands still holds the connection back, and the service keeps the rest.
const WAITING_MAX: usize = 64;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    lightbar feed\n  \
    lightbar feed --url http://10.0.0.5:8080 --lang zh-CN\n  \
    lightbar feed --since 10m --json | jq .kind\n\n\
    Colours are left out where NO_COLOR is set or the output is no terminal.")]
pub(super) struct Args {
    /// Where the service is.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8080")]
    url: String,
    /// Language of the lines: zh-CN or en [default: by LANG].
    #[arg(long, value_name = "LANG", value_parser = ["zh-CN", "en"])]
    lang: Option<String>,
    /// Print each alert change as one line of JSON, exactly as in Kafka.
    #[arg(long)]
    json: bool,
    /// Also show what is only recorded, and what rules on trial would say.
    #[arg(long)]
    all: bool,
    /// Begin with what was recorded since then: 90s, 10m, 2h, 1d, or a moment such as 2026-03-01T08:00:00Z.
    #[arg(long, value_name = "WHEN")]
    since: Option<String>,
}

#[expect(clippy::needless_pass_by_value, reason = "each command takes its arguments whole")]
pub(super) fn run(args: Args) -> anyhow::Result<ExitCode> {
    let since = args.since.as_deref().map(|text| moment(text, SystemClock.now())).transpose()?;
    let base = args.url.trim_end_matches('/').to_owned();
    if !base.starts_with("http://") && !base.starts_with("https://") {
        bail!("--url is the address of a service such as http://127.0.0.1:8080, got {:?}", args.url);
    }
    let wanted = listen::Wanted { base, since, all: args.all };
    let (tell, heard) = sync_channel(WAITING_MAX);
    thread::Builder::new()
        .name("feed".to_owned())
        .spawn(move || listen::listen(&wanted, &tell))
        .context("cannot start a thread")?;
    let language = args.lang.as_deref().map_or_else(Language::of_environment, Language::named);
    let terminal = stdout().is_terminal();
    let colour = terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let mut screen = Screen {
        painter: Painter::new(language, colour),
        json: args.json,
        status: terminal && !args.json,
        down: None,
        up_once: false,
    };
    loop {
        let shown = match heard.recv_timeout(Duration::from_secs(1)) {
            Ok(Heard::Refused(why)) => bail!("{why}"),
            Ok(heard) => screen.show(heard),
            Err(RecvTimeoutError::Timeout) => screen.tick(),
            Err(RecvTimeoutError::Disconnected) => bail!("the feed's thread ended"),
        };
        match shown {
            // The reader of our output (head, less) has seen enough.
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => return Ok(ExitCode::SUCCESS),
            shown => shown.context("cannot write to the terminal")?,
        }
    }
}

struct Screen {
    painter: Painter,
    json: bool,
    status: bool,
    down: Option<Timestamp>,
    up_once: bool,
}

impl Screen {
    fn show(&mut self, heard: Heard) -> std::io::Result<()> {
        let now = SystemClock.now();
        match heard {
            Heard::Alert(json) if self.json => writeln!(stdout(), "{json}")?,
            Heard::Alert(json) => {
                let text = self.painter.alert(&json);
                self.print(&text)?;
            }
            Heard::Up => {
                let away = self.down.take().map(|since| now.since(since));
                if !self.up_once || away.is_some() {
                    self.up_once = true;
                    self.notice(&self.painter.connected(away))?;
                }
            }
            Heard::Down(why) => {
                if self.down.is_none() {
                    self.down = Some(now);
                    self.notice(&self.painter.disconnected(now, &why))?;
                }
            }
            Heard::Restored => self.notice(&self.painter.restored())?,
            Heard::Refused(_) | Heard::Alive => {}
        }
        self.tick()
    }

    /// The status line, kept below what was printed.
    fn tick(&mut self) -> std::io::Result<()> {
        if self.status {
            write!(stdout(), "\r\x1b[2K{}", self.painter.status(self.up_once, self.down, SystemClock.now()))?;
        }
        stdout().flush()
    }

    fn print(&self, text: &str) -> std::io::Result<()> {
        if self.status {
            write!(stdout(), "\r\x1b[2K")?;
        }
        writeln!(stdout(), "{text}")
    }

    /// With `--json` standard output is for machines, so people read standard error.
    fn notice(&self, text: &str) -> std::io::Result<()> {
        if self.json { writeln!(stderr(), "{text}") } else { self.print(text) }
    }
}

/// A moment, or so long before `now`.
fn moment(text: &str, now: Timestamp) -> anyhow::Result<Timestamp> {
    if let Ok(at) = text.parse::<jiff::Timestamp>() {
        return Ok(Timestamp::from_millis(at.as_millisecond()));
    }
    let unit = match text.chars().last() {
        Some('s') => 1,
        Some('m') => 60,
        Some('h') => 3600,
        Some('d') => 86400,
        _ => 0,
    };
    let number = text.get(..text.len().saturating_sub(1)).and_then(|number| number.parse::<u32>().ok());
    match number {
        Some(number) if unit > 0 => Ok(now.minus(Duration::from_secs(u64::from(number) * unit))),
        _ => bail!("--since is 90s, 10m, 2h, 1d, or a moment such as 2026-03-01T08:00:00Z, got {text:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn since_is_a_span_or_a_moment() {
        let now = Timestamp::from_millis(1_700_000_000_000);
        assert_eq!(moment("10m", now).unwrap(), now.minus(Duration::from_mins(10)));
        assert_eq!(moment("2023-11-14T22:13:20Z", now).unwrap(), now);
        for bad in ["", "m", "10", "-1h", "10 min", "米", "1w"] {
            assert!(moment(bad, now).is_err(), "{bad}");
        }
    }
}
