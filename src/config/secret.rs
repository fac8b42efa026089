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

/// A token is at least so long: 16 characters of 64 cannot be tried out.
const TOKEN_MIN: usize = 16;
/// And at most, so that it fits into a header beside all others.
const TOKEN_MAX: usize = 512;

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

/// Reads the token that lies in the file which `key` names. A token is a word that can stand in an HTTP header (RFC 6750), long
/// enough that nobody guesses it.
pub(super) fn read_token(table: &Table<'_>, key: &str) -> Option<Secret> {
    let path = table.path(key)?;
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(e) => return table.wrong(key, &format!("could not read {}: {e}", path.display())),
    };
    let token = text.trim_end_matches(['\r', '\n']);
    let length = token.chars().count();
    // What the file holds is not said, not even in part.
    if !(TOKEN_MIN..=TOKEN_MAX).contains(&length) {
        let message = format!("{} holds {length} characters, wants {TOKEN_MIN} to {TOKEN_MAX}", path.display());
        return table.wrong(key, &message);
    }
    if !token.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte)) {
        let message = format!("{} holds other characters than letters, digits and -._~+/=", path.display());
        return table.wrong(key, &message);
    }
    Some(Secret::new(token))
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
