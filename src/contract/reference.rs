//! The tables in `docs/integrate/` are made from the schemas and from `codes.rs`, so that they cannot say anything else.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use serde_json::Value;

use super::{codes, schema};
use crate::domain::alert::{AlertKind, Severity};

const UPDATE: &str = "UPDATE_GOLDEN=1 cargo test --no-default-features --lib contract::reference";

/// The tables: in which document, between which marks, made how.
fn tables() -> Vec<(&'static str, &'static str, String)> {
    vec![
        ("alerts.md", "headers", fields("alert-headers")),
        ("alerts.md", "fields", fields("alert")),
        ("camera-health.md", "headers", fields("camera-health-headers")),
        ("camera-health.md", "fields", fields("camera-health")),
        ("people.md", "state-headers", fields("alert-state-headers")),
        ("people.md", "state-fields", fields("alert-state")),
        ("people.md", "status-headers", fields("dispatch-status-headers")),
        ("people.md", "status-fields", fields("dispatch-status")),
        ("people.md", "dead-headers", fields("dead-letter-headers")),
        ("codes.md", "kinds", kinds()),
        ("codes.md", "severities", severities()),
    ]
}

#[test]
fn the_tables_say_what_the_schemas_say() {
    for (document, mark, table) in tables() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/integrate").join(document);
        let text = fs::read_to_string(&path).unwrap();
        let (begin, end) = (format!("<!-- begin: {mark} -->"), format!("<!-- end: {mark} -->"));
        let (before, rest) = text.split_once(&begin).unwrap_or_else(|| panic!("{document} has no {begin}"));
        let (written, after) = rest.split_once(&end).unwrap_or_else(|| panic!("{document} has no {end}"));
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            fs::write(&path, format!("{before}{begin}\n{}\n{end}{after}", table.trim_end())).unwrap();
        } else {
            assert!(written.trim() == table.trim(), "{document}, {mark}: out of date; write it anew with\n  {UPDATE}");
        }
    }
}

/// Every field of a schema.
fn fields(name: &str) -> String {
    let root: Value = serde_json::from_str(schema::named(name).expect("published").text).unwrap();
    let mut table = "| field | form | always there | meaning |\n|---|---|---|---|\n".to_owned();
    rows("", &root, &root, &mut table);
    table
}

fn rows(at: &str, node: &Value, root: &Value, table: &mut String) {
    let required =
        |name: &str| node["required"].as_array().is_some_and(|names| names.iter().any(|required| required == name));
    for (name, field) in node["properties"].as_object().into_iter().flatten() {
        let target = resolved(field, root);
        let path = format!("{at}{name}");
        let always = if required(name) { "yes" } else { "" };
        let about = field["description"].as_str().or(target["description"].as_str()).unwrap_or_default();
        writeln!(table, "| `{path}` | {} | {always} | {about} |", form(target)).unwrap();
        rows(&format!("{path}."), target, root, table);
        rows(&format!("{path}[]."), resolved(&target["items"], root), root, table);
        for (pattern, member) in target["patternProperties"].as_object().into_iter().flatten() {
            let names = pattern.trim_matches(['^', '$', '(', ')']).replace('|', "`, `");
            writeln!(table, "| `{path}.`LANGUAGE | object | yes | Languages: `{names}`. |").unwrap();
            rows(&format!("{path}.LANGUAGE."), member, root, table);
        }
    }
}

fn resolved<'a>(node: &'a Value, root: &'a Value) -> &'a Value {
    node["$ref"].as_str().and_then(|to| root.pointer(to.trim_start_matches('#'))).unwrap_or(node)
}

/// A field's form in few words.
fn form(field: &Value) -> String {
    let quoted = |words: &Value| {
        let words = words.as_array().into_iter().flatten().filter_map(Value::as_str);
        words.map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
    };
    if let Some(only) = field["const"].as_str() {
        return format!("always `{only}`");
    }
    if field["enum"].is_array() {
        return quoted(&field["enum"]);
    }
    let kind = field["type"].as_str().unwrap_or_default();
    if kind == "array" {
        let words = quoted(&field["items"]["enum"]);
        return if words.is_empty() { "list".to_owned() } else { format!("list of {words}") };
    }
    let bound = |name: &str| field[name].as_f64();
    let pattern = field["pattern"].as_str().map(|pattern| format!(" `{}`", pattern.replace('|', "\\|")));
    match (bound("minimum"), bound("exclusiveMinimum"), bound("maximum")) {
        (Some(low), _, Some(high)) => format!("{kind}, {low} to {high}"),
        (Some(low), _, None) => format!("{kind}, {low} or more"),
        (None, Some(low), Some(high)) => format!("{kind}, more than {low}, at most {high}"),
        (None, Some(low), None) => format!("{kind}, more than {low}"),
        _ => match field["maxLength"].as_u64() {
            Some(most) => format!("{kind}, at most {most} characters"),
            None => format!("{kind}{}", pattern.unwrap_or_default()),
        },
    }
}

/// Every kind with what it is called elsewhere.
fn kinds() -> String {
    let mut table = "| kind | GB/T 28181 method/type(/event) | GA/T 1400 event sort | GA/T 2000.254 | ONVIF topic | severity / urgency |\n\
         |---|---|---|---|---|---|\n"
        .to_owned();
    for kind in AlertKind::ALL {
        let of = codes::of(kind);
        let gb = of.gb28181.map(|gb| {
            let parts = [Some(gb.method), gb.r#type, gb.event_type];
            parts.into_iter().flatten().map(|part| part.to_string()).collect::<Vec<_>>().join("/")
        });
        let or_none = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
        let sort = of.gat1400_event_sort.map(|sort| sort.to_string());
        let topic = of.onvif_topic.map(|topic| format!("`{topic}`"));
        let (severity, urgency) = kind.defaults();
        let (severity, urgency) = (super::words::severity(severity), super::words::urgency(urgency));
        let (gb, sort, code, topic) = (or_none(gb), or_none(sort), or_none(of.gat2000_254), or_none(topic));
        writeln!(table, "| `{}` | {gb} | {sort} | {code} | {topic} | {severity} / {urgency} |", kind.as_str()).unwrap();
    }
    table
}

fn severities() -> String {
    let mut table =
        "| `severity` | `priority` (GB/T 28181) | `ce_severitytext` | `ce_severitynumber` |\n|---|---|---|---|\n"
            .to_owned();
    for severity in [Severity::Extreme, Severity::Severe, Severity::Moderate, Severity::Minor, Severity::Unknown] {
        let word = super::words::severity(severity);
        let (text, number) = codes::ce_severity(word);
        writeln!(table, "| {word} | {} | {text} | {number} |", codes::priority(severity)).unwrap();
    }
    table
}
