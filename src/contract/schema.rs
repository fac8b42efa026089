//! The published JSON schemas, built into the binary as they lie in `deploy/schemas/`.
//!
//! Two of each: a strict one for producers (no unknown field, no unknown word) and an open one for consumers, which tolerates
//! what a later minor version may add. The open one is derived from the strict one, so that the two cannot drift apart.

use serde_json::{Map, Value};

/// `ce_dataschema` of alerts.
pub const ALERT_URN: &str = "urn:lightbar:schema:alert:1.0";
/// `ce_dataschema` of camera health.
pub const CAMERA_HEALTH_URN: &str = "urn:lightbar:schema:camera-health:1.0";
/// `ce_dataschema` of alert states.
pub const ALERT_STATE_URN: &str = "urn:lightbar:schema:alert-state:1.0";
/// `ce_dataschema` of dispatch answers.
pub const DISPATCH_STATUS_URN: &str = "urn:lightbar:schema:dispatch-status:1.0";

/// The minor version of every schema of today; a record that says more is from a later Lightbar.
pub const MINOR: u32 = 0;

/// A published schema.
#[derive(Clone, Copy, Debug)]
pub struct Published {
    /// How `lightbar schema` calls it; the open one of a pair has `-open` at its end.
    pub name: &'static str,
    /// What it is.
    pub about: &'static str,
    /// Its text.
    pub text: &'static str,
}

macro_rules! strict {
    ($name:literal, $file:literal, $about:literal) => {
        Published {
            name: $name,
            about: concat!($about, ", strict: what Lightbar promises to send"),
            text: include_str!(concat!("../../deploy/schemas/", $file, ".schema.json")),
        }
    };
}

macro_rules! open {
    ($name:literal, $file:literal, $about:literal) => {
        Published {
            name: concat!($name, "-open"),
            about: concat!($about, ", open: for consumers, who let pass what a later 1.x may add"),
            text: include_str!(concat!("../../deploy/schemas/", $file, ".open.schema.json")),
        }
    };
}

/// All published schemas, in pairs.
pub const ALL: &[Published] = &[
    strict!("alert", "alert.v1", "alert data v1"),
    open!("alert", "alert.v1", "alert data v1"),
    strict!("alert-headers", "alert-headers.v1", "headers of an alert v1"),
    open!("alert-headers", "alert-headers.v1", "headers of an alert v1"),
    strict!("camera-health", "camera-health.v1", "camera health v1"),
    open!("camera-health", "camera-health.v1", "camera health v1"),
    strict!("camera-health-headers", "camera-health-headers.v1", "headers of a camera's health v1"),
    open!("camera-health-headers", "camera-health-headers.v1", "headers of a camera's health v1"),
    strict!("alert-state", "alert-state.v1", "alert state v1"),
    open!("alert-state", "alert-state.v1", "alert state v1"),
    strict!("alert-state-headers", "alert-state-headers.v1", "headers of an alert state v1"),
    open!("alert-state-headers", "alert-state-headers.v1", "headers of an alert state v1"),
    strict!("dispatch-status", "dispatch-status.v1", "dispatch status v1"),
    open!("dispatch-status", "dispatch-status.v1", "dispatch status v1"),
    strict!("dispatch-status-headers", "dispatch-status-headers.v1", "headers of a dispatch status v1"),
    open!("dispatch-status-headers", "dispatch-status-headers.v1", "headers of a dispatch status v1"),
    strict!("dead-letter-headers", "dead-letter-headers.v1", "headers of a dead letter v1"),
    open!("dead-letter-headers", "dead-letter-headers.v1", "headers of a dead letter v1"),
];

/// The schema of that name.
pub fn named(name: &str) -> Option<&'static Published> {
    ALL.iter().find(|published| published.name == name)
}

/// The open schema for a strict one: unknown fields, unknown words and later minor versions pass; what is known keeps its form.
/// Whoever reads may rely on one thing for ever: `identification` stays `none`.
pub fn open(strict: &Value) -> Value {
    let mut opened = strict.clone();
    if let Some(root) = opened.as_object_mut() {
        if let Some(id) = root.get("$id").and_then(Value::as_str).map(|id| format!("{id}:open")) {
            root.insert("$id".to_owned(), id.into());
        }
        // Conditions (`allOf`) name known words on purpose; they bind the known and let the unknown pass.
        relax(root);
        for key in ["properties", "$defs"] {
            if let Some(members) = root.get_mut(key).and_then(Value::as_object_mut) {
                members.values_mut().for_each(relax_deep);
            }
        }
        let version = root.get_mut("properties").and_then(|fields| fields.get_mut("schema_version"));
        if let Some(version) = version.and_then(Value::as_object_mut) {
            version.shift_remove("const");
            version.insert("type".to_owned(), "string".into());
            version.insert("pattern".to_owned(), "^1\\.[0-9]+$".into());
        }
    }
    opened
}

fn relax_deep(schema: &mut Value) {
    match schema {
        Value::Object(object) => {
            relax(object);
            object.values_mut().for_each(relax_deep);
        }
        Value::Array(items) => items.iter_mut().for_each(relax_deep),
        _ => {}
    }
}

fn relax(object: &mut Map<String, Value>) {
    if object.get("additionalProperties") == Some(&Value::Bool(false)) {
        object.shift_remove("additionalProperties");
    }
    // The words known today are still told; as examples they bind nobody.
    if object.get("enum").is_some_and(Value::is_array) {
        let words = object.shift_remove("enum").unwrap_or_default();
        object.insert("type".to_owned(), "string".into());
        object.insert("examples".to_owned(), words);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Run with `UPDATE_GOLDEN=1` to write the open schemas anew after a strict one has changed.
    #[test]
    fn open_schemas_are_derived_from_the_strict_ones() {
        for pair in ALL.chunks(2) {
            let [strict, opened] = pair else { panic!("{} has no partner", pair[0].name) };
            assert_eq!(opened.name, format!("{}-open", strict.name));
            let wanted = open(&serde_json::from_str(strict.text).expect("JSON"));
            let wanted = serde_json::to_string_pretty(&wanted).expect("JSON") + "\n";
            if std::env::var_os("UPDATE_GOLDEN").is_some() {
                let path = format!("{}/deploy/schemas/{}.v1.open.schema.json", env!("CARGO_MANIFEST_DIR"), strict.name);
                std::fs::write(path, &wanted).expect("written");
                continue;
            }
            assert!(wanted == opened.text, "{} is not derived from its strict schema", opened.name);
        }
    }

    /// Whoever reads a schema needs no other page: each field says what it means.
    #[test]
    fn every_field_says_what_it_means() {
        for published in ALL {
            let mut silent = Vec::new();
            undescribed(published.name, &serde_json::from_str(published.text).expect("JSON"), &mut silent);
            assert!(silent.is_empty(), "no description: {silent:?}");
        }
    }

    fn undescribed(at: &str, schema: &Value, silent: &mut Vec<String>) {
        for (name, field) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
            let at = format!("{at}.{name}");
            if field.get("description").and_then(Value::as_str).is_none_or(|text| text.len() < 8) {
                silent.push(at.clone());
            }
            undescribed(&at, field, silent);
            undescribed(&at, field.get("items").unwrap_or(&Value::Null), silent);
        }
    }
}

#[cfg(test)]
#[path = "released_tests.rs"]
mod released;
