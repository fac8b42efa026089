//! A picture of a score: one row per camera and kind, what happened above, what was told below, on one time axis.
//!
//! Plain SVG without scripts or fonts of its own; words in both languages.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::event::{Event, Told, Truth};
use super::judge::Verdict;
use crate::contract::time::rfc3339;
use crate::domain::time::Timestamp;

const WIDTH: f64 = 1280.0;
/// Room for a letter of a camera's name.
const LETTER: f64 = 8.2;
const RIGHT: f64 = 24.0;
const TOP: f64 = 84.0;
const ROW: f64 = 46.0;
const AXIS: f64 = 40.0;

const GOOD: &str = "#1b8a5a";
const BAD: &str = "#c62839";
const QUIET: &str = "#9aa0a6";
const INK: &str = "#20262d";

/// What became of an event or an alert.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    Right,
    Wrong,
    NotJudged,
}

impl Fate {
    const fn colour(self) -> &'static str {
        match self {
            Self::Right => GOOD,
            Self::Wrong => BAD,
            Self::NotJudged => QUIET,
        }
    }
}

/// Draws.
pub fn timeline(truth: &Truth, told: &[Told], verdict: &Verdict) -> String {
    let rows: BTreeSet<(&str, &str)> = truth
        .events
        .iter()
        .map(|e| (e.camera.as_str(), e.kind.as_str()))
        .chain(told.iter().map(|t| (t.camera.as_str(), t.kind.as_str())))
        .collect();
    let rows: Vec<(&str, &str)> = rows.into_iter().collect();
    let letters = rows.iter().map(|(camera, kind)| camera.chars().count().max(kind.chars().count())).max().unwrap_or(0);
    let axis = Axis::over(truth, told, 24.0 + LETTER * letters.clamp(12, 64) as f64);
    let height = TOP + ROW * rows.len() as f64 + AXIS;
    let mut svg = Svg(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" font-family=\"sans-serif\" font-size=\"13\" \
         fill=\"{INK}\">\n<rect width=\"{WIDTH}\" height=\"{height}\" fill=\"#ffffff\"/>\n"
    ));
    legend(&mut svg, verdict, &axis);
    for (index, (camera, kind)) in rows.iter().enumerate() {
        let y = TOP + ROW * index as f64;
        if index % 2 == 0 {
            svg.put(format_args!("<rect x=\"0\" y=\"{y}\" width=\"{WIDTH}\" height=\"{ROW}\" fill=\"#f4f6f8\"/>"));
        }
        svg.put(format_args!("<text x=\"12\" y=\"{}\" font-weight=\"bold\">{}</text>", y + 19.0, escaped(camera)));
        svg.put(format_args!("<text x=\"12\" y=\"{}\" fill=\"#555d66\">{}</text>", y + 36.0, escaped(kind)));
    }
    ticks(&mut svg, &axis, TOP + ROW * rows.len() as f64);
    let row_of = |camera: &str, kind: &str| rows.iter().position(|row| *row == (camera, kind)).unwrap_or_default();
    for (index, event) in truth.events.iter().enumerate() {
        let fate = match index {
            i if verdict.missed.contains(&i) => Fate::Wrong,
            i if verdict.unjudged_events.contains(&i) => Fate::NotJudged,
            _ => Fate::Right,
        };
        draw_event(&mut svg, &axis, event, TOP + ROW * row_of(&event.camera, &event.kind) as f64, fate);
    }
    for (index, alert) in told.iter().enumerate() {
        let fate = match index {
            i if verdict.false_alerts.contains(&i) => Fate::Wrong,
            i if verdict.unjudged_alerts.contains(&i) => Fate::NotJudged,
            _ => Fate::Right,
        };
        draw_alert(&mut svg, &axis, alert, TOP + ROW * row_of(&alert.camera, &alert.kind) as f64, fate);
    }
    svg.0 + "</svg>\n"
}

/// Media time to places.
struct Axis {
    from: Timestamp,
    seconds: f64,
    left: f64,
}

