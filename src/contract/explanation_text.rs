//! An explanation in words, Chinese and English: for an operator who asks why.

use super::explanation_v1::{ExplanationV1, MomentV1, TrackStory};
use super::time::parse_rfc3339;

/// In which language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Tongue {
    Chinese,
    English,
}

impl Tongue {
    const fn pick(self, chinese: &'static str, english: &'static str) -> &'static str {
        match self {
            Self::Chinese => chinese,
            Self::English => english,
        }
    }
}

/// The explanation, line by line.
pub fn lines(explanation: &ExplanationV1, tongue: Tongue) -> Vec<String> {
    let e = explanation;
    let zh = tongue == Tongue::Chinese;
    let mut out = vec![if zh {
        format!("告警 {}：摄像机 {}，类型 {}", e.alert_id, e.camera, e.kind)
    } else {
        format!("Alert {}: {} at camera {}", e.alert_id, e.kind, e.camera)
    }];
    if let Some(rule) = &e.rule {
        out.push(if zh {
            format!("规则 {}，第 {} 版{}", rule.id, rule.rev, ground(e, tongue))
        } else {
            format!("Rule {}, revision {}{}", rule.id, rule.rev, ground(e, tongue))
        });
    }
    out.push(format!("{}  {}", e.started_at, began(e, tongue)));
    if let Some(raised) = &e.raised_at {
        let after = seconds_between(&e.started_at, raised);
        let threshold = e.rule.as_ref().and_then(|rule| rule.threshold);
        let words = match (threshold, zh) {
            (Some(threshold), true) => format!("告警发出：阈值 {threshold} 秒，条件已成立 {after} 秒"),
            (Some(threshold), false) => {
                format!("raised: the threshold is {threshold} s, the condition had held for {after} s")
            }
            (None, true) => format!("告警发出：条件成立后 {after} 秒"),
            (None, false) => format!("raised {after} s after it began"),
        };
        out.push(format!("{raised}  {words}"));
    }
    if let (Some(ended), Some(reason)) = (&e.ended_at, &e.end_reason) {
        out.push(format!("{ended}  {}{}", tongue.pick("结束：", "over: "), reason_words(reason, tongue)));
    }
    for track in &e.tracks {
        out.push(String::new());
        out.extend(track_lines(track, tongue));
    }
    out
}

/// One track's story, line by line.
pub fn track_lines(track: &TrackStory, tongue: Tongue) -> Vec<String> {
    let mut out = vec![match tongue {
        Tongue::Chinese => format!("目标 {}（{}），首次出现 {}", track.track_id, track.class, track.first_seen_at),
        Tongue::English => format!("Track {} ({}), first seen {}", track.track_id, track.class, track.first_seen_at),
    }];
    for (index, moment) in track.moments.iter().enumerate() {
        if index == 1 && track.moments_dropped > 0 {
            out.push(match tongue {
                Tongue::Chinese => format!("  （略去 {} 个时刻）", track.moments_dropped),
                Tongue::English => format!("  ({} moments left out)", track.moments_dropped),
            });
        }
        out.push(format!("  {}  {}", moment.at, moment_words(moment, tongue)));
    }
    if let (Some(first), Some(last)) = (track.path.first(), track.path.last()) {
        let length: f64 = track.path.windows(2).map(|p| (p[1].x - p[0].x).hypot(p[1].y - p[0].y)).sum();
        out.push(match tongue {
            Tongue::Chinese => format!(
                "  轨迹：从 ({:.2}, {:.2}) 到 ({:.2}, {:.2})，长度 {length:.2} 画面宽，记录 {} 点",
                first.x,
                first.y,
                last.x,
                last.y,
                track.path.len()
            ),
            Tongue::English => format!(
                "  path: from ({:.2}, {:.2}) to ({:.2}, {:.2}), {length:.2} picture widths long, {} points kept",
                first.x,
                first.y,
                last.x,
                last.y,
                track.path.len()
            ),
        });
    }
    out
}

