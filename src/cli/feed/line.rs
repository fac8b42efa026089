//! One alert change as one line, in the operator's language. What comes from outside cannot steer the terminal.

use std::time::Duration;

use jiff::tz::TimeZone;
use serde_json::Value;

use crate::domain::time::Timestamp;

/// Columns that a camera's name may take before the headline begins.
const CAMERA_COLUMNS: usize = 16;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cli) enum Language {
    Chinese,
    English,
}

impl Language {
    /// The language that the environment asks for, English where it asks for none we know.
    pub(in crate::cli) fn of_environment() -> Self {
        let asked = ["LC_ALL", "LC_MESSAGES", "LANG"]
            .into_iter()
            .find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()));
        Self::named(&asked.unwrap_or_default())
    }

    pub(in crate::cli) fn named(name: &str) -> Self {
        if name.to_ascii_lowercase().starts_with("zh") { Self::Chinese } else { Self::English }
    }

    const fn tag(self) -> &'static str {
        match self {
            Self::Chinese => "zh-CN",
            Self::English => "en",
        }
    }

    const fn pick(self, chinese: &'static str, english: &'static str) -> &'static str {
        match self {
            Self::Chinese => chinese,
            Self::English => english,
        }
    }
}

/// Makes lines.
#[derive(Debug)]
pub(in crate::cli) struct Painter {
    language: Language,
    colour: bool,
    zone: TimeZone,
    day: Option<jiff::civil::Date>,
    last_alert_at: Option<Timestamp>,
}

impl Painter {
    pub(in crate::cli) fn new(language: Language, colour: bool) -> Self {
        Self { language, colour, zone: TimeZone::system(), day: None, last_alert_at: None }
    }

    /// `09:14:03 ▲ SEVERE   OPEN  gate-north  Bicycle removed from the stand`
    pub(in crate::cli) fn alert(&mut self, json: &str) -> String {
        let Ok(alert) = serde_json::from_str::<Value>(json) else { return clean(json) };
        let text = |path: &str| alert.pointer(path).and_then(Value::as_str).map(clean);
        let at = text("/timing/captured_at").and_then(|at| at.parse::<jiff::Timestamp>().ok());
        let (glyph, word, paint) = self.severity(text("/severity").as_deref().unwrap_or_default());
        let place =
            text("/camera/name").or_else(|| text("/camera/id")).or_else(|| text("/node/id")).unwrap_or_default();
        let headline = text(&format!("/text/{}/headline", self.language.tag()))
            .or_else(|| text("/text/en/headline"))
            .or_else(|| text("/kind"))
            .unwrap_or_default();
        // Evidence may come when it is over: then it is an update, and over all the same.
        let open = text("/phase").as_deref() != Some("ended") && text("/timing/ended_at").is_none();
        let head = format!("{glyph} {}", padded(word, 8));
        let headline = if open { self.paint("1", &headline) } else { self.paint("2", &headline) };
        self.last_alert_at = at.map(|at| Timestamp::from_millis(at.as_millisecond())).or(self.last_alert_at);
        format!(
            "{}{} {} {} {} {headline}",
            self.new_day(at),
            self.time(at),
            self.paint(paint, &head),
            padded(self.phase(text("/phase").as_deref()), 5),
            padded(&place, CAMERA_COLUMNS)
        )
    }

    pub(in crate::cli) fn connected(&self, away: Option<Duration>) -> String {
        let text = match (self.language, away) {
            (Language::Chinese, None) => "—— 已连接，等待告警 ——".to_owned(),
            (Language::English, None) => "-- connected, waiting for alerts --".to_owned(),
            (Language::Chinese, Some(away)) => {
                format!("—— 中断 {} 秒后已重新连接，遗漏的告警随后补上 ——", away.as_secs())
            }
            (Language::English, Some(away)) => {
                format!("-- connected again after {} s; what was missed follows --", away.as_secs())
            }
        };
        self.paint("32", &text)
    }

    pub(in crate::cli) fn disconnected(&self, at: Timestamp, why: &str) -> String {
        let time = self.time(jiff::Timestamp::from_millisecond(at.as_millis()).ok());
        let why = clean(why);
        let text = match self.language {
            Language::Chinese => format!("—— {time} 起连接中断（{why}）：在重新连接之前看不到新告警 ——"),
            Language::English => {
                format!("-- disconnected since {time} ({why}): no alert is seen here until it is back --")
            }
        };
        self.paint("1;31", &text)
    }

    pub(in crate::cli) fn restored(&self) -> String {
        self.paint(
            "1;33",
            self.language.pick(
                "—— 服务的存储已重建，从现有记录继续 ——",
                "-- the service's store was restored; going on from what it has --",
            ),
        )
    }

