//! What is wrong with a configuration: everything at once, each in a form that is mended without reading code.

use std::fmt;
use std::ops::Range;

use super::source::{SourceFile, redact};

/// One thing that is wrong. Never contains a password: what is quoted passes through `redact`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    /// The file, as the user would name it.
    pub file: String,
    /// Where in it, counted from 1; absent where it is about the file as a whole.
    pub place: Option<Place>,
    /// The key, e.g. `camera[gate-north].rule[in].zone`; empty where it is about the file as a whole.
    pub key: String,
    /// What was got and what is wanted.
    pub message: String,
}

/// A place in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// How many characters are meant.
    pub width: usize,
    /// The line itself, without what could be a password.
    pub text: String,
}

impl ConfigError {
    pub(super) fn at(file: &SourceFile, span: Range<usize>, key: &str, message: &str) -> Self {
        Self { file: file.name.clone(), place: Some(file.place(span)), key: key.to_owned(), message: redact(message) }
    }

    pub(super) fn of_file(file: &str, message: &str) -> Self {
        Self { file: file.to_owned(), place: None, key: String::new(), message: redact(message) }
    }

    /// The error with the line it speaks of and a mark below it.
    pub fn with_snippet(&self) -> String {
        let Some(place) = &self.place else { return self.to_string() };
        let number = place.line.to_string();
        let margin = " ".repeat(number.len());
        // A tab keeps its width under itself.
        let indent: String =
            place.text.chars().take(place.column - 1).map(|c| if c == '\t' { '\t' } else { ' ' }).collect();
        let room = place.text.chars().count().saturating_sub(place.column - 1).max(1);
        let mark = "^".repeat(place.width.clamp(1, room));
        format!("{self}\n  {margin} |\n  {number} | {}\n  {margin} | {indent}{mark}", place.text)
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let Some(place) = &self.place {
            write!(f, ":{}", place.line)?;
        }
        if !self.key.is_empty() {
            write!(f, ": {}", self.key)?;
        }
        write!(f, ": {}", self.message)
    }
}

/// All that is wrong, in the order of files and lines; never empty.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
pub struct ConfigErrors(pub Vec<ConfigError>);

impl ConfigErrors {
    /// All of them with the lines they speak of.
    pub fn with_snippets(&self) -> String {
        self.0.iter().map(ConfigError::with_snippet).collect::<Vec<_>>().join("\n\n")
    }
}
