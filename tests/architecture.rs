//! The rules that the compiler does not know: which room may name which crate, who may know whom, what is named how, and
//! that nothing here could identify a person. Reads `src/` as text; needs no feature.
//!
//! A failure names file and line. Where a rule stands in the reader's way, change the table here and say why beside it.

#[path = "architecture/source.rs"]
mod source;

use source::{Source, sources};

/// Crates that only some rooms may name; tests are free to. A crate that is not here is free.
const FENCED: &[(&str, &[&str])] = &[
    ("gstreamer", &["camera", "demo"]),
    ("gstreamer_app", &["camera", "demo"]),
    ("gstreamer_video", &["camera", "demo"]),
    ("gstreamer_rtsp_server", &["demo"]),
    ("gio", &["camera"]),
    ("ort", &["inference"]),
    ("ndarray", &["inference"]),
    ("image", &["inference", "demo"]),
    ("zune_jpeg", &["inference"]),
    ("rdkafka", &["kafka", "demo"]),
    ("futures_util", &["kafka"]),
    ("jsonschema", &["conformance", "contract"]), // in `contract` by its tests only
    ("ed25519_dalek", &["evidence"]),
    ("serde_json_canonicalizer", &["evidence"]),
    ("rusqlite", &["store"]),
    ("prometheus", &["metrics"]),
    ("axum", &["web"]),
    ("tokio_stream", &["web"]),
    ("clap", &["cli"]),
    ("clap_complete", &["cli"]),
    ("anyhow", &["main", "cli", "app"]),
    ("tracing_subscriber", &["logging"]),
    ("strsim", &["config"]),
    ("solar_positioning", &["calendar"]),
];

/// Which rooms a room may know: no arrow to the left, none between edges. `app` and `cli` know everyone.
const ARROWS: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("backoff", &[]),
    ("pipeline", &["domain", "metrics", "backoff"]),
    ("clock", &["domain", "pipeline"]),
    ("metrics", &["domain", "pipeline", "clock"]),
    ("calendar", &["domain"]),
    ("config", &["domain", "calendar"]),
    ("logging", &["config"]),
    // `pipeline::ports` says what the contract turns into words: `Decided`.
    ("contract", &["domain", "pipeline"]),
    ("camera", &["domain", "pipeline", "metrics", "clock", "backoff"]),
    ("inference", &["domain", "pipeline", "metrics", "clock", "backoff"]),
    ("evidence", &["domain", "pipeline", "metrics", "clock", "backoff", "contract"]),
    ("store", &["domain", "pipeline", "metrics", "clock", "backoff", "contract"]),
    ("kafka", &["domain", "pipeline", "metrics", "clock", "backoff", "contract"]),
    ("web", &["domain", "pipeline", "metrics", "clock", "backoff", "contract"]),
    // Judges records from outside, by what the contract publishes.
    ("conformance", &["domain", "contract"]),
    // Judges alerts as they are published, so it knows their form and the words; never the rules.
    ("score", &["domain", "contract"]),
    // Scenes with a known truth, and the core tried on them: pure, outside the service.
    ("street", &["domain", "config", "score"]),
    // A street, a broker and a consumer of their own, outside the service: it may use the rooms, none may use it.
    (
        "demo",
        &[
            "domain",
            "pipeline",
            "metrics",
            "clock",
            "backoff",
            "contract",
            "camera",
            "inference",
            "kafka",
            "config",
            "score",
            "street",
        ],
    ),
];

/// Crates that the core does without, beside the clippy fence at its door.
const NOT_IN_DOMAIN: &[&str] =
    &["tokio", "serde", "serde_json", "toml", "tracing", "jiff", "getrandom", "fastrand", "libc", "bytes"];

/// Lines that a file rarely has more of: one in twenty may.
const LONG: usize = 400;

/// Lines that no file has more of.
const TOO_LONG: usize = 500;

/// Names that say nothing.
const EMPTY_NAMES: &[&str] = &["util", "utils", "common", "helper", "helpers", "manager", "managers", "misc"];

/// Words that a system which identifies people would have in its names. What `street` draws may have two of them: a
/// box has faces, and a drawn walker a gait.
const IDENTIFYING_WORDS: &[&str] = &[
    "face",
    "faces",
    "facial",
    "reid",
    "embedding",
    "embeddings",
    "biometric",
    "biometrics",
    "gait",
    "anpr",
    "alpr",
    "lpr",
    "iris",
    "fingerprint",
    "ethnicity",
    "gender",
];

/// The same, of more than one word.
const IDENTIFYING_PHRASES: &[&[&str]] = &[
    &["person", "id"],
    &["person", "name"],
    &["plate", "number"],
    &["plate", "text"],
    &["license", "plate"],
    &["licence", "plate"],
    &["re", "identification"],
    &["re", "id"],
];

fn holds(what: &str, broken: &[String]) {
    assert!(broken.is_empty(), "{what}\n  {}", broken.join("\n  "));
}

#[test]
fn a_crate_is_named_only_in_its_room() {
    let mut broken = Vec::new();
    for source in sources() {
        for (name, rooms) in FENCED.iter().filter(|(_, rooms)| !rooms.contains(&source.room.as_str())) {
            let places = source.paths_beginning_with(name);
            broken.extend(places.map(|line| format!("{}:{line}: {name} belongs to {}", source.path, rooms.join(", "))));
        }
        if source.room == "domain" {
            for name in NOT_IN_DOMAIN {
                broken.extend(
                    source
                        .paths_beginning_with(name)
                        .map(|line| format!("{}:{line}: the core does without {name}", source.path)),
                );
            }
        }
    }
    holds("a crate is named outside its room:", &broken);
}

