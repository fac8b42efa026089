//! One text for all ways of writing the same configuration, and its hash.

use std::fmt::Write as _;

use sha2::{Digest, Sha256};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// SHA-256, in hex, of the documents' content: keys sorted, `[[camera]]` of all files joined in order.
pub(super) fn hash(documents: &[&DeTable<'_>]) -> String {
    let mut merged: Vec<(&str, Vec<&DeValue<'_>>)> = Vec::new();
    for document in documents {
        for (key, value) in *document {
            let key = key.get_ref().as_ref();
            let values: Vec<&DeValue<'_>> = match value.get_ref() {
                DeValue::Array(items) => items.iter().map(Spanned::get_ref).collect(),
                other => vec![other],
            };
            match merged.iter_mut().find(|(name, _)| *name == key) {
                Some((_, all)) => all.extend(values),
                None => merged.push((key, values)),
            }
        }
    }
    merged.sort_by_key(|(key, _)| *key);
    let mut text = String::new();
    for (key, values) in merged {
        for value in values {
            text.push_str(key);
            write(&mut text, value);
            text.push('\n');
        }
    }
    let mut hex = String::with_capacity(64);
    for byte in Sha256::digest(text.as_bytes()) {
        write!(hex, "{byte:02x}").expect("writing to a string does not fail");
    }
    hex
}

fn write(out: &mut String, value: &DeValue<'_>) {
    match value {
        DeValue::String(text) => write!(out, "{text:?}").expect("writing to a string does not fail"),
        DeValue::Integer(n) => {
            out.push_str(&i128::from_str_radix(n.as_str(), n.radix()).unwrap_or_default().to_string());
        }
        DeValue::Float(x) => out.push_str(x.as_str()),
        DeValue::Boolean(b) => out.push_str(if *b { "true" } else { "false" }),
        DeValue::Datetime(moment) => out.push_str(&moment.to_string()),
        DeValue::Array(items) => {
            out.push('[');
            for item in items {
                write(out, item.get_ref());
                out.push(',');
            }
            out.push(']');
        }
        DeValue::Table(entries) => {
            let mut sorted: Vec<_> = entries.iter().collect();
            sorted.sort_by(|a, b| a.0.get_ref().cmp(b.0.get_ref()));
            out.push('{');
            for (key, value) in sorted {
                write!(out, "{:?}=", key.get_ref()).expect("writing to a string does not fail");
                write(out, value.get_ref());
                out.push(',');
            }
            out.push('}');
        }
    }
}
