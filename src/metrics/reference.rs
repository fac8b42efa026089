//! `docs/metrics.md` is checked against the declarations: a metric that is not described there fails the tests.
//!
//! The declarations are read from the source, since a labelled metric that was not used yet does not show up in a registry.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

const BEGIN: &str = "<!-- begin: metrics -->";
const END: &str = "<!-- end: metrics -->";
const UPDATE: &str = "LIGHTBAR_UPDATE_DOCS=1 cargo test --no-default-features --lib metrics::reference";

/// Every `"name", "help"` pair of the declarations, by stage in the order of the flow.
pub(super) fn declared(root: &Path) -> Vec<(&'static str, String, String)> {
    let mut found = Vec::new();
    for stage in ["capture", "detect", "analyze", "record", "relay", "store", "evidence", "lifecycle", "web", "process"]
    {
        let source = fs::read_to_string(root.join(format!("src/metrics/{stage}.rs"))).unwrap();
        let source = source.split("#[cfg(test)]").next().unwrap_or_default();
        let literals: Vec<&str> = source
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"))
            .flat_map(|line| line.split('"').skip(1).step_by(2))
            .collect();
        for pair in literals.windows(2) {
            if pair[0].starts_with("lightbar_") || pair[0].starts_with("process_") {
                found.push((stage, pair[0].to_owned(), pair[1].to_owned()));
            }
        }
    }
    found
}

fn table(root: &Path) -> String {
    let mut table = String::new();
    let mut last_stage = "";
    for (stage, name, help) in declared(root) {
        if stage != last_stage {
            write!(table, "\n### {stage}\n\n| metric | what it says |\n|---|---|\n").unwrap();
            last_stage = stage;
        }
        writeln!(table, "| `{name}` | {help} |").unwrap();
    }
    table
}

#[test]
fn the_reference_names_every_metric_with_its_help() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let path = root.join("docs/metrics.md");
    let text = fs::read_to_string(&path).unwrap();
    let (before, rest) = text.split_once(BEGIN).expect("docs/metrics.md has a begin mark");
    let (written, after) = rest.split_once(END).expect("docs/metrics.md has an end mark");
    let wanted = table(root);
    if std::env::var_os("LIGHTBAR_UPDATE_DOCS").is_some() {
        fs::write(&path, format!("{before}{BEGIN}\n{wanted}\n{END}{after}")).unwrap();
    } else {
        assert!(
            written.trim() == wanted.trim(),
            "docs/metrics.md does not say what src/metrics declares; update it with\n  {UPDATE}"
        );
    }
}

#[test]
fn names_say_the_stage_and_helps_are_sentences() {
    for (stage, name, help) in declared(Path::new(env!("CARGO_MANIFEST_DIR"))) {
        // The outbox lies between record and relay; what the process says of itself has the names that everyone gives it.
        let shared = stage == "process" || (stage == "relay" && name.starts_with("lightbar_outbox_"));
        let owner = format!("lightbar_{stage}_");
        assert!(shared || name.starts_with(&owner), "{name} is declared in {stage}.rs, so it begins with {owner}");
        assert!(help.ends_with('.') && help.len() > 10, "{name}: {help:?} is no help");
    }
}

#[test]
fn what_the_registry_shows_is_in_the_reference() {
    let names: Vec<String> =
        declared(Path::new(env!("CARGO_MANIFEST_DIR"))).into_iter().map(|(_, name, _)| name).collect();
    let text = super::Metrics::new().unwrap().render().unwrap();
    let shown: Vec<&str> =
        text.lines().filter_map(|line| line.strip_prefix("# HELP ")).filter_map(|l| l.split(' ').next()).collect();
    assert!(!shown.is_empty());
    for name in shown {
        assert!(names.iter().any(|known| known == name), "{name} is registered but not found in src/metrics");
    }
}
