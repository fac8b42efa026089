//! The score as a table for people: all together, per kind, per camera; then what was missed and what was false.

use super::Tongue;
use crate::contract::time::rfc3339;
use crate::domain::time::Timestamp;
use crate::score::{Event, Figures, Score, Told, Truth, Verdict};

/// Lines of a list; the rest is counted.
pub(super) const LISTED: usize = 40;

const GREEN: &str = "32";
const RED: &str = "31";
const BOLD: &str = "1";
const FAINT: &str = "2";

/// The whole text.
pub(super) fn score(truth: &Truth, told: &[Told], verdict: &Verdict, score: &Score, tongue: Tongue) -> String {
    let mut rows = vec![(tongue.pick("全部", "all").to_owned(), &score.total)];
    let groups =
        [(tongue.pick("按类型", "by kind"), &score.kinds), (tongue.pick("按摄像机", "by camera"), &score.cameras)];
    let names =
        rows.iter().map(|(name, _)| name).chain(groups.iter().flat_map(|(_, g)| g.iter().map(|(name, _)| name)));
    let first = names.map(|name| columns(name)).max().unwrap_or(0).max(10) + 2;
    let mut out = header(first, tongue);
    for (name, figures) in rows.drain(..) {
        out += &row(&name, figures, first, tongue);
    }
    for (title, group) in groups {
        out.extend([format!("{}\n", tongue.paint(FAINT, title))]);
        for (name, figures) in group {
            out += &row(name, figures, first, tongue);
        }
    }
    let missed = verdict.missed.iter().map(|&i| event_line(&truth.events[i]));
    out += &list(tongue.pick("漏报", "missed"), missed.collect(), RED, tongue);
    let wrong = verdict.false_alerts.iter().map(|&i| alert_line(&told[i]));
    out += &list(tongue.pick("误报", "false"), wrong.collect(), RED, tongue);
    let (events, alerts) = (verdict.unjudged_events.len(), verdict.unjudged_alerts.len());
    if events + alerts > 0 {
        out += &tongue.paint(
            FAINT,
            &match tongue.language {
                super::Language::Chinese => format!("不计：{events} 个事件，{alerts} 条告警（不在观察时间内、可报可不报或无真值）"),
                super::Language::English => format!(
                    "not judged: {events} events, {alerts} alerts (outside the watched times, optional, or of a camera without truth)"
                ),
            },
        );
        out.push('\n');
    }
    if score.total.camera_hours.is_none() {
        out += &tongue.paint(
            FAINT,
            tongue.pick(
                "没有每小时误报率：真值里没有说明观察时间（watched）",
                "no false alerts per hour: the truth does not say which times were watched (`watched`)",
            ),
        );
        out.push('\n');
    }
    out
}

const WIDTHS: [usize; 12] = [8, 8, 7, 8, 7, 11, 8, 8, 8, 20, 16, 16];

fn header(first: usize, tongue: Tongue) -> String {
    let words = [
        ("事件", "events"),
        ("告警", "alerts"),
        ("报出", "told"),
        ("漏报", "missed"),
        ("误报", "false"),
        ("精确率", "precision"),
        ("召回率", "recall"),
        ("F1", "F1"),
        ("i-LIDS", "i-LIDS"),
        ("误报/时(95%上限)", "false/h (95 % <)"),
        ("延迟 p50/p95", "delay p50/p95"),
        ("起点差 p50/p95", "start p50/p95"),
    ];
    let cells = words.iter().zip(WIDTHS).map(|((zh, en), width)| right(tongue.pick(zh, en), width));
    format!("{}\n", tongue.paint(BOLD, &format!("{}{}", " ".repeat(first), cells.collect::<String>())))
}

