//! `lightbar score`: how right alerts were, against a truth; and what a change gains and loses.

mod table;
mod side_by_side;

use std::fs;
use std::io::{IsTerminal as _, Write as _, stderr, stdout};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;

use super::feed::line::Language;
use crate::contract::time::parse_rfc3339;
use crate::domain::alert::AlertKind;
use crate::domain::time::Timestamp;
use crate::score::{
    AlertFile, Figures, Mistakes, Patience, Reading, Score, Told, Truth, Verdict, compare, judge, picture, read_alerts,
    read_truth, report,
};

/// The moment that `lightbar replay` gives a video's first frame, if it is not told another.
pub(super) const REPLAY_START: &str = "2000-01-01T00:00:00Z";

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// What really happened: JSON lines (docs/replay-and-score.md); may be given more than once.
    #[arg(long, value_name = "FILE", required_unless_present = "compare")]
    truth: Vec<PathBuf>,
    /// What was told: alerts as JSON lines from `replay`, `feed --json` or a Kafka tool; may be given more than once.
    #[arg(long, value_name = "FILE", required_unless_present = "compare", conflicts_with = "compare")]
    alerts: Vec<PathBuf>,
    /// Compare two files of alerts, alert by alert: what B gains and loses against A.
    #[arg(long, num_args = 2, value_names = ["A", "B"])]
    compare: Option<Vec<PathBuf>>,
    /// When the videos' first frame was taken (RFC 3339): the truth's seconds count from here. As given to `replay`.
    #[arg(long, value_name = "TIME", default_value = REPLAY_START, value_parser = parse_time)]
    start: Timestamp,
    /// Only this video's truth, and the camera that it stood for [default camera: the video's name]; may be repeated.
    #[arg(long, value_name = "NAME[=CAMERA]", value_parser = parse_video)]
    video: Vec<(String, Option<String>)>,
    /// Only this kind of alert and event; may be repeated.
    #[arg(long, value_name = "KIND", value_parser = parse_kind)]
    kind: Vec<String>,
    /// Which alerts are scored: Test for rules in shadow mode, System for the service's own.
    #[arg(long, value_name = "STATUS", value_delimiter = ',', default_value = "Actual,Exercise",
          value_parser = ["Actual", "Exercise", "System", "Test"])]
    status: Vec<String>,
    /// With --compare: how far two alerts may be apart and still be the same one, in seconds.
    #[arg(long, value_name = "S", default_value = "2", value_parser = parse_seconds)]
    tolerance: Duration,
    /// An alert raised later than this after its event was due does not count [default: none is too late].
    #[arg(long, value_name = "S", value_parser = parse_seconds)]
    max_delay: Option<Duration>,
    /// The recall bias of i-LIDS' F1 for all kinds [default: 0.65, or 0.55 for what stands or is gone].
    #[arg(long, value_name = "A", value_parser = parse_bias)]
    recall_bias: Option<f64>,
    /// Write figures, events and alerts as JSON; `-` is standard output, instead of the table.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Draw the timeline as SVG.
    #[arg(long, value_name = "FILE.svg", conflicts_with = "compare")]
    picture: Option<PathBuf>,
    /// Exit with status 1 where F1 is below this.
    #[arg(long, value_name = "X", conflicts_with = "compare", value_parser = parse_share)]
    min_f1: Option<f64>,
    /// Exit with status 1 where an event was missed (with --compare: lost).
    #[arg(long)]
    fail_on_missed: bool,
    /// Exit with status 1 where an alert was false (with --compare: newly so).
    #[arg(long)]
    fail_on_false: bool,
    /// Language of the table: zh-CN or en [default: by LANG].
    #[arg(long, value_name = "LANG", value_parser = ["zh-CN", "en"])]
    lang: Option<String>,
}

