//! The trial of the rules on the street: its stories in many tellings, before the real core, without cameras or a model.
//!
//! ```text
//! cargo bench --no-default-features --bench street -- score --seeds 20              # precision and recall per kind and condition
//! cargo bench --no-default-features --bench street -- score --condition degraded --list    # what was missed, what was false
//! cargo bench --no-default-features --bench street -- rates --seeds 20              # the same alerts at any frame rate
//! cargo bench --no-default-features --bench street -- quiet --hours 8               # false alerts where nothing happens
//! ```
//! Without a word of which: all three. `--json FILE` writes the scores whole. What the figures are: docs/street.md.
#![allow(missing_docs, clippy::print_stdout, reason = "a program that prints figures")]

use std::process::ExitCode;
use std::time::{Duration, Instant};

use lightbar::domain::time::Timestamp;
use lightbar::score::{Patience, Score, compare, judge};
use lightbar::street::trial::condition::Condition;
use lightbar::street::trial::pace::Pace;
use lightbar::street::trial::program::{Played, Program};
use lightbar::street::trial::quiet::Quiet;
use lightbar::street::trial::take::moment;
use lightbar::street::weather::Weather;

struct Wanted {
    what: Option<String>,
    seeds: u64,
    conditions: Vec<Condition>,
    camera: Option<String>,
    hours: f64,
    list: bool,
    json: Option<String>,
}

fn main() -> ExitCode {
    match wanted(std::env::args().skip(1)).and_then(|wanted| run(&wanted)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            println!("street: {problem}");
            ExitCode::FAILURE
        }
    }
}

fn wanted(mut args: impl Iterator<Item = String>) -> Result<Wanted, String> {
    let mut wanted = Wanted {
        what: None,
        seeds: 20,
        conditions: Condition::ALL.to_vec(),
        camera: None,
        hours: 8.0,
        list: false,
        json: None,
    };
    while let Some(arg) = args.next() {
        let mut value = || args.next().ok_or_else(|| format!("{arg} wants a value"));
        match arg.as_str() {
            "--bench" => {}
            "score" | "rates" | "quiet" => wanted.what = Some(arg),
            "--seeds" => wanted.seeds = value()?.parse().map_err(|e| format!("--seeds: {e}"))?,
            "--hours" => wanted.hours = value()?.parse().map_err(|e| format!("--hours: {e}"))?,
            "--camera" => wanted.camera = Some(value()?),
            "--condition" => {
                let name = value()?;
                let known = Condition::from_name(&name)
                    .ok_or(format!("--condition: got {name}, wants day, dusk, rain or degraded"))?;
                wanted.conditions = vec![known];
            }
            "--list" => wanted.list = true,
            "--json" => wanted.json = Some(value()?),
            other => {
                return Err(format!("what is {other}? wants score, rates or quiet; see the head of benches/street.rs"));
            }
        }
    }
    Ok(wanted)
}

fn run(wanted: &Wanted) -> Result<(), String> {
    let does = |what: &str| wanted.what.as_deref().is_none_or(|only| only == what);
    if does("score") {
        score(wanted)?;
    }
    if does("rates") {
        rates(wanted)?;
    }
    if does("quiet") {
        quiet(wanted)?;
    }
    Ok(())
}

fn threads() -> usize {
    std::thread::available_parallelism().map_or(2, usize::from)
}

fn play(wanted: &Wanted, condition: Condition, pace: Pace) -> Result<Played, String> {
    let program = Program { tellings: (1..=wanted.seeds).collect(), condition, pace, only: wanted.camera.clone() };
    program.play(threads()).map_err(|e| e.to_string())
}

fn score(wanted: &Wanted) -> Result<(), String> {
    println!("precision / recall per kind, {} tellings of each story, 5 looks a second", wanted.seeds);
    let mut files = serde_json::Map::new();
    for &condition in &wanted.conditions {
        let began = Instant::now();
        let played = play(wanted, condition, Pace::Regular(5.0))?;
        let verdict = judge(&played.truth, &played.told, Patience::default());
        let score = Score::new(&played.truth, &played.told, &verdict, None);
        let hours = score.total.camera_hours.unwrap_or_default();
        println!("\n{} ({hours:.1} camera-hours in {:.0} s)", condition.as_str(), began.elapsed().as_secs_f64());
        let all = ("all".to_owned(), score.total.clone());
        for (kind, figures) in score.kinds.iter().chain([&all]) {
            let share = |value: Option<f64>| value.map_or("-".to_owned(), |v| format!("{v:.3}"));
            println!(
                "  {kind:18} {:>5} events  precision {:>5}  recall {:>5}  missed {:>3}  false {:>3}",
                figures.events,
                share(figures.precision),
                share(figures.recall),
                figures.missed,
                figures.false_alerts
            );
        }
        if wanted.list {
            list(&played, &verdict);
        }
        files.insert(
            condition.as_str().to_owned(),
            lightbar::score::report::score_json(&played.truth, &played.told, &verdict, &score),
        );
    }
    if let Some(path) = &wanted.json {
        let text = serde_json::to_string_pretty(&files).map_err(|e| e.to_string())?;
        std::fs::write(path, text).map_err(|e| format!("cannot write {path}: {e}"))?;
    }
    Ok(())
}