fn ground(e: &ExplanationV1, tongue: Tongue) -> String {
    if let Some(crossing) = &e.crossing {
        let way = match (&*crossing.direction, tongue) {
            ("left_to_right", Tongue::Chinese) => "从左到右",
            ("left_to_right", Tongue::English) => "left to right",
            (_, Tongue::Chinese) => "从右到左",
            (_, Tongue::English) => "right to left",
        };
        return match tongue {
            Tongue::Chinese => format!("，界线 {}，{way}", crossing.line),
            Tongue::English => format!(", line {}, {way}", crossing.line),
        };
    }
    match (&e.zone, tongue) {
        (Some(zone), Tongue::Chinese) => format!("，区域 {}", zone.name.as_ref().unwrap_or(&zone.id)),
        (Some(zone), Tongue::English) => format!(", zone {}", zone.name.as_ref().unwrap_or(&zone.id)),
        (None, _) => String::new(),
    }
}

fn began(e: &ExplanationV1, tongue: Tongue) -> &'static str {
    match &*e.kind {
        "line_cross" | "wrong_way" => tongue.pick("越过界线", "the line was passed"),
        "zone_enter" | "zone_presence" | "loitering" => {
            tongue.pick("进入区域", "the zone's border was passed, inwards")
        }
        "zone_exit" => tongue.pick("离开区域", "the zone's border was passed, outwards"),
        "object_removed" => tongue.pick("最后一次在原处", "it was last seen in its place"),
        "object_abandoned" | "vehicle_stopped" => tongue.pick("停下不动", "it came to rest"),
        "video_loss" => tongue.pick("最后一次有画面", "the last picture came"),
        _ => tongue.pick("条件开始成立", "the condition began"),
    }
}

fn moment_words(m: &MomentV1, tongue: Tongue) -> String {
    let zh = tongue == Tongue::Chinese;
    let (rule, class) = (m.rule.as_deref().unwrap_or("-"), m.class.as_deref().unwrap_or("-"));
    match &*m.what {
        "confirmed" if zh => format!("确认为 {class}"),
        "confirmed" => format!("confirmed as {class}"),
        "renamed" if zh => format!("类别由 {} 改为 {class}", m.class_before.as_deref().unwrap_or("-")),
        "renamed" => format!("no longer {} but {class}", m.class_before.as_deref().unwrap_or("-")),
        "hidden" => tongue.pick("被遮挡", "hidden behind something").to_owned(),
        "out_of_sight" => tongue.pick("看不到了", "out of sight").to_owned(),
        "seen_again" => tongue.pick("再次看到", "seen again").to_owned(),
        "rested" => tongue.pick("停下", "came to rest").to_owned(),
        "moved" => tongue.pick("开始移动", "moved again").to_owned(),
        "gone" => tongue.pick("轨迹结束", "gone: the track ended").to_owned(),
        "raised" => {
            let kind = m.kind.as_deref().unwrap_or("-");
            let after = m.since.as_deref().map_or_else(String::new, |since| seconds_between(since, &m.at));
            if zh {
                format!("规则 {rule} 发出告警 {kind}（条件已成立 {after} 秒）")
            } else {
                format!("rule {rule} raised {kind} (its condition had held for {after} s)")
            }
        }
        "held_back" => {
            let why = held_back_words(m.reason.as_deref().unwrap_or("-"), tongue);
            if zh {
                format!("规则 {rule} 条件成立但未告警：{why}")
            } else {
                format!("rule {rule} held, and held back: {why}")
            }
        }
        "updated" if zh => format!("告警更新，第 {} 版", m.revision.unwrap_or(0)),
        "updated" => format!("the alert was updated, revision {}", m.revision.unwrap_or(0)),
        "ended" => {
            let reason = reason_words(m.reason.as_deref().unwrap_or("-"), tongue);
            format!("{}{reason}", tongue.pick("告警结束：", "the alert was over: "))
        }
        other => other.to_owned(),
    }
}

fn held_back_words(why: &str, tongue: Tongue) -> String {
    match why {
        "cooldown" => tongue.pick("冷却时间未过", "it spoke of the object not long ago (cooldown)").to_owned(),
        "limit" => tongue.pick("已达每小时上限", "it had its alerts of this hour (limit)").to_owned(),
        "schedule" => tongue.pick("不在布防时段", "its schedule does not hold").to_owned(),
        other => other.to_owned(),
    }
}

