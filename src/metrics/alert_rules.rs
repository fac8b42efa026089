//! The alert rules in `deploy/prometheus/` name only what Lightbar exports, say it in both languages, and lead to a place in the
//! docs. Whether they fire when they should is `promtool`'s to say (`tests/it/alert_rules.rs`).

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::reference::declared;

const SEVERITIES: [&str; 3] = ["critical", "warning", "info"];

/// One rule, as its lines stand in the file.
struct Rule {
    name: String,
    text: String,
}

impl Rule {
    fn field(&self, key: &str) -> &str {
        let begins = format!("{key}: ");
        let line = self.text.lines().find_map(|line| line.trim_start().strip_prefix(&begins));
        line.unwrap_or_else(|| panic!("{} has no {key}", self.name)).trim_matches('\'')
    }

    fn expression(&self) -> &str {
        let (_, rest) = self.text.split_once("expr: |-\n").unwrap_or_else(|| panic!("{} has no expr: |-", self.name));
        rest.split_once("        for: ").unwrap_or_else(|| panic!("{} has no for after its expr", self.name)).0
    }
}

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

fn rules() -> Vec<Rule> {
    let text = read("deploy/prometheus/lightbar.rules.yml");
    let rules: Vec<Rule> = text
        .split("      - alert: ")
        .skip(1)
        .map(|text| Rule { name: text.lines().next().unwrap_or_default().to_owned(), text: text.to_owned() })
        .collect();
    assert!(rules.len() > 10, "hardly a rule was found: {}", rules.len());
    rules
}

/// The words of an expression or a series: names, functions, labels.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).filter(|word| !word.is_empty())
}

fn metrics(text: &str) -> BTreeSet<&str> {
    words(text).filter(|word| word.starts_with("lightbar_") || word.starts_with("process_")).collect()
}

/// Each `label="value"` and `label=~"one|other"` of an expression.
fn matched(expression: &str) -> Vec<(&str, &str)> {
    let parts: Vec<&str> = expression.split('"').collect();
    parts
        .windows(2)
        .step_by(2)
        .flat_map(|pair| {
            let label = words(pair[0]).last().unwrap_or_default();
            pair[1].split('|').map(move |value| (label, value))
        })
        .collect()
}

#[test]
fn every_metric_that_a_rule_names_is_exported() {
    let known: BTreeSet<String> =
        declared(Path::new(env!("CARGO_MANIFEST_DIR"))).into_iter().map(|(_, name, _)| name).collect();
    for rule in rules() {
        let named = metrics(rule.expression());
        // `up` is Prometheus' own word for whether it was answered.
        assert!(!named.is_empty() || words(rule.expression()).any(|word| word == "up"), "{} names nothing", rule.name);
        for name in named {
            let base = ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name);
            assert!(known.contains(name) || known.contains(base), "{} names {name}, which is not exported", rule.name);
        }
    }
}

#[test]
fn every_label_value_that_a_rule_looks_for_is_a_word_of_the_metrics() {
    let source: String =
        ["capture", "record", "store", "detect"].map(|f| read(&format!("src/metrics/{f}.rs"))).concat();
    let mut looked_for = 0;
    for rule in rules() {
        for (label, value) in matched(rule.expression()).into_iter().filter(|(label, _)| *label != "job") {
            looked_for += 1;
            let literal = format!("\"{value}\"");
            assert!(source.contains(&literal), "{}: no metric has {label}={literal}", rule.name);
        }
    }
    assert!(looked_for > 3, "the expressions were not read: {looked_for}");
}

#[test]
fn every_rule_speaks_both_languages_and_leads_to_its_runbook() {
    let operations = read("docs/operations.md");
    let chinese = |text: &str| text.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c));
    for rule in rules() {
        let severity = rule.field("labels").trim_start_matches("{ severity: ").trim_end_matches(" }");
        assert!(SEVERITIES.contains(&severity), "{}: {severity} is none of {SEVERITIES:?}", rule.name);
        for key in ["summary", "description"] {
            assert!(!chinese(rule.field(key)), "{}: {key} is not English", rule.name);
            assert!(chinese(rule.field(&format!("{key}_zh"))), "{}: {key}_zh is not Chinese", rule.name);
        }
        let anchor = rule.name.to_lowercase();
        assert_eq!(rule.field("runbook"), format!("docs/operations.md#{anchor}"));
        let (_, section) = operations
            .split_once(&format!("### {}\n", rule.name))
            .unwrap_or_else(|| panic!("docs/operations.md has no heading {}", rule.name));
        let section = section.split("\n#").next().unwrap_or_default();
        assert!(section.len() > 60 && chinese(section), "{}: its runbook says too little, or not both", rule.name);
    }
}

#[test]
fn every_rule_is_tried_where_it_fires_and_where_it_does_not() {
    let tests = read("deploy/prometheus/lightbar.rules.test.yml");
    let (_, parts) = tests.split_once("- name: well\n").expect("a site that is well");
    let (well, ill) = parts.split_once("- name: ill\n").expect("a site that is not");
    let (well, ill_series) = (metrics(well), metrics(ill));
    for rule in rules() {
        let (name, expected) = (&rule.name, format!("alertname=\"{}\"", rule.name));
        assert!(ill.contains(&expected), "{name} is not expected to fire");
        for metric in metrics(rule.expression()) {
            assert!(well.contains(metric), "{name}: {metric} is not among what is well");
            assert!(ill_series.contains(metric), "{name}: {metric} is not among what is ill");
        }
    }
}
