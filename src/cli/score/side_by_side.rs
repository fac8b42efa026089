//! Two sets of alerts side by side, for people.

use super::Tongue;
use super::table::{alert_line, event_line, left, list};
use crate::score::{Comparison, Score, Told, Truth};

const GREEN: &str = "32";
const RED: &str = "31";
const PLAIN: &str = "1";

/// The whole text.
pub(super) fn text(a: &[Told], b: &[Told], found: &Comparison, truth: Option<&Truth>, tongue: Tongue) -> String {
    let mut out = String::new();
    let counts = [
        (tongue.pick("A 与 B 都有", "in both"), found.both.len()),
        (tongue.pick("仅 A", "only A"), found.only_a.len()),
        (tongue.pick("仅 B", "only B"), found.only_b.len()),
    ];
    for (name, count) in counts {
        out.extend([format!("{}{count}\n", left(name, 16))]);
    }
    let alerts = |told: &[Told], places: &[usize]| places.iter().map(|&i| alert_line(&told[i])).collect::<Vec<_>>();
    let later: Vec<String> = found
        .both
        .iter()
        .map(|&(i, j)| (b[j].captured_at.seconds_from(a[i].captured_at), i, j))
        .filter(|(seconds, ..)| seconds.abs() >= 0.001)
        .map(|(seconds, i, _)| format!("{seconds:+.3} s  {}", alert_line(&a[i])))
        .collect();
    out += &list(tongue.pick("B 报出的时刻不同", "raised by B at another moment"), later, PLAIN, tongue);
    let (Some(against), Some(truth)) = (&found.against_truth, truth) else {
        out += &list(tongue.pick("仅 A", "only A"), alerts(a, &found.only_a), PLAIN, tongue);
        return out + &list(tongue.pick("仅 B", "only B"), alerts(b, &found.only_b), PLAIN, tongue);
    };
    for (name, told, verdict) in [("A", a, &against.a), ("B", b, &against.b)] {
        let total = Score::new(truth, told, verdict, None).total;
        let f1 = total.f1.map_or_else(|| "-".to_owned(), |f1| format!("{f1:.3}"));
        out.extend([format!(
            "{name}  {} {}/{}  {} {}  F1 {f1}\n",
            tongue.pick("报出", "told"),
            total.matched,
            total.events,
            tongue.pick("误报", "false"),
            total.false_alerts
        )]);
    }
    let events = |places: &[usize]| places.iter().map(|&i| event_line(&truth.events[i])).collect::<Vec<_>>();
    out += &list(
        tongue.pick("好转：B 新报出的事件", "better: events that only B told"),
        events(&against.gained),
        GREEN,
        tongue,
    );
    out += &list(
        tongue.pick("好转：B 不再误报", "better: false alerts that B no longer has"),
        alerts(a, &against.false_gone),
        GREEN,
        tongue,
    );
    out +=
        &list(tongue.pick("变差：B 漏掉的事件", "worse: events that only A told"), events(&against.lost), RED, tongue);
    out += &list(
        tongue.pick("变差：B 新的误报", "worse: false alerts that only B has"),
        alerts(b, &against.false_new),
        RED,
        tongue,
    );
    out += &list(tongue.pick("两者都漏报", "missed by both"), events(&against.missed_by_both), PLAIN, tongue);
    let verdict = match against.is_better() {
        Some(true) => tongue.paint(GREEN, tongue.pick("B 更好", "B is better")),
        Some(false) => tongue.paint(RED, tongue.pick("B 更差", "B is worse")),
        None if against.gained.is_empty() && against.lost.is_empty() && against.false_new.is_empty() => {
            tongue.pick("对真值而言没有差别", "no difference to the truth").to_owned()
        }
        None => tongue.pick("有好有坏", "better in some, worse in others").to_owned(),
    };
    out + &verdict + "\n"
}