fn reason_words(reason: &str, tongue: Tongue) -> String {
    match reason {
        "left" => tongue.pick("情况已消失", "the condition no longer held").to_owned(),
        "timeout" => tongue.pick("到时结束", "over by the clock").to_owned(),
        "camera_lost" => tongue.pick("摄像机中断", "the camera stopped seeing").to_owned(),
        "restart" => tongue.pick("服务重启", "the service was restarted").to_owned(),
        "rule_changed" => tongue.pick("规则已更改", "the rule was changed").to_owned(),
        "closed" => tongue.pick("已由人员处置", "people are done with it").to_owned(),
        other => other.to_owned(),
    }
}

/// Seconds between two times as text.
fn seconds_between(from: &str, until: &str) -> String {
    match (parse_rfc3339(from), parse_rfc3339(until)) {
        (Some(from), Some(until)) => format!("{:.1}", until.seconds_from(from)),
        _ => "?".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::domain::alert::Phase;
    use crate::domain::baseline::Baseline;
    use crate::domain::detection::{Confidence, Detection, ObjectClass};
    use crate::domain::geometry::{BBox, Point, Zone, ZoneShape};
    use crate::domain::ids::{CameraId, IdSeed, RuleId, ZoneId};
    use crate::domain::rules::{Loitering, Rule, RuleSpec};
    use crate::domain::scene::{Observation, Scene, SceneConfig};
    use crate::domain::time::Timestamp;

    /// One who walks into a yard, stays for ten seconds and goes; explained at the end.
    fn stayed() -> ExplanationV1 {
        let id = ZoneId::parse("yard").unwrap();
        let square = [(0.3, 0.3), (0.7, 0.3), (0.7, 0.9), (0.3, 0.9)];
        let shape = ZoneShape::new(square.map(|(x, y)| Point::new(x, y)).to_vec()).unwrap();
        let spec = RuleSpec::Loitering(Loitering { zone: id.clone(), dwell: Duration::from_secs(4) });
        let config = SceneConfig {
            zones: vec![Zone { id, rev: 1, name: None, category: None, shape }],
            rules: vec![Rule::new(RuleId::parse("stays").unwrap(), spec)],
            ..SceneConfig::new(CameraId::parse("gate").unwrap())
        };
        let mut scene = Scene::new(config, IdSeed::from_texts(&["words"]), Baseline::default());
        let mut last = None;
        for step in 0..120 {
            let t = f64::from(step) * 0.2;
            let x = if t < 4.0 { 0.12 * t } else { 0.48 + 0.12 * (t - 14.0).max(0.0) };
            let body = Detection {
                bbox: BBox::new(x, 0.5, 0.06, 0.25),
                class: ObjectClass::Person,
                label: None,
                confidence: Confidence::clamped(0.9),
            };
            let at = Timestamp::from_millis(1_700_000_000_000 + (t * 1000.0) as i64);
            let changes = scene.observe(at, Observation::Analysed { detections: &[body], luma: None });
            for change in changes.iter().filter(|change| change.phase != Phase::Updated) {
                last = scene.explain(change);
            }
        }
        ExplanationV1::from(&last.unwrap())
    }

    #[test]
    fn an_alert_is_explained_from_its_beginning_to_its_end_in_both_languages() {
        let kept = stayed();
        // As the store gives it back.
        let read: ExplanationV1 = serde_json::from_str(&kept.to_json()).unwrap();
        assert_eq!(read, kept);
        let english = lines(&read, Tongue::English).join("\n");
        for words in [
            "loitering at camera gate",
            "Rule stays, revision 1, zone yard",
            "the zone's border was passed, inwards",
            "raised: the threshold is 4 s, the condition had held for 4.",
            "over: the condition no longer held",
            "(person), first seen",
            "confirmed as person",
            "rule stays raised loitering",
            "came to rest",
            "picture widths long",
        ] {
            assert!(english.contains(words), "{words:?} is not in:\n{english}");
        }
        let chinese = lines(&read, Tongue::Chinese).join("\n");
        for words in ["规则 stays，第 1 版，区域 yard", "进入区域", "阈值 4 秒", "确认为 person", "情况已消失"]
        {
            assert!(chinese.contains(words), "{words:?} is not in:\n{chinese}");
        }
        let times: Vec<&str> = read.tracks[0].moments.iter().map(|m| m.at.as_str()).collect();
        assert!(times.windows(2).all(|pair| pair[0] <= pair[1]));
    }
}
