//! From files to settings.

use std::cell::RefCell;
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::DeTable;

use super::camera::{self, CameraSettings};
use super::defaults::CameraDefaults;
use super::error::{ConfigError, ConfigErrors};
use super::evidence::{self, EvidenceSettings};
use super::hours::{self, KnownHours};
use super::inference::InferenceSettings;
use super::kafka::KafkaSettings;
use super::lifecycle::{self, LifecycleSettings};
use super::service::{HttpSettings, LogSettings, ServiceSettings};
use super::source::{self, SourceFile};
use super::store::{self, StoreSettings};
use super::table::{Reader, Table};
use super::{Settings, canonical, defaults, inference, kafka, scene, service};
use crate::domain::detection::ObjectClass;
use crate::domain::ids::CameraId;
use crate::domain::scene::{SceneConfig, SightConfig};

/// The tables of a file's top.
pub(super) const KEYS: &[&str] = &[
    "service",
    "store",
    "evidence",
    "http",
    "log",
    "kafka",
    "inference",
    "defaults",
    "hours",
    "camera",
    "lifecycle",
    "dispatch",
    "adjacent",
];

/// Reads and checks the file, or all `*.toml` of the folder in name order.
pub fn load(path: &Path) -> Result<Settings, ConfigErrors> {
    load_with(path, &|variable| std::env::var(variable).ok())
}

/// As [`load`], with another environment than the process's own.
pub fn load_with(path: &Path, environment: &dyn Fn(&str) -> Option<String>) -> Result<Settings, ConfigErrors> {
    let files = source::read(path).map_err(ConfigErrors)?;
    let (documents, syntax_errors) = parse(&files);
    let reader = Reader { environment, errors: RefCell::new(Vec::new()) };
    let tops: Vec<Table<'_>> =
        documents.iter().map(|(file, document)| Table::top(&reader, file, document.get_ref(), KEYS)).collect();
    // With a file missing from the picture, what is "missing" may stand in that file.
    let complete = syntax_errors.is_empty();
    let settings = settings(&Tops { tops: &tops, complete });
    let mut errors = syntax_errors;
    errors.append(&mut reader.errors.borrow_mut());
    match settings {
        Some(settings) if errors.is_empty() => {
            let content: Vec<&DeTable<'_>> = documents.iter().map(|(_, document)| document.get_ref()).collect();
            Ok(Settings { hash: canonical::hash(&content), ..settings })
        }
        _ => Err(ConfigErrors(in_order(errors, &files))),
    }
}

/// A scene alone, as the keys of a `[[camera]]` describe it (`[[zone]]`, `[[line]]`, `[[rule]]`, `[tracking]`): what is played
/// without a camera.
pub fn scene_from_text(text: &str) -> Result<SceneConfig, ConfigErrors> {
    let files = [SourceFile { name: "scene".to_owned(), folder: PathBuf::new(), text: text.to_owned() }];
    let (documents, mut errors) = parse(&files);
    let reader = Reader { environment: &|_| None, errors: RefCell::new(Vec::new()) };
    let camera = CameraId::parse("scene").ok();
    let read = |(file, document): &Document<'_>| {
        let top = Table::top(&reader, file, document.get_ref(), camera::KEYS);
        scene::read(&top, camera.clone(), SightConfig::default(), KnownHours { names: &[], plans: &[], place: None })
    };
    let config = documents.first().and_then(read);
    errors.append(&mut reader.errors.borrow_mut());
    config.filter(|_| errors.is_empty()).ok_or_else(|| ConfigErrors(in_order(errors, &files)))
}

type Document<'a> = (&'a SourceFile, Spanned<DeTable<'a>>);

fn parse(files: &[SourceFile]) -> (Vec<Document<'_>>, Vec<ConfigError>) {
    let (mut documents, mut errors) = (Vec::new(), Vec::new());
    for file in files {
        let (document, wrong) = DeTable::parse_recoverable(&file.text);
        if wrong.is_empty() {
            documents.push((file, document));
        }
        for error in wrong {
            let span = error.span().unwrap_or(0..0);
            errors.push(ConfigError::at(file, span, "", &format!("not TOML: {}", error.message())));
        }
    }
    (documents, errors)
}

/// The tops of all files together.
struct Tops<'r, 'a> {
    tops: &'r [Table<'a>],
    complete: bool,
}

impl<'a> Tops<'_, 'a> {
    /// The one table of that name; more than one is an error that names both files.
    fn section(&self, key: &str, keys: &'static [&'static str]) -> Option<Table<'a>> {
        let mut found: Option<Table<'a>> = None;
        for table in self.tops.iter().filter_map(|top| top.table(key, keys)) {
            match &found {
                Some(first) => table.itself_wrong(&format!("given twice; it is in {} already", first.place())),
                None => found = Some(table),
            }
        }
        found
    }

    fn missing_section<T>(&self, key: &str, wants: &str) -> Option<T> {
        let there = self.tops.iter().any(|top| top.has(key));
        if let (true, false, Some(top)) = (self.complete, there, self.tops.first()) {
            top.missing::<()>(key, wants);
        }
        None
    }
}

