//! The published JSON schemas, built into the binary as they lie in `deploy/schemas/`.
//!
//! Two of each: a strict one for producers (no unknown field, no unknown word) and an open one for consumers, which tolerates
//! what a later minor version may add. The open one is derived from the strict one, so that the two cannot drift apart.

use serde_json::{Map, Value};

/// `ce_dataschema` of alerts.
pub const ALERT_URN: &str = "urn:lightbar:schema:alert:1.0";
/// `ce_dataschema` of camera health.
pub const CAMERA_HEALTH_URN: &str = "urn:lightbar:schema:camera-health:1.0";

/// A published schema.
#[derive(Clone, Copy, Debug)]
pub struct Published {
    /// How `lightbar schema` calls it.
    pub name: &'static str,
    /// What it is.
    pub about: &'static str,
    /// Its text.
    pub text: &'static str,
}

/// All published schemas.
pub const ALL: [Published; 4] = [
    Published {
        name: "alert",
        about: "alert data v1, strict: for producers and conformance checks",
        text: include_str!("../../deploy/schemas/alert.v1.schema.json"),
    },
    Published {
        name: "alert-open",
        about: "alert data v1, open: for consumers; unknown fields, kinds and classes are tolerated",
        text: include_str!("../../deploy/schemas/alert.v1.open.schema.json"),
    },
    Published {
        name: "camera-health",
        about: "camera health v1, strict",
        text: include_str!("../../deploy/schemas/camera-health.v1.schema.json"),
    },
    Published {
        name: "camera-health-open",
        about: "camera health v1, open",
        text: include_str!("../../deploy/schemas/camera-health.v1.open.schema.json"),
    },
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
        if let Some(version) = root.get_mut("properties").and_then(|p| p.get_mut("schema_version")) {
            *version = serde_json::json!({"type": "string", "pattern": "^1\\.[0-9]+$"});
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
    if object.get("enum").is_some_and(Value::is_array) {
        object.shift_remove("enum");
        object.insert("type".to_owned(), "string".into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Run with `UPDATE_GOLDEN=1` to write the open schemas anew after a strict one has changed.
    #[test]
    fn open_schemas_are_derived_from_the_strict_ones() {
        for (strict, opened, file) in [
            ("alert", "alert-open", "alert.v1.open.schema.json"),
            ("camera-health", "camera-health-open", "camera-health.v1.open.schema.json"),
        ] {
            let strict: Value = serde_json::from_str(named(strict).expect("published").text).expect("JSON");
            let wanted = serde_json::to_string_pretty(&open(&strict)).expect("JSON") + "\n";
            if std::env::var_os("UPDATE_GOLDEN").is_some() {
                std::fs::write(format!("{}/deploy/schemas/{file}", env!("CARGO_MANIFEST_DIR")), &wanted)
                    .expect("written");
                continue;
            }
            assert!(wanted == named(opened).expect("published").text, "{file} is not derived from its strict schema");
        }
    }
}
