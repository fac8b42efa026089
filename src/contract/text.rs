//! One plain sentence per alert, in Chinese and English, made of nothing but the alert's own data: the same alert always reads
//! the same, on every page and in every log.

use super::alert_v1::{AlertV1, Headline, Texts};
use super::time::parse_rfc3339;
use super::words::kind_named;
use crate::domain::alert::AlertKind;

/// The schema's bound, in characters.
const MAX_CHARS: usize = 160;

/// The headlines of an alert.
pub fn of(alert: &AlertV1) -> Texts {
    Texts {
        zh_cn: Headline { headline: cut(&format!("{}：{}{}", place(alert), chinese(alert), chinese_phase(alert))) },
        en: Headline { headline: cut(&format!("{}: {}{}", place(alert), english(alert), english_phase(alert))) },
    }
}

/// The camera as people call it, or the node.
fn place(alert: &AlertV1) -> &str {
    alert.camera.as_ref().map_or_else(|| alert.key(), |camera| camera.name.as_deref().unwrap_or(&camera.id))
}

fn english(alert: &AlertV1) -> String {
    use AlertKind as K;
    let who = english_objects(alert);
    let zone = alert.zone.as_ref().map(|zone| zone.name.as_deref().unwrap_or(&zone.id));
    let at = |word: &str| zone.map(|zone| format!(" {word} {zone}")).unwrap_or_default();
    let area = zone.unwrap_or("the area");
    let crossing = alert.crossing.as_ref();
    match kind_named(&alert.kind) {
        Some(K::LineCross) => format!("{who} crossed {}", english_crossing(alert)),
        Some(K::ZoneEnter) => format!("{who} entered {area}"),
        Some(K::ZoneExit) => format!("{who} left {area}"),
        Some(K::ZonePresence) => format!("{who} in {area}"),
        Some(K::Loitering) => format!("{who} staying in {area}{}", within(" for ", dwell(alert).map(english_span))),
        Some(K::WrongWay) if crossing.is_some() => {
            format!("{who} went the wrong way across {}", english_crossing(alert))
        }
        Some(K::WrongWay) => format!("{who} went the wrong way{}", at("in")),
        Some(K::Crowd) => format!("{who} gathered{}", at("in")),
        Some(K::ObjectAbandoned) => format!("{who} left behind{}", at("in")),
        Some(K::ObjectRemoved) => format!("{who} gone{}", at("from")),
        Some(K::VehicleStopped) => {
            format!("{who} standing{}{}", at("in"), within(" for ", dwell(alert).map(english_span)))
        }
        Some(K::ObjectPresent) => format!("{who} seen{}", at("in")),
        Some(K::FastMove) => format!("{who} moving fast{}{}", at("in"), speed(alert, ", ", "m/s")),
        Some(K::CameraTamper) => "the view was covered, turned or changed".to_owned(),
        Some(K::VideoDegraded) => "the picture is too poor to rely on".to_owned(),
        Some(K::VideoLoss) => "no video".to_owned(),
        Some(K::Storm) => {
            format!(
                "too many alerts at once; {} held back",
                plural(alert.suppressed_count.unwrap_or(0), "alert", "alerts")
            )
        }
        Some(K::Overload) => "the machine is too busy to look at every picture".to_owned(),
        Some(K::Store) => "alerts can hardly be stored; look at the disk".to_owned(),
        Some(K::Manual) => "reported by a person".to_owned(),
        None => format!("alert of kind {}", alert.kind),
    }
}

