//! The published schemas as validators, found by an event's type.

use std::collections::HashMap;

use jsonschema::Validator;
use serde_json::Value;

use crate::contract::schema;

/// What an event's type says: `{prefix}.{family}.{word}.v{major}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct EventType<'a> {
    pub(super) family: &'a str,
    pub(super) word: &'a str,
}

impl<'a> EventType<'a> {
    /// Reads it; none where it is no type of version 1 of anything.
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        let mut parts = text.rsplit('.');
        let (major, word, family) = (parts.next()?, parts.next()?, parts.next()?);
        (major == "v1").then_some(Self { family, word })
    }
}

/// Every published schema, built once.
#[derive(Debug)]
pub(super) struct Schemas {
    validators: HashMap<&'static str, Validator>,
}

impl Schemas {
    pub(super) fn new() -> Self {
        let build = |published: &schema::Published| {
            let text = serde_json::from_str(published.text).expect("a published schema is JSON: the tests read each");
            (published.name, jsonschema::validator_for(&text).expect("a published schema is one: the tests use each"))
        };
        Self { validators: schema::ALL.iter().map(build).collect() }
    }

    /// Whether the data of a family has a schema here.
    pub(super) fn knows(&self, family: &str) -> bool {
        self.validators.contains_key(family)
    }

    /// What is wrong with a value by the schema of that name; nothing where there is none.
    pub(super) fn complaints(&self, name: &str, open: bool, value: &Value) -> Vec<String> {
        let found = if open { self.validators.get(format!("{name}-open").as_str()) } else { self.validators.get(name) };
        let told = |error: jsonschema::ValidationError<'_>| {
            let at = error.instance_path().to_string();
            if at.is_empty() { error.to_string() } else { format!("{at}: {error}") }
        };
        found.into_iter().flat_map(|validator| validator.iter_errors(value)).map(told).collect()
    }
}

/// The minor version of `urn:lightbar:schema:{family}:1.{minor}`.
pub(super) fn minor(dataschema: &str) -> Option<u32> {
    dataschema.rsplit_once(":1.").and_then(|(_, minor)| minor.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_is_read_from_its_end() {
        let wanted = EventType { family: "alert", word: "opened" };
        assert_eq!(EventType::parse("cn.example.lightbar.alert.opened.v1"), Some(wanted));
        assert_eq!(EventType::parse("lightbar.alert.opened.v2"), None);
        assert_eq!(EventType::parse("v1"), None);
        assert_eq!(minor("urn:lightbar:schema:alert:1.12"), Some(12));
        assert_eq!(minor("urn:lightbar:schema:alert:2.0"), None);
    }
}
