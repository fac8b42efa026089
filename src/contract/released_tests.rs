//! What was released stays: schemas and examples in `deploy/schemas/released/` are frozen, and today's must not break them.
//!
//! Whoever wrote a consumer against a released version reads today's records: nothing that he relies on may vanish, become
//! optional or mean something else. Growth is free: optional fields, words, headers, kinds.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::{ALL, named};

/// Keywords of which a schema may have more or other ones without changing what a record is.
const WORDS_ABOUT: [&str; 4] = ["$schema", "title", "examples", "$comment"];

fn schemas() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/schemas")
}

fn read(path: &Path) -> Value {
    let text = std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("readable").path()).collect();
    files.sort();
    files
}

fn name(path: &Path) -> String {
    path.file_name().expect("a file").to_string_lossy().into_owned()
}

/// The folders of released versions.
fn released() -> Vec<PathBuf> {
    files(&schemas().join("released")).into_iter().filter(|path| path.is_dir()).collect()
}

/// `alert.v1.open.schema.json` is `alert-open`.
fn published_name(file: &str) -> String {
    let stem = file.strip_suffix(".schema.json").expect("a schema");
    let (stem, open) = stem.strip_suffix(".open").map_or((stem, ""), |stem| (stem, "-open"));
    format!("{}{open}", stem.rsplit_once(".v").expect("a version").0)
}

/// The schema that an example follows, by its name; examples of headers are lists of pairs.
fn schema_of(example: &str) -> String {
    let kind = ["camera-health", "alert-state", "dispatch-status", "dead-letter"];
    let kind = kind.into_iter().find(|kind| example.starts_with(&format!("{kind}."))).unwrap_or("alert");
    if example.ends_with(".headers.json") { format!("{kind}-headers") } else { kind.to_owned() }
}

fn example(path: &Path) -> Value {
    let value = read(path);
    if !name(path).ends_with(".headers.json") {
        return value;
    }
    let pairs: Vec<(String, String)> = serde_json::from_value(value).expect("pairs of texts");
    pairs.into_iter().map(|(name, text)| (name, Value::String(text))).collect::<Map<_, _>>().into()
}

fn complaints(schema: &Value, value: &Value) -> Vec<String> {
    let validator = jsonschema::validator_for(schema).expect("a schema");
    validator.iter_errors(value).map(|error| format!("{}: {error}", error.instance_path())).collect()
}

#[test]
fn released_files_are_as_they_were() {
    let folder = schemas().join("released");
    let sums = std::fs::read_to_string(folder.join("SHA256SUMS")).expect("SHA256SUMS");
    let listed: Vec<(&str, &str)> = sums.lines().filter_map(|line| line.split_once("  ")).collect();
    for (sum, file) in &listed {
        let bytes = std::fs::read(folder.join(file)).unwrap_or_else(|e| panic!("{file} was released and is gone: {e}"));
        let hex: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat();
        assert!(hex == *sum, "{file} was released and must not change; a change belongs into deploy/schemas/{file}");
    }
    let there: usize =
        released().iter().map(|version| files(version).len() - 1 + files(&version.join("examples")).len()).sum();
    assert_eq!(listed.len(), there, "SHA256SUMS lists every released file");
}

#[test]
fn nothing_released_has_vanished_or_changed_its_meaning() {
    for version in released() {
        for file in files(&version).into_iter().filter(|file| file.is_file()) {
            let today = named(&published_name(&name(&file)))
                .unwrap_or_else(|| panic!("{} was released and is published no more", name(&file)));
            let broken = broken_promises(&read(&file), &serde_json::from_str(today.text).expect("JSON"));
            assert!(
                broken.is_empty(),
                "{} breaks what {} promised:\n  {}",
                today.name,
                file.display(),
                broken.join("\n  ")
            );
        }
    }
}

#[test]
fn released_examples_validate_for_ever() {
    let folders: Vec<PathBuf> = released().into_iter().map(|version| version.join("examples")).collect();
    assert!(valid_today(&folders) > 50);
}