fn row(name: &str, f: &Figures, first: usize, tongue: Tongue) -> String {
    let share = |share: Option<f64>| share.map_or_else(|| "-".to_owned(), |share| format!("{share:.3}"));
    let hours = match (f.false_per_hour, f.false_per_hour_upper95) {
        (Some(rate), Some(bound)) => format!("{} (< {})", rate_text(rate), rate_text(bound)),
        _ => "-".to_owned(),
    };
    let spread = |s: Option<crate::score::figures::Spread>| {
        s.map_or_else(|| "-".to_owned(), |s| format!("{:.2}/{:.2} s", s.p50, s.p95))
    };
    let count = |count: usize| count.to_string();
    let colour_if = |bad: bool, text: String| if bad { tongue.paint(RED, &text) } else { text };
    let mut out = left(name, first);
    let plain = |text: &str, column: usize| right(text, WIDTHS[column]);
    out += &plain(&count(f.events), 0);
    out += &plain(&count(f.alerts), 1);
    out += &plain(&count(f.matched), 2);
    out += &colour_if(f.missed > 0, plain(&count(f.missed), 3));
    out += &colour_if(f.false_alerts > 0, plain(&count(f.false_alerts), 4));
    out += &plain(&share(f.precision), 5);
    out += &plain(&share(f.recall), 6);
    let f1 = plain(&share(f.f1), 7);
    out += &match f.f1 {
        Some(value) if value >= 0.95 => tongue.paint(GREEN, &f1),
        Some(_) => tongue.paint(RED, &f1),
        None => f1,
    };
    out += &plain(&share(f.ilids_f1), 8);
    out += &plain(&hours, 9);
    out += &plain(&spread(f.delay), 10);
    out += &plain(&spread(f.start_error), 11);
    out.push('\n');
    out
}

fn rate_text(rate: f64) -> String {
    if rate >= 100.0 { format!("{rate:.0}") } else { format!("{rate:.2}") }
}

/// A titled list; nothing where it is empty.
pub(super) fn list(title: &str, lines: Vec<String>, colour: &str, tongue: Tongue) -> String {
    if lines.is_empty() {
        return String::new();
    }
    let mut out = format!("{}\n", tongue.paint(colour, &format!("{title} ({})", lines.len())));
    let rest = lines.len().saturating_sub(LISTED);
    for line in lines.into_iter().take(LISTED) {
        out.extend([format!("  {line}\n")]);
    }
    if rest > 0 {
        out.extend([format!("  ... {} {rest}\n", tongue.pick("另有", "and more:"))]);
    }
    out
}

/// One event in words.
pub(super) fn event_line(event: &Event) -> String {
    let more = [&event.rule, &event.class, &event.direction, &event.name];
    let more: Vec<&str> = more.into_iter().flatten().map(String::as_str).collect();
    format!("{} {} {} {}", when(event.start), event.camera, event.kind, more.join(", ")).trim_end().to_owned()
}

/// One alert in words.
pub(super) fn alert_line(told: &Told) -> String {
    let rule = told.rule.as_deref().unwrap_or("-");
    let way = told.direction.as_ref().map(|way| format!(", {way}")).unwrap_or_default();
    format!(
        "{} {} {} {rule} {}{way} {}",
        when(told.started_at),
        told.camera,
        told.kind,
        told.classes.join("+"),
        told.alert_id
    )
}

fn when(at: Timestamp) -> String {
    rfc3339(at)
}

/// Columns a terminal needs: Chinese characters and their punctuation take two.
fn columns(text: &str) -> usize {
    text.chars()
        .map(|c| {
            if matches!(c, '\u{1100}'..='\u{115f}' | '\u{2e80}'..='\u{fe6f}' | '\u{ff00}'..='\u{ff60}') { 2 } else { 1 }
        })
        .sum()
}

pub(super) fn left(text: &str, width: usize) -> String {
    format!("{text}{}", " ".repeat(width.saturating_sub(columns(text)).max(1)))
}

fn right(text: &str, width: usize) -> String {
    format!("{}{text}", " ".repeat(width.saturating_sub(columns(text)).max(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_in_both_languages() {
        let tongue = |language| Tongue { language, colour: false };
        for language in [super::super::Language::Chinese, super::super::Language::English] {
            let nothing = Score::new(&Truth::default(), &[], &Verdict::default(), None);
            let text = score(&Truth::default(), &[], &Verdict::default(), &nothing, tongue(language));
            let mut lines = text.lines();
            let (head, all) = (lines.next().unwrap(), lines.next().unwrap());
            assert_eq!(columns(head), columns(all), "{head}\n{all}");
        }
    }
}