fn chinese(alert: &AlertV1) -> String {
    use AlertKind as K;
    let who = chinese_objects(alert);
    let zone = alert.zone.as_ref().map(|zone| zone.name.as_deref().unwrap_or(&zone.id));
    let area = zone.map_or_else(|| "区域".to_owned(), |zone| format!("“{zone}”"));
    let inside = zone.map(|zone| format!("在“{zone}”内")).unwrap_or_default();
    let crossing = alert.crossing.as_ref();
    match kind_named(&alert.kind) {
        Some(K::LineCross) => format!("{who}越过{}", chinese_crossing(alert)),
        Some(K::ZoneEnter) => format!("{who}进入{area}"),
        Some(K::ZoneExit) => format!("{who}离开{area}"),
        Some(K::ZonePresence) => format!("{who}位于{area}内"),
        Some(K::Loitering) => format!("{who}在{area}内徘徊{}", within("，已停留 ", dwell(alert).map(chinese_span))),
        Some(K::WrongWay) if crossing.is_some() => format!("{who}逆行越过{}", chinese_crossing(alert)),
        Some(K::WrongWay) => format!("{who}{inside}逆行"),
        Some(K::Crowd) => format!("{who}{inside}聚集"),
        Some(K::ObjectAbandoned) => format!("{who}遗留{}", zone.map(|_| format!("在{area}内")).unwrap_or_default()),
        Some(K::ObjectRemoved) => format!("{}{who}被移走", zone.map(|_| format!("{area}内 ")).unwrap_or_default()),
        Some(K::VehicleStopped) => format!("{who}{inside}停留{}", within("，已停 ", dwell(alert).map(chinese_span))),
        Some(K::ObjectPresent) => format!("{inside}发现 {who}"),
        Some(K::FastMove) => format!("{who}{inside}快速移动{}", speed(alert, "，", "米/秒")),
        Some(K::CameraTamper) => "画面被遮挡、移动或改变".to_owned(),
        Some(K::VideoDegraded) => "画面质量过差，无法可靠判断".to_owned(),
        Some(K::VideoLoss) => "视频中断".to_owned(),
        Some(K::Storm) => format!("告警过多，已暂缓 {} 条", alert.suppressed_count.unwrap_or(0)),
        Some(K::Overload) => "机器繁忙，无法分析全部画面".to_owned(),
        Some(K::Store) => "告警存储困难，请检查磁盘".to_owned(),
        Some(K::Manual) => "人工上报".to_owned(),
        None => format!("类型为 {} 的告警", alert.kind),
    }
}

fn english_phase(alert: &AlertV1) -> String {
    match &*alert.phase {
        "updated" => " (update)".to_owned(),
        "ended" => {
            let why = match alert.end_reason.as_deref() {
                Some("left") => ", no longer so",
                Some("timeout") => ", timed out",
                Some("camera_lost") => ", the camera was lost",
                Some("restart") => ", the service was restarted",
                Some("rule_changed") => ", the rule was changed",
                Some("closed") => ", people are done with it",
                _ => "",
            };
            format!(" (over{}{why})", within(" after ", lasted(alert).map(english_span)))
        }
        _ => String::new(),
    }
}

fn chinese_phase(alert: &AlertV1) -> String {
    match &*alert.phase {
        "updated" => "（更新）".to_owned(),
        "ended" => {
            let why = match alert.end_reason.as_deref() {
                Some("left") => "，情况已消失",
                Some("timeout") => "，超时",
                Some("camera_lost") => "，摄像机失联",
                Some("restart") => "，服务重启",
                Some("rule_changed") => "，规则已更改",
                Some("closed") => "，已由人员处置",
                _ => "",
            };
            format!("（已结束{}{why}）", within("，持续 ", lasted(alert).map(chinese_span)))
        }
        _ => String::new(),
    }
}

fn english_crossing(alert: &AlertV1) -> String {
    alert.crossing.as_ref().map_or_else(
        || "a line".to_owned(),
        |crossing| {
            let way = if crossing.direction == "right_to_left" { "right to left" } else { "left to right" };
            format!("line {} from {way}", crossing.line)
        },
    )
}

fn chinese_crossing(alert: &AlertV1) -> String {
    alert.crossing.as_ref().map_or_else(
        || "界线".to_owned(),
        |crossing| {
            let way = if crossing.direction == "right_to_left" { "从右到左" } else { "从左到右" };
            format!("界线 {}（{way}）", crossing.line)
        },
    )
}

/// `2 people and 1 bicycle`; classes in the order in which they first appear.
fn english_objects(alert: &AlertV1) -> String {
    let counted: Vec<String> = counted(alert)
        .into_iter()
        .map(|(class, label, count)| {
            let (one, many) = match (class, label) {
                ("other", Some(label)) => return format!("{count} {label}"),
                ("person", _) => ("person", "people"),
                ("bus", _) => ("bus", "buses"),
                ("bicycle", _) => ("bicycle", "bicycles"),
                ("motorcycle", _) => ("motorcycle", "motorcycles"),
                ("car", _) => ("car", "cars"),
                ("truck", _) => ("truck", "trucks"),
                ("van", _) => ("van", "vans"),
                ("animal", _) => ("animal", "animals"),
                ("bag", _) => ("bag", "bags"),
                ("boat", _) => ("boat", "boats"),
                ("fire", _) => ("fire", "fires"),
                ("smoke", _) => ("plume of smoke", "plumes of smoke"),
                ("unknown", _) => ("unidentified object", "unidentified objects"),
                _ => ("object", "objects"),
            };
            plural(count, one, many)
        })
        .collect();
    match counted.as_slice() {
        [] => plural(alert.count.unwrap_or(1).max(1), "object", "objects"),
        [one] => one.clone(),
        [rest @ .., last] => format!("{} and {last}", rest.join(", ")),
    }
}