#[test]
fn todays_examples_validate() {
    assert!(valid_today(&[schemas().join("examples")]) > 50);
}

/// Holds every example in these folders against today's schemas, strict and open; gives how often.
fn valid_today(folders: &[PathBuf]) -> usize {
    let mut held = 0;
    for path in folders.iter().flat_map(|folder| files(folder)) {
        let schema = schema_of(&name(&path));
        for schema in [schema.clone(), format!("{schema}-open")] {
            if name(&path).starts_with("from-the-future.") && !schema.ends_with("-open") {
                continue;
            }
            let text = named(&schema).unwrap_or_else(|| panic!("no schema {schema}")).text;
            let broken = complaints(&serde_json::from_str(text).expect("JSON"), &example(&path));
            assert_eq!(broken, [""; 0], "{} against {schema}", path.display());
            held += 1;
        }
    }
    held
}

#[test]
fn every_kind_has_an_example_in_both_languages() {
    for kind in crate::domain::alert::AlertKind::ALL {
        let alert = read(&schemas().join(format!("examples/{}.opened.json", kind.as_str())));
        let said = |language: &str| alert["text"][language]["headline"].as_str().unwrap_or_default().to_owned();
        assert_eq!(alert["kind"], kind.as_str());
        assert!(said("zh-CN").chars().any(|c| c > '\u{4e00}'), "{}: {:?}", kind.as_str(), said("zh-CN"));
        assert!(said("en").chars().any(|c| c.is_ascii_alphabetic()), "{}: {:?}", kind.as_str(), said("en"));
    }
}

/// A consumer that was built on a released open schema takes today's records.
#[test]
fn todays_examples_pass_every_released_open_schema() {
    for version in released() {
        for path in files(&schemas().join("examples")) {
            let file = version.join(format!("{}.v1.open.schema.json", schema_of(&name(&path))));
            if file.exists() {
                assert_eq!(
                    complaints(&read(&file), &example(&path)),
                    [""; 0],
                    "{} against {}",
                    path.display(),
                    file.display()
                );
            }
        }
    }
}

/// What today's schema no longer keeps of a released one.
fn broken_promises(released: &Value, today: &Value) -> Vec<String> {
    let mut broken = Vec::new();
    let (old, new) = (Root(released), Root(today));
    compare("", &old.resolved(released), &new.resolved(today), (old, new), &mut broken);
    broken
}

/// A schema in which `$ref`s are looked up.
#[derive(Clone, Copy)]
struct Root<'a>(&'a Value);

impl Root<'_> {
    /// The node with what its `$ref` names put in; its own words win.
    fn resolved(self, node: &Value) -> Map<String, Value> {
        let mut node = node.as_object().cloned().unwrap_or_default();
        if let Some(Value::String(name)) = node.remove("$ref") {
            let target = self.0.pointer(name.trim_start_matches('#')).unwrap_or_else(|| panic!("{name} is not there"));
            for (keyword, value) in self.resolved(target) {
                node.entry(keyword).or_insert(value);
            }
        }
        node
    }
}

