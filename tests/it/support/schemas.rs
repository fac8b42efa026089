//! Checks JSON against the published schemas.

use jsonschema::Validator;
use serde_json::Value;

/// The validator for the published schema of that name.
pub(crate) fn validator(name: &str) -> Validator {
    let published = lightbar::contract::schema::named(name).unwrap();
    jsonschema::validator_for(&serde_json::from_str(published.text).unwrap()).unwrap()
}

/// What is wrong with a value; empty when nothing is.
pub(crate) fn complaints(validator: &Validator, value: &Value) -> Vec<String> {
    validator.iter_errors(value).map(|error| format!("{}: {error}", error.instance_path())).collect()
}