impl Axis {
    fn over(truth: &Truth, told: &[Told], left: f64) -> Self {
        let events =
            truth.events.iter().flat_map(|e| [e.start.minus(e.tolerance), e.end.unwrap_or(e.due).plus(e.tolerance)]);
        let alerts = told.iter().flat_map(|t| [t.started_at, t.captured_at]);
        let watched = truth.watched.iter().flat_map(|w| [w.from, w.until]);
        let all: Vec<Timestamp> = events.chain(alerts).chain(watched).collect();
        let from = all.iter().min().copied().unwrap_or_default();
        let seconds = all.iter().max().map_or(1.0, |until| until.seconds_from(from)).max(1.0);
        Self { from, seconds, left }
    }

    fn x(&self, at: Timestamp) -> f64 {
        self.place(at.seconds_from(self.from))
    }

    fn place(&self, seconds: f64) -> f64 {
        self.left + (seconds / self.seconds).clamp(0.0, 1.0) * (WIDTH - self.left - RIGHT)
    }
}

struct Svg(String);

impl Svg {
    fn put(&mut self, element: std::fmt::Arguments<'_>) {
        // Writing to a string cannot fail.
        writeln!(self.0, "{element}").unwrap_or_default();
    }
}

fn legend(svg: &mut Svg, verdict: &Verdict, axis: &Axis) {
    svg.put(format_args!(
        "<text x=\"12\" y=\"26\" font-size=\"17\" font-weight=\"bold\">What happened and what was told · 真实事件与告警</text>"
    ));
    svg.put(format_args!(
        "<text x=\"{}\" y=\"26\" text-anchor=\"end\" fill=\"#555d66\">0 = {}</text>",
        WIDTH - RIGHT,
        rfc3339(axis.from)
    ));
    let entries = [
        (GOOD, true, "told · 已报", verdict.matched.len()),
        (BAD, true, "missed · 漏报", verdict.missed.len()),
        (GOOD, false, "right alert · 正确告警", verdict.matched.len()),
        (BAD, false, "false alert · 误报", verdict.false_alerts.len()),
        (QUIET, false, "not judged · 不计", verdict.unjudged_alerts.len() + verdict.unjudged_events.len()),
    ];
    for (index, (colour, is_event, words, count)) in entries.into_iter().enumerate() {
        let x = 12.0 + 240.0 * index as f64;
        if is_event {
            svg.put(format_args!("<rect x=\"{x}\" y=\"46\" width=\"18\" height=\"12\" rx=\"3\" fill=\"{colour}\" fill-opacity=\"0.35\" stroke=\"{colour}\"/>"));
        } else {
            mark(
                svg,
                x + 9.0,
                53.0,
                if colour == BAD {
                    Fate::Wrong
                } else if colour == GOOD {
                    Fate::Right
                } else {
                    Fate::NotJudged
                },
                "",
            );
        }
        svg.put(format_args!("<text x=\"{}\" y=\"57\">{words}: {count}</text>", x + 26.0));
    }
}

fn ticks(svg: &mut Svg, axis: &Axis, bottom: f64) {
    let steps =
        [1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0, 7200.0, 21_600.0, 86_400.0];
    let step = steps.into_iter().find(|step| axis.seconds / step <= 16.0).unwrap_or(axis.seconds / 12.0);
    let mut at = 0.0;
    while at <= axis.seconds {
        let x = axis.place(at);
        svg.put(format_args!("<line x1=\"{x:.1}\" y1=\"{TOP}\" x2=\"{x:.1}\" y2=\"{bottom}\" stroke=\"#d5dae0\"/>"));
        svg.put(format_args!(
            "<text x=\"{x:.1}\" y=\"{}\" text-anchor=\"middle\" fill=\"#555d66\">{}</text>",
            bottom + 20.0,
            clock(at)
        ));
        at += step;
    }
}

fn clock(seconds: f64) -> String {
    let whole = seconds.round() as u64;
    let (h, m, s) = (whole / 3600, whole / 60 % 60, whole % 60);
    if h > 0 { format!("{h}:{m:02}:{s:02}") } else { format!("{m}:{s:02}") }
}

