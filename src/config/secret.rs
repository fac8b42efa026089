//! Secrets: read from the environment or a file, shown nowhere.

use std::fmt;

use super::source::is_variable_name;
use super::table::Table;

/// A password. `Debug` shows `***`, there is no `Display`; [`Secret::expose`] is for the one who logs in.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Takes the text in.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// What a password may be given by.
pub(super) const ENV: &str = "password_env";
/// See [`ENV`].
pub(super) const FILE: &str = "password_file";

/// Reads the password of `table` from the variable or the file that it names.
pub(super) fn read_password(table: &Table<'_>) -> Option<Secret> {
    match (table.text(ENV), table.text(FILE)) {
        (Some(_), Some(_)) => table.wrong(FILE, "got both password_env and password_file, wants one of them"),
        (Some(variable), None) if !is_variable_name(variable) => table.wrong(
            ENV,
            // Not quoted: it may be the password.
            "wants the name of an environment variable, in capitals, such as GATE_PASSWORD; never the password itself",
        ),
        (Some(variable), None) => match table.environment(variable) {
            Some(value) if !value.is_empty() => Some(Secret::new(value)),
            Some(_) => {
                table.wrong(ENV, &format!("the environment variable {variable} is empty, wants the password in it"))
            }
            None => {
                table.wrong(ENV, &format!("the environment variable {variable} is not set, wants the password in it"))
            }
        },
        (None, Some(_)) => read_file(table),
        (None, None) => None,
    }
}

fn read_file(table: &Table<'_>) -> Option<Secret> {
    let path = table.path(FILE)?;
    match std::fs::read_to_string(&path) {
        // Editors and `echo` end a file with a line feed that is not part of the password.
        Ok(text) if !text.trim_end_matches(['\r', '\n']).is_empty() => {
            Some(Secret::new(text.trim_end_matches(['\r', '\n'])))
        }
        Ok(_) => table.wrong(FILE, &format!("{} is empty, wants the password in it", path.display())),
        Err(e) => table.wrong(FILE, &format!("could not read {}: {e}", path.display())),
    }
}