fn compare(
    at: &str,
    old: &Map<String, Value>,
    new: &Map<String, Value>,
    roots: (Root<'_>, Root<'_>),
    broken: &mut Vec<String>,
) {
    for (keyword, was) in old {
        let is = new.get(keyword);
        match keyword.as_str() {
            "$defs" => {}
            "$id" => {
                let family = |id: &Value| id.as_str().unwrap_or_default().replace(char::is_numeric, "");
                if is.map(family) != Some(family(was)) {
                    broken.push(format!("{at}: it is no longer {was}"));
                }
            }
            "properties" | "patternProperties" => {
                for (name, field) in was.as_object().into_iter().flatten() {
                    let at = format!("{at}/{name}");
                    match is.and_then(|fields| fields.get(name)) {
                        Some(today) => {
                            compare(&at, &roots.0.resolved(field), &roots.1.resolved(today), roots, broken);
                        }
                        None => broken.push(format!("{at} has vanished")),
                    }
                }
            }
            "items" => {
                let today = roots.1.resolved(is.unwrap_or(&Value::Null));
                compare(&format!("{at}[]"), &roots.0.resolved(was), &today, roots, broken);
            }
            "required" => {
                if sorted(Some(was)) != sorted(is) {
                    broken.push(format!("{at}: required was {was}, is {}", is.unwrap_or(&Value::Null)));
                }
            }
            "enum" | "allOf" => {
                for word in was.as_array().into_iter().flatten() {
                    if !is.and_then(Value::as_array).is_some_and(|today| today.contains(word)) {
                        broken.push(format!("{at}: {keyword} lacks {word}"));
                    }
                }
            }
            "const" => {
                let one_of = new.get("enum").and_then(Value::as_array).is_some_and(|words| words.contains(was));
                if is != Some(was) && !one_of {
                    broken.push(format!("{at}: was always {was}"));
                }
            }
            "description" => {
                let (was, is) = (was.as_str().unwrap_or_default(), is.and_then(Value::as_str).unwrap_or_default());
                if !is.starts_with(was.trim_end_matches('.')) {
                    broken.push(format!("{at}: meant {was:?}, means {is:?} (what a field means may only be added to)"));
                }
            }
            about if WORDS_ABOUT.contains(&about) => {}
            _ if is == Some(was) => {}
            _ => broken.push(format!("{at}: {keyword} was {was}, is {}", is.unwrap_or(&Value::Null))),
        }
    }
    let free = ["description", "$defs", "properties", "allOf"];
    for keyword in new.keys().filter(|keyword| !old.contains_key(*keyword)) {
        let grown = keyword == "enum" && old.contains_key("const");
        if !grown && !free.contains(&keyword.as_str()) && !WORDS_ABOUT.contains(&keyword.as_str()) {
            broken.push(format!("{at}: {keyword} is new"));
        }
    }
}

fn sorted(list: Option<&Value>) -> Vec<String> {
    let mut names: Vec<String> =
        list.and_then(Value::as_array).into_iter().flatten().map(ToString::to_string).collect();
    names.sort();
    names
}

#[test]
fn a_broken_promise_is_noticed_and_growth_is_not() {
    type Change = fn(&mut Value);
    let was: Value = serde_json::from_str(named("alert").expect("published").text).expect("JSON");
    let broken: [(&str, Change); 9] = [
        ("a field that vanished", |s| drop(fields(s).shift_remove("count"))),
        ("a nested field that vanished", |s| drop(fields(&mut s["properties"]["timing"]).shift_remove("ended_at"))),
        ("another type", |s| s["properties"]["revision"]["type"] = "string".into()),
        ("another form of times", |s| s["$defs"]["utc"]["pattern"] = "^.*$".into()),
        ("a word that vanished", |s| drop(s["properties"]["kind"]["enum"].as_array_mut().expect("words").pop())),
        ("a field that became optional", |s| drop(s["required"].as_array_mut().expect("names").pop())),
        ("a new field that must be there", |s| s["required"].as_array_mut().expect("names").push("floor".into())),
        ("another meaning", |s| s["properties"]["confidence"]["description"] = "In percent.".into()),
        ("a condition that vanished", |s| drop(s["allOf"].as_array_mut().expect("conditions").pop())),
    ];
    for (what, change) in broken {
        let mut today = was.clone();
        change(&mut today);
        assert!(!broken_promises(&was, &today).is_empty(), "{what} was let through");
    }
    let grown: [(&str, Change); 4] = [
        ("a new optional field", |s| s["properties"]["weather"] = serde_json::json!({"type": "object"})),
        ("a new kind", |s| s["properties"]["kind"]["enum"].as_array_mut().expect("words").push("drone_seen".into())),
        ("more said", |s| {
            s["properties"]["count"]["description"] =
                "How many objects are concerned; may be more than are listed in `objects`. Never less.".into();
        }),
        (
            "a new minor version",
            |s| s["properties"]["schema_version"] = serde_json::json!({"description": s["properties"]["schema_version"]["description"], "enum": ["1.0", "1.1"]}),
        ),
    ];
    for (what, change) in grown {
        let mut today = was.clone();
        change(&mut today);
        assert_eq!(broken_promises(&was, &today), [""; 0], "{what}");
    }
}

