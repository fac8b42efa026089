//! Documents against code: every key of one is in the other, and the example is good.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::super::reference::TABLES;
use super::super::{load_with, reference};

fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn read(path: &str) -> String {
    std::fs::read_to_string(repository(path)).expect(path)
}

/// `(table, key)` of the reference's tables: headings ``### `[service]` ``, rows ``| `site` | ...``.
fn documented() -> BTreeSet<(String, String)> {
    let (mut table, mut out) = (String::new(), BTreeSet::new());
    for line in read("docs/configuration.md").lines() {
        if let Some(heading) = line.strip_prefix("### ") {
            heading.trim_matches('`').clone_into(&mut table);
        } else if let Some(first) = line.strip_prefix("| `").and_then(|_| line.split('|').nth(1)) {
            out.extend(first.split('`').skip(1).step_by(2).map(|key| (table.clone(), key.to_owned())));
        }
    }
    out
}

fn in_code() -> BTreeSet<(String, String)> {
    let name = |table: &str| if table.is_empty() { "(top)".to_owned() } else { table.to_owned() };
    TABLES.iter().flat_map(|(table, keys)| keys.iter().map(move |key| (name(table), (*key).to_owned()))).collect()
}

#[test]
fn the_reference_and_the_code_know_the_same_keys() {
    let (documented, in_code) = (documented(), in_code());
    let undocumented: Vec<_> = in_code.difference(&documented).collect();
    let unknown: Vec<_> = documented.difference(&in_code).collect();
    assert!(
        undocumented.is_empty() && unknown.is_empty(),
        "not documented: {undocumented:?}\nnot in the code: {unknown:?}"
    );
}

/// Lines such as `#key = ...` and `#[table]` without their mark: everything that the example shows, in force.
fn uncommented(text: &str) -> String {
    let live = |line: &str| match line.strip_prefix('#') {
        Some(rest) if rest.starts_with('[') || rest.starts_with(|c: char| c.is_ascii_lowercase()) => rest.to_owned(),
        _ => line.to_owned(),
    };
    text.lines().map(live).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_example_is_good_as_it_is_and_with_all_of_it_in_force() {
    let path = repository("deploy/config.example.toml");
    let settings = load_with(&path, &|_| None).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(settings.cameras.len(), 2);
    assert_eq!(settings.cameras[0].scene.rules.len(), 12);

    let folder = tempfile::tempdir().expect("a folder");
    let all = folder.path().join("all.toml");
    std::fs::write(&all, uncommented(&read("deploy/config.example.toml"))).expect("writable");
    let settings = load_with(&all, &|_| Some("secret".to_owned())).unwrap_or_else(|e| panic!("{e}"));
    assert!(settings.kafka.tls.is_some() && settings.kafka.sasl.is_some());
}

#[test]
fn the_example_shows_every_key() {
    let text = uncommented(&read("deploy/config.example.toml"))
        .replace("# password_file", "password_file")
        .replace("# token_file", "token_file")
        .replace("# min_speed_", "min_speed_")
        .replace("# ca_file", "ca_file");
    let (mut table, mut shown) = ("(top)".to_owned(), BTreeSet::new());
    for line in text.lines() {
        let code = line.split(" #").next().unwrap_or_default().trim();
        if code.starts_with('[') {
            code.clone_into(&mut table);
        } else if let Some((key, value)) = line.split_once(" = ").filter(|(key, _)| !key.contains(' ')) {
            shown.insert((table.clone(), key.to_owned()));
            if key == "position" {
                let keys = reference::TABLES.iter().find(|(name, _)| *name == "[camera.position]").expect("a table").1;
                shown.extend(
                    keys.iter()
                        .filter(|k| value.contains(*k))
                        .map(|k| ("[camera.position]".to_owned(), (*k).to_owned())),
                );
            }
        }
    }
    let is_table = |key: &str| {
        let named = |name: &str| TABLES.iter().any(|(table, _)| table.trim_matches(['[', ']']) == name);
        named(key)
            || named(&format!("kafka.{key}"))
            || named(&format!("camera.{key}"))
            || named(&format!("hours.{key}"))
    };
    let absent: Vec<_> = in_code().into_iter().filter(|key| !shown.contains(key) && !is_table(&key.1)).collect();
    assert!(absent.is_empty(), "deploy/config.example.toml does not show {absent:?}");
}

/// Blocks of a document that begin with a comment naming a file: the file, and the lines that must stand in it.
fn quoted_code(document: &str) -> Vec<(String, Vec<String>)> {
    let (mut blocks, mut open): (Vec<(String, Vec<String>)>, bool) = (Vec::new(), false);
    for line in document.lines() {
        if line.starts_with("```") {
            open = !open && line.len() > 3;
            if open {
                blocks.push((String::new(), Vec::new()));
            }
        } else if let Some((file, lines)) = blocks.last_mut().filter(|_| open) {
            match line.split_once("file: ").filter(|_| file.is_empty()) {
                Some((_, name)) => name.trim().clone_into(file),
                None => lines.push(line.to_owned()),
            }
        }
    }
    blocks
}

#[test]
fn the_way_to_add_a_rule_is_the_way_it_was_added_and_short() {
    let blocks = quoted_code(&read("docs/adding-a-rule.md"));
    assert!(blocks.len() >= 6, "{} blocks", blocks.len());
    for (file, lines) in &blocks {
        let code = read(file);
        let mut rest = code.lines();
        for line in lines {
            assert!(rest.any(|there| there == line), "{file} has no line (any more, or in this order): {line}");
        }
    }
    let lines: usize = blocks.iter().map(|(_, lines)| lines.len()).sum();
    assert!(lines < 100, "{lines} lines to add a rule");
}

#[test]
fn every_kind_of_rule_has_its_section_and_picture() {
    let page = read("docs/rules.md");
    for kind in super::super::rule_kind::kinds() {
        let name = kind.as_str();
        assert!(page.contains(&format!("\n## `{name}`\n")), "docs/rules.md has no section `{name}`");
        assert!(page.contains(&format!("](img/rules/{name}.svg)")), "docs/rules.md does not show img/rules/{name}.svg");
    }
}