#[expect(clippy::needless_pass_by_value, reason = "each command takes its arguments whole")]
pub(super) fn run(args: Args) -> anyhow::Result<ExitCode> {
    let mut mistakes = Mistakes::default();
    let truth = read_all_truth(&args, &mut mistakes)?;
    let alert_files = args.compare.as_ref().unwrap_or(&args.alerts);
    let mut alerts = Vec::new();
    for path in alert_files {
        alerts.push(read_file(path, &args, &mut mistakes)?);
    }
    if !mistakes.is_empty() {
        return Err(mistakes.into());
    }
    match alerts.as_slice() {
        [a, b] if args.compare.is_some() => side_by_side(&args, &truth, a, b),
        _ => score(&args, &truth, &alerts.concat()),
    }
}

fn score(args: &Args, truth: &Truth, told: &[Told]) -> anyhow::Result<ExitCode> {
    let patience = Patience { after_due: Duration::ZERO, max_delay: args.max_delay };
    let verdict = judge(truth, told, patience);
    let score = Score::new(truth, told, &verdict, args.recall_bias);
    if let Some(path) = &args.json {
        write(path, &format!("{:#}\n", report::score_json(truth, told, &verdict, &score)))?;
    }
    if let Some(path) = &args.picture {
        write(path, &picture::timeline(truth, told, &verdict))?;
    }
    if !is_stdout(args.json.as_deref()) {
        let text = table::score(truth, told, &verdict, &score, args.tongue());
        stdout().lock().write_all(text.as_bytes())?;
    }
    Ok(if is_good_enough(args, &score.total, &verdict) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Whether the bars that were set are cleared; says which is not.
fn is_good_enough(args: &Args, total: &Figures, verdict: &Verdict) -> bool {
    let mut good = true;
    let mut fail = |words: String| {
        good = false;
        // Where standard error cannot be written, the exit status is all that is left.
        writeln!(stderr(), "{words}").unwrap_or_default();
    };
    if let Some(min) = args.min_f1 {
        match total.f1 {
            Some(f1) if f1 >= min => {}
            Some(f1) => fail(format!("F1 is {f1:.3}, below {min} (--min-f1)")),
            None => fail("there is no F1, since nothing was to be told and nothing was (--min-f1)".to_owned()),
        }
    }
    if args.fail_on_missed && !verdict.missed.is_empty() {
        fail(format!("{} missed (--fail-on-missed)", verdict.missed.len()));
    }
    if args.fail_on_false && !verdict.false_alerts.is_empty() {
        fail(format!("{} false (--fail-on-false)", verdict.false_alerts.len()));
    }
    good
}

fn side_by_side(args: &Args, truth: &Truth, a: &[Told], b: &[Told]) -> anyhow::Result<ExitCode> {
    let patience = Patience { after_due: Duration::ZERO, max_delay: args.max_delay };
    let truth = (!args.truth.is_empty()).then_some(truth);
    let found = compare(a, b, args.tolerance, truth.map(|truth| (truth, patience)));
    if let Some(path) = &args.json {
        write(path, &format!("{:#}\n", report::comparison_json(a, b, &found, truth)))?;
    }
    if !is_stdout(args.json.as_deref()) {
        let text = side_by_side::text(a, b, &found, truth, args.tongue());
        stdout().lock().write_all(text.as_bytes())?;
    }
    let worse = found.against_truth.as_ref().is_some_and(|against| {
        (args.fail_on_missed && !against.lost.is_empty()) || (args.fail_on_false && !against.false_new.is_empty())
    });
    let changed = found.against_truth.is_none()
        && ((args.fail_on_missed && !found.only_a.is_empty()) || (args.fail_on_false && !found.only_b.is_empty()));
    Ok(if worse || changed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// In which language and colour the terminal is spoken to.
#[derive(Clone, Copy)]
struct Tongue {
    language: Language,
    colour: bool,
}

impl Tongue {
    fn pick(self, chinese: &'static str, english: &'static str) -> &'static str {
        if self.language == Language::Chinese { chinese } else { english }
    }

    fn paint(self, code: &str, text: &str) -> String {
        if self.colour { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

impl Args {
    fn tongue(&self) -> Tongue {
        let language = self.lang.as_deref().map_or_else(Language::of_environment, Language::named);
        let colour = stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        Tongue { language, colour }
    }
}

fn read_all_truth(args: &Args, mistakes: &mut Mistakes) -> anyhow::Result<Truth> {
    let reading = Reading { origin: args.start, videos: args.video.clone(), kinds: args.kind.clone() };
    let mut all = Truth::default();
    for path in &args.truth {
        match read_truth(&path.display().to_string(), &text(path)?, &reading) {
            Ok(truth) => {
                all.events.extend(truth.events);
                all.watched.extend(truth.watched);
                all.ignored.extend(truth.ignored);
            }
            Err(wrong) => mistakes.extend(wrong),
        }
    }
    Ok(all)
}

fn read_file(path: &Path, args: &Args, mistakes: &mut Mistakes) -> anyhow::Result<Vec<Told>> {
    let name = path.display().to_string();
    let AlertFile { mut told, without_opening, repeated, .. } = match read_alerts(&name, &text(path)?) {
        Ok(file) => file,
        Err(wrong) => {
            mistakes.extend(wrong);
            return Ok(Vec::new());
        }
    };
    if without_opening > 0 {
        writeln!(stderr(), "{name}: {without_opening} alerts have no opening in the file and are not judged")?;
    }
    if repeated > 0 {
        writeln!(stderr(), "{name}: {repeated} openings are there more than once and count once")?;
    }
    told.retain(|t| args.status.contains(&t.status) && (args.kind.is_empty() || args.kind.contains(&t.kind)));
    Ok(told)
}

fn text(path: &Path) -> anyhow::Result<String> {
    let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    String::from_utf8(bytes).map_err(|error| {
        let line = error.as_bytes()[..error.utf8_error().valid_up_to()].split(|&byte| byte == b'\n').count();
        anyhow::anyhow!("{}:{line}: is not UTF-8 text; a file of JSON lines is wanted", path.display())
    })
}

fn is_stdout(path: Option<&Path>) -> bool {
    path == Some(Path::new("-"))
}

fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    if is_stdout(Some(path)) {
        return Ok(stdout().lock().write_all(text.as_bytes())?);
    }
    fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}

fn parse_time(text: &str) -> Result<Timestamp, String> {
    parse_rfc3339(text).ok_or_else(|| format!("wanted a time such as 2026-03-01T08:15:30Z, got {text:?}"))
}

fn parse_video(text: &str) -> Result<(String, Option<String>), String> {
    match text.split_once('=') {
        Some((name, camera)) if !name.is_empty() && !camera.is_empty() => {
            Ok((name.to_owned(), Some(camera.to_owned())))
        }
        None if !text.is_empty() => Ok((text.to_owned(), None)),
        _ => Err(format!("wanted a video's name, or NAME=CAMERA, got {text:?}")),
    }
}

fn parse_kind(text: &str) -> Result<String, String> {
    let kinds = AlertKind::ALL.map(AlertKind::as_str);
    if kinds.contains(&text) { Ok(text.to_owned()) } else { Err(format!("wanted one of {}", kinds.join(", "))) }
}

fn parse_seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse::<f64>().ok().filter(|s| (0.0..=86_400.0).contains(s));
    seconds.map(Duration::from_secs_f64).ok_or_else(|| format!("wanted 0 to 86400 seconds, got {text:?}"))
}

fn parse_share(text: &str) -> Result<f64, String> {
    let share = text.parse::<f64>().ok().filter(|share| (0.0..=1.0).contains(share));
    share.ok_or_else(|| format!("wanted 0 to 1, got {text:?}"))
}

fn parse_bias(text: &str) -> Result<f64, String> {
    let bias = text.parse::<f64>().ok().filter(|bias| (0.0..=1000.0).contains(bias));
    bias.ok_or_else(|| format!("wanted 0 to 1000, got {text:?}"))
}