#[test]
fn arrows_point_one_way() {
    let mut broken = Vec::new();
    for source in sources() {
        let Some((_, known)) = ARROWS.iter().find(|(room, _)| *room == source.room) else { continue };
        for (line, room) in source.rooms_named() {
            let is_room = ARROWS.iter().any(|(name, _)| *name == room) || matches!(room.as_str(), "app" | "cli");
            if is_room && room != source.room && !known.contains(&room.as_str()) {
                broken.push(format!("{}:{line}: {} must not know {room}", source.path, source.room));
            }
        }
    }
    holds("an arrow points the wrong way (ARCHITECTURE.md, \"Who may know whom\"):", &broken);
}

#[test]
fn every_room_is_in_the_table() {
    let outside = ["app", "cli", "main", "lib"];
    let known = |room: &str| outside.contains(&room) || ARROWS.iter().any(|(name, _)| *name == room);
    let broken: Vec<String> =
        sources().iter().filter(|s| !known(&s.room)).map(|s| format!("{}: {} has no arrows", s.path, s.room)).collect();
    holds("a room is missing from ARROWS:", &broken);
}

#[test]
fn every_module_says_what_it_is() {
    let silent = |source: &&Source| !source.text.starts_with("//!") && !source.path.ends_with("tests.rs");
    let broken: Vec<String> = sources().iter().filter(silent).map(|s| s.path.clone()).collect();
    holds("a module does not begin with //! and what it is:", &broken);
}

#[test]
fn files_are_short() {
    let lines = |source: &Source| source.text.lines().count();
    let mut long: Vec<&Source> = sources().iter().filter(|source| lines(source) > LONG).collect();
    long.sort_by_key(|source| std::cmp::Reverse(lines(source)));
    let told: Vec<String> = long.iter().map(|source| format!("{}: {} lines", source.path, lines(source))).collect();
    assert!(
        long.len() * 20 <= sources().len() && long.iter().all(|source| lines(source) <= TOO_LONG),
        "of {} files, too many are longer than {LONG} lines, or one than {TOO_LONG}:\n  {}",
        sources().len(),
        told.join("\n  ")
    );
}

#[test]
fn names_mean_something() {
    let mut broken = Vec::new();
    for source in sources() {
        let file_words = source.path.split(['/', '.', '_']).filter(|word| EMPTY_NAMES.contains(word));
        broken.extend(file_words.map(|word| format!("{}: {word}", source.path)));
        for (line, name) in source.declared_names() {
            let empty = source::words(&name).into_iter().any(|word| EMPTY_NAMES.contains(&word.as_str()));
            if empty {
                broken.push(format!("{}:{line}: {name}", source.path));
            }
        }
    }
    holds("a name says nothing:", &broken);
}

#[test]
fn nothing_here_could_identify_a_person() {
    let mut broken = Vec::new();
    for source in sources() {
        let found = source.identifiers().into_iter().chain(source.word_strings());
        broken.extend(
            found
                .filter(|(_, name)| identifies(name) && !(source.room == "street" && is_drawn(name)))
                .map(|(line, name)| format!("{}:{line}: {name}", source.path)),
        );
    }
    for (path, names) in source::published_names() {
        broken.extend(names.iter().filter(|name| identifies(name)).map(|name| format!("{path}: {name}")));
    }
    holds("a name belongs to a system that identifies people, which this one must never be:", &broken);
}

/// Whether the name is all right where it is about drawing.
fn is_drawn(name: &str) -> bool {
    let drawn: Vec<String> =
        source::words(name).into_iter().filter(|w| !matches!(w.as_str(), "face" | "faces" | "gait")).collect();
    !identifies(&drawn.join("_"))
        && !drawn.iter().any(|word| matches!(word.as_str(), "id" | "recognition" | "match" | "vector"))
}

fn identifies(name: &str) -> bool {
    let words = source::words(name);
    let is_phrase = |phrase: &&[&str]| words.windows(phrase.len()).any(|window| window == *phrase);
    words.iter().any(|word| IDENTIFYING_WORDS.contains(&word.as_str())) || IDENTIFYING_PHRASES.iter().any(is_phrase)
}

#[test]
fn the_vocabulary_test_can_fail() {
    for name in
        ["face_id", "FaceId", "plate_number", "person_id", "PersonId", "embedding", "reid", "ReId", "license_plate"]
    {
        assert!(identifies(name), "{name}");
    }
    for name in ["interface", "surface", "embedded", "template", "person", "track_id", "Identification", "re_open"] {
        assert!(!identifies(name), "{name}");
    }
}

#[test]
fn log_fields_are_declared_once() {
    let declared = |name: &str| lightbar::logging::FIELDS.iter().any(|(field, _)| *field == name);
    let mut broken = Vec::new();
    for source in sources() {
        let fields = source.log_fields();
        broken.extend(
            fields
                .into_iter()
                .filter(|(_, f)| !declared(f))
                .map(|(line, field)| format!("{}:{line}: {field}", source.path)),
        );
    }
    holds("a log field is not in logging::FIELDS:", &broken);
}