/// Each field, word and promise of each released schema, one after the other: none may go or change unnoticed.
#[test]
fn whatever_goes_from_a_released_schema_is_noticed() {
    let mut tried = 0;
    for file in released().iter().flat_map(|version| files(version)).filter(|file| file.is_file()) {
        let was = read(&file);
        for spoil in spoils(&was, "") {
            let mut today = was.clone();
            spoil.apply(&mut today);
            assert!(!broken_promises(&was, &today).is_empty(), "{}: {spoil:?} was let through", file.display());
            tried += 1;
        }
    }
    assert!(tried > 500, "hardly anything was tried: {tried}");
}

/// One thing that a schema no longer says.
#[derive(Debug)]
enum Spoil {
    /// The member of the object at the pointer.
    Member(String, String),
    /// The last item of the list at the pointer.
    Item(String),
    /// The meaning of the description at the pointer.
    Meaning(String),
}

impl Spoil {
    fn apply(&self, schema: &mut Value) {
        let mut at = |pointer: &str| schema.pointer_mut(pointer).unwrap_or_else(|| panic!("{pointer}")).take();
        let (pointer, spoiled) = match self {
            Self::Member(pointer, name) => {
                let mut object = at(pointer);
                object.as_object_mut().expect("an object").shift_remove(name);
                (pointer, object)
            }
            Self::Item(pointer) => {
                let mut list = at(pointer);
                list.as_array_mut().expect("a list").pop();
                (pointer, list)
            }
            Self::Meaning(pointer) => (pointer, "Something else.".into()),
        };
        *schema.pointer_mut(pointer).expect("it was there") = spoiled;
    }
}

/// All that can go from the fields below a node; what `$defs` hold is reached by those who name it.
fn spoils(node: &Value, at: &str) -> Vec<Spoil> {
    let mut all = Vec::new();
    for (name, field) in node["properties"].as_object().into_iter().flatten() {
        let pointer = format!("{at}/properties/{}", name.replace('~', "~0").replace('/', "~1"));
        all.push(Spoil::Member(format!("{at}/properties"), name.clone()));
        if field["description"].is_string() {
            all.push(Spoil::Meaning(format!("{pointer}/description")));
        }
        for list in ["enum", "required"].iter().filter(|list| field[*list].as_array().is_some_and(|l| !l.is_empty())) {
            all.push(Spoil::Item(format!("{pointer}/{list}")));
        }
        for keyword in ["type", "const", "pattern"].iter().filter(|keyword| field.get(*keyword).is_some()) {
            all.push(Spoil::Member(pointer.clone(), (*keyword).to_owned()));
        }
        all.extend(spoils(field, &pointer));
    }
    all
}

/// What was shown to dispatch systems is understood for ever, whatever their schema grew by.
#[test]
fn released_answers_are_understood_for_ever() {
    let all = released().into_iter().flat_map(|version| files(&version.join("examples")));
    let answers = all.filter(|path| schema_of(&name(path)) == "dispatch-status");
    let understood = answers.map(|path| {
        let text = std::fs::read(&path).expect("readable");
        let read = crate::contract::dispatch_status_v1::Answer::read(&text);
        assert!(read.is_ok(), "{}: {read:?}", path.display());
    });
    assert!(understood.count() >= 3);
}

fn fields(schema: &mut Value) -> &mut Map<String, Value> {
    schema["properties"].as_object_mut().expect("fields")
}

#[test]
fn there_is_a_release_to_compare_with() {
    assert!(!released().is_empty());
    let kept: Vec<String> = released()
        .iter()
        .flat_map(|version| files(version))
        .filter(|file| file.is_file())
        .map(|file| published_name(&name(&file)))
        .collect();
    // A schema that is published and not kept among the released ones may change without anybody noticing.
    for published in ALL {
        assert!(kept.iter().any(|name| name == published.name), "{} was never released", published.name);
    }
}