/// The same stories looked at more often, less often and irregularly, against five looks a second.
fn rates(wanted: &Wanted) -> Result<(), String> {
    println!(
        "\nframe rate, {} tellings, by day: alerts of both, and those whose beginning is within one gap between looks",
        wanted.seeds
    );
    let base = play(wanted, Condition::Day, Pace::Regular(5.0))?;
    for pace in [Pace::Regular(2.5), Pace::Regular(10.0), Pace::Irregular] {
        let other = play(wanted, Condition::Day, pace)?;
        let gap_s = pace.longest_gap_s().max(0.2);
        let alike = compare(&base.told, &other.told, Duration::from_secs(3), None);
        let off_s = |&(a, b): &(usize, usize)| base.told[a].started_at.seconds_from(other.told[b].started_at).abs();
        let near = alike.both.iter().filter(|pair| off_s(pair) <= gap_s).count();
        let all = alike.both.len() + alike.only_a.len() + alike.only_b.len();
        let share = |part: usize| part as f64 / all.max(1) as f64;
        println!(
            "  {:10} {all} alerts, in both {:.3}, within {gap_s:.1} s {:.3}, only at 5 fps {}, only here {}",
            pace.name(),
            share(alike.both.len()),
            share(near),
            alike.only_a.len(),
            alike.only_b.len()
        );
        if wanted.list {
            let second = |at: Timestamp| at.seconds_from(moment(0.0));
            for (name, told, places) in
                [("only at 5 fps", &base.told, &alike.only_a), ("only here", &other.told, &alike.only_b)]
            {
                for t in places.iter().map(|&i| &told[i]) {
                    println!("    {name}: {} {} {:?} {:.1}", t.camera, t.kind, t.rule, second(t.started_at));
                }
            }
            for &(a, b) in alike.both.iter().filter(|pair| off_s(pair) > gap_s) {
                let (a, b) = (&base.told[a], &other.told[b]);
                println!(
                    "    off: {} {} {:?} {:.2} {:.2}",
                    a.camera,
                    a.kind,
                    a.rule,
                    second(a.started_at),
                    second(b.started_at)
                );
            }
        }
    }
    Ok(())
}

/// Places on which nothing happens.
fn quiet(wanted: &Wanted) -> Result<(), String> {
    const PLACES: u64 = 4;
    let seconds = wanted.hours * 3600.0 / (Weather::ALL.len() as u64 * PLACES) as f64;
    println!(
        "\nquiet footage, {:.1} camera-hours, {} kinds of weather, {PLACES} places each, all rules on",
        wanted.hours,
        Weather::ALL.len()
    );
    let began = Instant::now();
    let quiet = Quiet { weathers: Weather::ALL.to_vec(), places: PLACES, seconds, pace: Pace::Regular(5.0) };
    let played = quiet.play(threads()).map_err(|e| e.to_string())?;
    let verdict = judge(&played.truth, &played.told, Patience::default());
    let score = Score::new(&played.truth, &played.told, &verdict, None);
    for weather in Weather::ALL {
        let of = |camera: &str| camera.split('@').next() == Some(weather.as_str());
        let false_alerts = verdict.false_alerts.iter().filter(|&&i| of(&played.told[i].camera)).count();
        println!("  {:12} false alerts {false_alerts}", weather.as_str());
    }
    let share = |value: Option<f64>| value.map_or("-".to_owned(), |v| format!("{v:.3}"));
    println!(
        "  all: {} false alerts in {} camera-hours, {} per camera-hour, at most {} with 95 % certainty; took {:.0} s",
        score.total.false_alerts,
        share(score.total.camera_hours),
        share(score.total.false_per_hour),
        share(score.total.false_per_hour_upper95),
        began.elapsed().as_secs_f64()
    );
    if wanted.list {
        list(&played, &verdict);
    }
    Ok(())
}

fn list(played: &Played, verdict: &lightbar::score::Verdict) {
    let second = |at: Timestamp| at.seconds_from(moment(0.0));
    for &event in &verdict.missed {
        let e = &played.truth.events[event];
        let rule = e.rule.as_deref().unwrap_or("-");
        println!(
            "  missed {:16} {:16} {rule:16} started {:6.1} due {:6.1}",
            e.camera,
            e.kind,
            second(e.start),
            second(e.due)
        );
    }
    for &alert in &verdict.false_alerts {
        let t = &played.told[alert];
        let rule = t.rule.as_deref().unwrap_or("-");
        println!(
            "  false  {:16} {:16} {rule:16} started {:6.1} raised {:6.1} {:?}",
            t.camera,
            t.kind,
            second(t.started_at),
            second(t.captured_at),
            t.anchors
        );
    }
}