fn settings(tops: &Tops<'_, '_>) -> Option<Settings> {
    let service = match tops.section("service", service::SERVICE_KEYS) {
        Some(table) => ServiceSettings::read(&table),
        None => tops.missing_section("service", "a table with at least site, which names this place in every alert"),
    };
    let evidence =
        tops.section("evidence", evidence::KEYS).map_or_else(EvidenceSettings::default, |t| EvidenceSettings::read(&t));
    let store = tops.section("store", store::KEYS).map_or_else(StoreSettings::default, |t| StoreSettings::read(&t));
    let http = tops.section("http", service::HTTP_KEYS).map_or_else(HttpSettings::default, |t| HttpSettings::read(&t));
    let log = tops.section("log", service::LOG_KEYS).map_or_else(LogSettings::default, |t| LogSettings::read(&t));
    let kafka = match tops.section("kafka", kafka::KEYS) {
        Some(table) => Some(KafkaSettings::read(&table)),
        None => tops.missing_section("kafka", "a table with brokers, or with enabled = false"),
    };
    let table = tops.section("inference", inference::KEYS);
    let inference = match &table {
        Some(table) => InferenceSettings::read(table),
        None => tops.missing_section("inference", "a table with model, the path of a model.toml or .onnx, or \"none\""),
    };
    let defaults = tops
        .section("defaults", defaults::KEYS)
        .map_or_else(CameraDefaults::default, |t| CameraDefaults::read(&t, &CameraDefaults::default()));
    let hours: Vec<Table<'_>> = tops.tops.iter().flat_map(|top| top.tables("hours", hours::KEYS)).collect();
    let (names, plans) = hours::read_all(&hours);
    let cameras = cameras(tops, &defaults, KnownHours { names: &names, plans: &plans, place: None });
    let lifecycle = tops
        .section("lifecycle", lifecycle::KEYS)
        .map_or_else(LifecycleSettings::default, |table| LifecycleSettings::read(&table));
    let all = |key, keys| tops.tops.iter().flat_map(|top| top.tables(key, keys)).collect::<Vec<_>>();
    let lifecycle = LifecycleSettings {
        systems: lifecycle::read_systems(&all("dispatch", lifecycle::DISPATCH_KEYS)),
        adjacency: lifecycle::read_adjacent(&all("adjacent", lifecycle::ADJACENT_KEYS), &cameras),
        ..lifecycle
    };
    if let (Some(InferenceSettings { model: None, .. }), Some(table)) = (&inference, &table) {
        note_sightless_rules(table, &cameras);
    }
    Some(Settings {
        service: service?,
        store,
        evidence,
        http,
        log,
        kafka: kafka?,
        inference: inference?,
        lifecycle,
        cameras,
        hash: String::new(),
    })
}

/// Without a model nothing has a name, and a rule that wants one would never speak.
fn note_sightless_rules(inference: &Table<'_>, cameras: &[CameraSettings]) {
    for camera in cameras.iter().filter(|camera| camera.enabled) {
        for rule in camera.scene.rules.iter().filter(|rule| !rule.filter.classes.contains(&ObjectClass::Unknown)) {
            let (camera, rule) = (camera.id(), &rule.id);
            inference.wrong::<()>(
                "model",
                &format!("got \"none\", but rule {rule} of camera {camera} wants objects with a name; wants a model, or classes = [\"unknown\"] there"),
            );
        }
    }
}

fn cameras(tops: &Tops<'_, '_>, defaults: &CameraDefaults, hours: KnownHours<'_>) -> Vec<CameraSettings> {
    let tables: Vec<Table<'_>> = tops.tops.iter().flat_map(|top| top.tables("camera", camera::KEYS)).collect();
    for (i, table) in tables.iter().enumerate() {
        let earlier = tables[..i].iter().find(|other| table.id().is_some() && other.id() == table.id());
        if let Some(first) = earlier {
            table.wrong::<()>("id", &format!("two cameras have this id; the first is in {}", first.place()));
        }
    }
    tables.iter().filter_map(|table| CameraSettings::read(table, defaults, hours)).collect()
}

/// By file, then by line: the order in which they will be mended.
fn in_order(mut errors: Vec<ConfigError>, files: &[SourceFile]) -> Vec<ConfigError> {
    errors.sort_by_key(|error| {
        let file = files.iter().position(|file| file.name == error.file);
        (file, error.place.as_ref().map_or((0, 0), |place| (place.line, place.column)))
    });
    errors
}