/// `2 人、1 辆自行车`
fn chinese_objects(alert: &AlertV1) -> String {
    let counted: Vec<String> = counted(alert)
        .into_iter()
        .map(|(class, label, count)| {
            let named = match class {
                "person" => "人",
                "bicycle" => "辆自行车",
                "motorcycle" => "辆摩托车",
                "car" => "辆小汽车",
                "bus" => "辆公交车",
                "truck" => "辆卡车",
                "van" => "辆面包车",
                "animal" => "只动物",
                "bag" => "个包",
                "boat" => "艘船",
                "fire" => "处明火",
                "smoke" => "处烟雾",
                "unknown" => "个不明物体",
                _ => "个物体",
            };
            let more = label.filter(|_| class == "other").map(|label| format!("（{label}）")).unwrap_or_default();
            format!("{count} {named}{more}")
        })
        .collect();
    if counted.is_empty() { format!("{} 个物体", alert.count.unwrap_or(1).max(1)) } else { counted.join("、") }
}

/// Objects by class and label. Where one class is meant and more objects are concerned than listed, the count says how many.
fn counted(alert: &AlertV1) -> Vec<(&str, Option<&str>, u32)> {
    let mut counted: Vec<(&str, Option<&str>, u32)> = Vec::new();
    for object in alert.objects.iter().flatten() {
        // A label says more only where the class says nothing.
        let label = object.label.as_deref().filter(|_| object.class == "other");
        match counted.iter_mut().find(|(class, known, _)| *class == object.class && *known == label) {
            Some((_, _, count)) => *count += 1,
            None => counted.push((&object.class, label, 1)),
        }
    }
    if let [(_, _, count)] = counted.as_mut_slice() {
        *count = (*count).max(alert.count.unwrap_or(0));
    }
    counted
}

/// The longest stay among the objects concerned, in whole seconds.
fn dwell(alert: &AlertV1) -> Option<u64> {
    alert.objects.iter().flatten().filter_map(|object| object.dwell_s).map(|s| s as u64).max().filter(|&s| s > 0)
}

/// The greatest speed among the objects concerned, where it is known.
fn speed(alert: &AlertV1, before: &str, unit: &str) -> String {
    let fastest = alert.objects.iter().flatten().filter_map(|object| object.speed_mps).max_by(f64::total_cmp);
    fastest.map(|speed| format!("{before}{speed:.1} {unit}")).unwrap_or_default()
}

/// From beginning to end, in whole seconds.
fn lasted(alert: &AlertV1) -> Option<u64> {
    let from = parse_rfc3339(alert.timing.started_at.as_deref()?)?;
    let to = parse_rfc3339(alert.timing.ended_at.as_deref()?)?;
    Some(to.since(from).as_secs()).filter(|&s| s > 0)
}

fn english_span(seconds: u64) -> String {
    match (seconds / 3600, seconds % 3600 / 60, seconds % 60) {
        (0, 0, s) => format!("{s} s"),
        (0, m, 0) => format!("{m} min"),
        (0, m, s) => format!("{m} min {s} s"),
        (h, 0, _) => format!("{h} h"),
        (h, m, _) => format!("{h} h {m} min"),
    }
}

fn chinese_span(seconds: u64) -> String {
    match (seconds / 3600, seconds % 3600 / 60, seconds % 60) {
        (0, 0, s) => format!("{s} 秒"),
        (0, m, 0) => format!("{m} 分钟"),
        (0, m, s) => format!("{m} 分 {s} 秒"),
        (h, 0, _) => format!("{h} 小时"),
        (h, m, _) => format!("{h} 小时 {m} 分"),
    }
}

fn plural(count: u32, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

fn within(before: &str, text: Option<String>) -> String {
    text.map(|text| format!("{before}{text}")).unwrap_or_default()
}

fn cut(text: &str) -> String {
    if text.chars().count() <= MAX_CHARS {
        return text.to_owned();
    }
    text.chars().take(MAX_CHARS - 1).chain(['…']).collect()
}

#[cfg(test)]
#[path = "text_tests.rs"]
mod tests;