fn draw_event(svg: &mut Svg, axis: &Axis, event: &Event, y: f64, fate: Fate) {
    let (from, until) = (event.start.minus(event.tolerance), event.end.unwrap_or(event.start).plus(event.tolerance));
    let (x0, x1, start) = (axis.x(from), axis.x(until), axis.x(event.start));
    let colour = fate.colour();
    let mut words = format!("{} {}", event.kind, rfc3339(event.start));
    for more in [&event.class, &event.direction, &event.name].into_iter().flatten() {
        words.extend([format!(", {more}")]);
    }
    svg.put(format_args!(
        "<g><title>{}</title><rect x=\"{x0:.1}\" y=\"{}\" width=\"{:.1}\" height=\"14\" rx=\"3\" fill=\"{colour}\" fill-opacity=\"0.3\" \
         stroke=\"{colour}\"/><line x1=\"{start:.1}\" y1=\"{}\" x2=\"{start:.1}\" y2=\"{}\" stroke=\"{colour}\" stroke-width=\"2\"/></g>",
        escaped(&words),
        y + 6.0,
        (x1 - x0).max(3.0),
        y + 6.0,
        y + 20.0
    ));
}

fn draw_alert(svg: &mut Svg, axis: &Axis, told: &Told, y: f64, fate: Fate) {
    let (began, raised) = (axis.x(told.started_at), axis.x(told.captured_at));
    let y = y + 33.0;
    svg.put(format_args!(
        "<line x1=\"{began:.1}\" y1=\"{y}\" x2=\"{raised:.1}\" y2=\"{y}\" stroke=\"{}\" stroke-width=\"2\"/>",
        fate.colour()
    ));
    let words = format!("{} {} {}", told.kind, rfc3339(told.captured_at), told.alert_id);
    mark(svg, raised, y, fate, &words);
}

/// A triangle for a right alert, a cross for a false one, a ring for one that is not judged: not by colour alone.
fn mark(svg: &mut Svg, x: f64, y: f64, fate: Fate, words: &str) {
    let title = if words.is_empty() { String::new() } else { format!("<title>{}</title>", escaped(words)) };
    let colour = fate.colour();
    match fate {
        Fate::Right => svg.put(format_args!(
            "<path d=\"M{:.1} {:.1}l5 10h-10z\" fill=\"{colour}\">{title}</path>",
            x, y - 6.0
        )),
        Fate::Wrong => svg.put(format_args!(
            "<path d=\"M{:.1} {:.1}l9 9m0 -9l-9 9\" stroke=\"{colour}\" stroke-width=\"2.5\" fill=\"none\">{title}</path>",
            x - 4.5, y - 4.5
        )),
        Fate::NotJudged => svg.put(format_args!(
            "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4\" stroke=\"{colour}\" stroke-width=\"1.5\" fill=\"none\">{title}</circle>"
        )),
    }
}

fn escaped(text: &str) -> String {
    text.chars().fold(String::new(), |mut out, c| {
        match c {
            '&' => out += "&amp;",
            '<' => out += "&lt;",
            '>' => out += "&gt;",
            '"' => out += "&quot;",
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
        out
    })
}

#[cfg(test)]
mod tests {
    use super::super::judge::tests::{event, told};
    use super::super::judge::{Patience, judge};
    use super::*;

    #[test]
    fn every_fate_is_drawn_and_hostile_words_are_words() {
        let mut hostile = event("a", 20.0);
        hostile.name = Some("<script>\"&".into());
        let truth = Truth { events: vec![event("a", 10.0), hostile], ..Truth::default() };
        let told = [told("a", 10.0), told("a", 40.0)];
        let svg = timeline(&truth, &told, &judge(&truth, &told, Patience::default()));
        assert!(svg.contains("&lt;script&gt;&quot;&amp;") && !svg.contains("<script"));
        assert!(
            svg.contains("missed · 漏报: 1") && svg.contains("false alert · 误报: 1") && svg.contains("told · 已报: 1")
        );
        assert_eq!(svg.matches("<rect").count(), 1 + 1 + 2 + 2, "paper, one row, two of the legend, two events");
    }

    #[test]
    fn nothing_is_a_picture_too() {
        assert!(timeline(&Truth::default(), &[], &Verdict::default()).ends_with("</svg>\n"));
    }
}
