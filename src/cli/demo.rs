//! `lightbar demo`.

use std::collections::BTreeMap;
use std::fs;
use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use serde_json::json;

use super::feed::line::{Language, Painter};
use crate::app::demo::{Audience, Demo, Outcome, Places, default_cache};
use crate::config::{LogFormat, LogSettings};
use crate::logging;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Watch for so long once every camera is seen, then end with a summary; without it, until Ctrl-C.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(5..=86_400))]
    seconds: Option<u64>,
    /// Write the summary as JSON, with the keys truth, alerts, matched, missed, false.
    #[arg(long, value_name = "FILE")]
    summary: Option<PathBuf>,
    /// The broker: `embedded` (in this process, real wire protocol), `real` (Apache Kafka, from `make setup`), or HOST:PORT.
    #[arg(long, value_name = "WHICH", default_value = "embedded")]
    kafka: String,
    /// The page's port on localhost.
    #[arg(long, value_name = "PORT", default_value_t = 8080)]
    port: u16,
    /// The model that watches the street.
    #[arg(long, value_name = "MODEL", default_value = "models/street/model.toml")]
    model: PathBuf,
    /// Where the street's streams are kept once they are made.
    #[arg(long, value_name = "DIR", default_value_os_t = default_cache())]
    cache: PathBuf,
}

pub(super) fn run(args: Args) -> anyhow::Result<ExitCode> {
    // The demo's own lines tell what happens; the log only what goes wrong.
    logging::init(&LogSettings {
        format: LogFormat::Human,
        level: "warn,lightbar::pipeline::capture=error".to_owned(),
    })?;
    fs::create_dir_all(&args.cache).with_context(|| format!("cannot make {}", args.cache.display()))?;
    let demo = Demo {
        program: std::env::current_exe().context("cannot find this program")?,
        cache: args.cache,
        model: args.model,
        kafka: args.kafka,
        port: args.port,
        watch_for: args.seconds.map(Duration::from_secs),
    };
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().context("cannot start the runtime")?;
    let screen = Arc::new(Screen::new(args.seconds));
    let outcome = runtime.block_on(async {
        let stop = super::run::listen()?;
        demo.run(Arc::clone(&screen) as Arc<dyn Audience>, stop).await
    })?;
    runtime.shutdown_background();
    let summary = summary(&outcome);
    screen.say(&told(&outcome))?;
    if let Some(path) = args.summary {
        fs::write(&path, serde_json::to_string_pretty(&summary)?)
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(if outcome.verdict.missed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The terminal.
struct Screen {
    bars: Mutex<BTreeMap<String, ProgressBar>>,
    all: MultiProgress,
    painter: Mutex<Painter>,
    seconds: Option<u64>,
}

impl Screen {
    fn new(seconds: Option<u64>) -> Self {
        let colour = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        let painter = Mutex::new(Painter::new(Language::of_environment(), colour));
        Self { bars: Mutex::default(), all: MultiProgress::new(), painter, seconds }
    }

    fn say(&self, text: &str) -> std::io::Result<()> {
        self.all.suspend(|| writeln!(std::io::stdout(), "{text}"))
    }

    fn say_or_log(&self, text: &str) {
        if let Err(error) = self.say(text) {
            tracing::warn!(%error, "cannot write to standard output");
        }
    }
}

impl Audience for Screen {
    fn making(&self, stream: &str, share: f64) {
        let mut bars = self.bars.lock().unwrap_or_else(PoisonError::into_inner);
        let bar = bars.entry(stream.to_owned()).or_insert_with(|| {
            if !std::io::stderr().is_terminal() {
                self.say_or_log(&format!("rendering and encoding {stream} (once; kept for the next time)"));
            }
            let style = ProgressStyle::with_template("rendering {prefix:16} {bar:30} {percent:>3} %");
            let bar = self.all.add(ProgressBar::new(1000)).with_prefix(stream.to_owned());
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
            bar
        });
        bar.set_position((share * 1000.0) as u64);
        if share >= 1.0 {
            bar.finish_and_clear();
        }
    }

    fn running(&self, places: &Places) {
        let Places { page, brokers, topic, street } = places;
        let cameras: Vec<&str> = street.cameras.iter().map(|camera| camera.id.as_str()).collect();
        self.say_or_log(&format!(
            "\n  页面 page      {page}\n  摄像机 cameras {}\n  Kafka          kcat -b {brokers} -t {topic} -C -f '%k %s\\n'\n  \
             结束 stop      Ctrl-C\n",
            cameras.join(", "),
        ));
    }

    fn alert(&self, json: &str) {
        let text = self.painter.lock().unwrap_or_else(PoisonError::into_inner).alert(json);
        self.say_or_log(text.trim_end());
    }

    fn watching(&self) {
        let time = self.seconds.map_or_else(|| "until Ctrl-C".to_owned(), |seconds| format!("for {seconds} s"));
        self.say_or_log(&format!("every camera is seen; watching {time}"));
    }
}

fn summary(outcome: &Outcome) -> serde_json::Value {
    let verdict = &outcome.verdict;
    json!({
        "truth": verdict.truth,
        "alerts": verdict.alerts,
        "matched": verdict.matched.len(),
        "missed": verdict.missed.len(),
        "false": verdict.false_alerts.len(),
        "seconds": outcome.watched.as_secs_f64(),
        "capture_to_consumer_p50_s": outcome.latency(0.5),
        "capture_to_consumer_p99_s": outcome.latency(0.99),
        "cpu_per_camera": outcome.cpu_per_camera,
        "cameras": outcome.cameras,
        "missed_events": verdict.missed.iter().map(crate::street::expected::Expected::to_json).collect::<Vec<_>>(),
        "false_alerts": verdict.false_alerts.iter()
            .map(|told| json!({"alert_id": told.alert_id, "camera": told.camera, "kind": told.kind, "rule": told.rule}))
            .collect::<Vec<_>>(),
    })
}

fn told(outcome: &Outcome) -> String {
    let verdict = &outcome.verdict;
    let seconds = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |s| format!("{:.0} ms", s * 1000.0));
    let mut text = format!(
        "\nsummary 汇总 (read back from Kafka by a consumer of its own, {:.0} s, {} cameras)\n\
         \x20 truth   真值 {:>5}\n  alerts  警情 {:>5}\n  matched 命中 {:>5}\n  missed  漏报 {:>5}\n  false   误报 {:>5}\n\
         \x20 capture to consumer  p50 {}, p99 {}\n  CPU per camera       {:.1} % of a core (with broker and judge)\n",
        outcome.watched.as_secs_f64(),
        outcome.cameras,
        verdict.truth,
        verdict.alerts,
        verdict.matched.len(),
        verdict.missed.len(),
        verdict.false_alerts.len(),
        seconds(outcome.latency(0.5)),
        seconds(outcome.latency(0.99)),
        outcome.cpu_per_camera * 100.0,
    );
    let missed = verdict.missed.iter().map(|event| format!("  missed: {}", event.to_json()));
    let invented = verdict.false_alerts.iter().map(|alert| {
        let rule = alert.rule.as_deref().unwrap_or("-");
        format!("  false:  {} {} {rule}, alert {}", alert.camera, alert.kind, alert.alert_id)
    });
    text += &missed.chain(invented).collect::<Vec<_>>().join("\n");
    text
}