    /// Short enough for any terminal.
    pub(in crate::cli) fn status(&self, connected_once: bool, down: Option<Timestamp>, now: Timestamp) -> String {
        let quiet = self.last_alert_at.map(|at| now.since(at).as_secs());
        match (self.language, down, quiet) {
            (Language::Chinese, Some(since), _) => {
                self.paint("31", &format!("✕ 连接中断 {} 秒", now.since(since).as_secs()))
            }
            (Language::English, Some(since), _) => {
                self.paint("31", &format!("x disconnected for {} s", now.since(since).as_secs()))
            }
            (language, None, _) if !connected_once => self.paint("2", language.pick("正在连接……", "connecting ...")),
            (Language::Chinese, None, None) => self.paint("32", "● 实时 · 尚无告警"),
            (Language::English, None, None) => self.paint("32", "● live, no alert yet"),
            (Language::Chinese, None, Some(quiet)) => self.paint("32", &format!("● 实时 · 最近告警在 {quiet} 秒前")),
            (Language::English, None, Some(quiet)) => self.paint("32", &format!("● live, last alert {quiet} s ago")),
        }
    }

    const fn severity(&self, severity: &str) -> (&'static str, &'static str, &'static str) {
        match severity.as_bytes() {
            b"Extreme" => ("■", self.language.pick("特别严重", "EXTREME"), "1;35"),
            b"Severe" => ("▲", self.language.pick("严重", "SEVERE"), "1;31"),
            b"Moderate" => ("◆", self.language.pick("中等", "MODERATE"), "33"),
            b"Minor" => ("●", self.language.pick("轻微", "MINOR"), "34"),
            _ => ("○", self.language.pick("未知", "UNKNOWN"), "0"),
        }
    }

    fn phase(&self, phase: Option<&str>) -> &'static str {
        match phase {
            Some("opened") => self.language.pick("发生", "OPEN"),
            Some("updated") => self.language.pick("更新", "more"),
            _ => self.language.pick("结束", "ended"),
        }
    }

    fn time(&self, at: Option<jiff::Timestamp>) -> String {
        at.map_or_else(
            || "--:--:--".to_owned(),
            |at| at.to_zoned_datetime(self.zone.clone()).strftime("%H:%M:%S").to_string(),
        )
    }

    /// A line with the date where the day changes.
    fn new_day(&mut self, at: Option<jiff::Timestamp>) -> String {
        let Some(day) = at.map(|at| at.to_zoned_datetime(self.zone.clone()).date()) else { return String::new() };
        if self.day.replace(day) == Some(day) { String::new() } else { self.paint("2", &format!("{day}\n")) }
    }

    fn paint(&self, code: &str, text: &str) -> String {
        if self.colour { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

/// Names come from configurations and models; a control character among them could steer the terminal.
fn clean(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// Text with blanks up to so many columns, or cut; Chinese takes two columns each.
fn padded(text: &str, columns: usize) -> String {
    let mut used = 0;
    let mut shown: String = text
        .chars()
        .take_while(|&c| {
            used += width(c);
            used <= columns
        })
        .collect();
    let taken: usize = shown.chars().map(width).sum();
    shown.extend(std::iter::repeat_n(' ', columns - taken));
    shown
}

const fn width(c: char) -> usize {
    match c as u32 {
        0x1100..=0x115f
        | 0x2e80..=0xa4cf
        | 0xac00..=0xd7a3
        | 0xf900..=0xfaff
        | 0xfe30..=0xfe6f
        | 0xff00..=0xff60
        | 0xffe0..=0xffe6
        | 0x1f300..=0x1faff
        | 0x20000..=0x3fffd => 2,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALERT: &str = r#"{"phase":"opened","kind":"loitering","severity":"Severe","camera":{"id":"gate","name":"北门\u001b[2J"},
        "timing":{"captured_at":"2026-03-01T08:00:00.000Z"},"text":{"zh-CN":{"headline":"有人徘徊"},"en":{"headline":"1 person staying"}}}"#;

    fn painter(language: Language, colour: bool) -> Painter {
        Painter { zone: TimeZone::UTC, ..Painter::new(language, colour) }
    }

    #[test]
    fn a_line_reads_in_both_languages_and_cannot_steer_the_terminal() {
        let english = painter(Language::English, false).alert(ALERT);
        assert_eq!(english, "2026-03-01\n08:00:00 ▲ SEVERE   OPEN  北门 [2J         1 person staying");
        let chinese = painter(Language::Chinese, false).alert(ALERT);
        assert_eq!(chinese, "2026-03-01\n08:00:00 ▲ 严重     发生  北门 [2J         有人徘徊");
        assert!(painter(Language::English, true).alert(ALERT).contains("\x1b[1;31m▲ SEVERE"));
    }

    #[test]
    fn the_date_is_said_once_a_day_and_the_future_is_survived() {
        let mut painter = painter(Language::English, false);
        painter.alert(ALERT);
        assert!(!painter.alert(ALERT).contains('\n'));
        assert_eq!(
            painter.alert(r#"{"kind":"drone_seen","severity":"Awful"}"#).trim_end(),
            "--:--:-- ○ UNKNOWN  ended                  drone_seen"
        );
    }

    #[test]
    fn long_names_are_cut_by_columns() {
        assert_eq!(padded("北门东侧", 5), "北门 ");
        assert_eq!(padded("gate", 6), "gate  ");
        assert_eq!(Language::named("zh_CN.UTF-8"), Language::Chinese);
        assert_eq!(Language::named("C.UTF-8"), Language::English);
    }
}
