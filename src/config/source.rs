//! The files of a configuration: finding them, reading them, and quoting them without giving a password away.

use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use super::error::{ConfigError, Place};

/// One file as read.
pub(super) struct SourceFile {
    /// As the user would name it.
    pub(super) name: String,
    /// Relative paths in the file start here.
    pub(super) folder: PathBuf,
    pub(super) text: String,
}

impl SourceFile {
    pub(super) fn place(&self, span: Range<usize>) -> Place {
        let start = self.text.floor_char_boundary(span.start);
        let end = self.text.floor_char_boundary(span.end.max(start));
        let line_start = self.text[..start].rfind('\n').map_or(0, |i| i + 1);
        let line_end = self.text[start..].find('\n').map_or(self.text.len(), |i| start + i);
        Place {
            line: self.text[..start].matches('\n').count() + 1,
            column: self.text[line_start..start].chars().count() + 1,
            width: self.text[start..end.min(line_end)].chars().count(),
            text: redact(self.text[line_start..line_end].trim_end()),
        }
    }
}

/// Reads the file, or the `*.toml` of the folder in name order; hidden files are left out.
pub(super) fn read(path: &Path) -> Result<Vec<SourceFile>, Vec<ConfigError>> {
    let whole = |e: &io::Error| vec![ConfigError::of_file(&path.display().to_string(), &cannot_read(e))];
    let mut paths = if path.is_dir() {
        let mut found = Vec::new();
        for entry in std::fs::read_dir(path).map_err(|e| whole(&e))? {
            found.push(entry.map_err(|e| whole(&e))?.path());
        }
        found.retain(|p| p.extension().is_some_and(|e| e == "toml") && !is_hidden(p));
        if found.is_empty() {
            return Err(vec![ConfigError::of_file(
                &path.display().to_string(),
                "the folder holds no file named *.toml",
            )]);
        }
        found
    } else {
        vec![path.to_owned()]
    };
    paths.sort();
    let (mut files, mut errors) = (Vec::new(), Vec::new());
    for path in paths {
        match std::fs::read_to_string(&path) {
            Ok(text) => files.push(SourceFile {
                name: path.display().to_string(),
                folder: path.parent().map(Path::to_owned).unwrap_or_default(),
                text,
            }),
            Err(e) => errors.push(ConfigError::of_file(&path.display().to_string(), &cannot_read(&e))),
        }
    }
    if errors.is_empty() { Ok(files) } else { Err(errors) }
}

fn is_hidden(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."))
}

fn cannot_read(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "there is no such file or folder".to_owned(),
        io::ErrorKind::InvalidData => "the file is not UTF-8 text".to_owned(),
        _ => format!("could not be read: {error}"),
    }
}

/// Masks what may be a password: the user part of addresses, and what follows the `=` of a password-like key.
///
/// Generous on purpose: it is better to quote too little of a line than a secret.
pub(super) fn redact(text: &str) -> String {
    text.split('\n').map(|line| redact_assignment(&redact_user(line))).collect::<Vec<_>>().join("\n")
}

/// Passwords may hold any sign, '@', '/' and quotes too; so all up to the last '@' of the line goes.
fn redact_user(line: &str) -> String {
    let Some(at) = line.rfind('@') else { return line.to_owned() };
    if let Some(start) = line[..at].find("://").map(|i| i + 3) {
        return format!("{}***{}", &line[..start], &line[at..]);
    }
    // `admin:password@host` without a scheme.
    let start = line[..at].find('=').map_or(0, |i| i + 1);
    if line[start..at].contains(':') { format!("{} ***{}", &line[..start], &line[at..]) } else { line.to_owned() }
}

fn redact_assignment(line: &str) -> String {
    let lower = line.to_ascii_lowercase();
    for word in ["password", "passwd", "passphrase", "pwd", "secret", "token"] {
        for (i, _) in lower.match_indices(word) {
            let after = &lower[i + word.len()..];
            let is_name = after.starts_with("_env") && names_variable(line);
            let value = after.strip_prefix("_env").unwrap_or(after).trim_start_matches(['"', '\'', ' ', '\t']);
            if value.starts_with('=') && !is_name {
                return format!("{} ***", &line[..=line.len() - value.len()]);
            }
        }
    }
    line.to_owned()
}

/// Whether what is assigned on the line can be a variable's name: else it may be the password itself, put there by mistake.
fn names_variable(line: &str) -> bool {
    let value = line.split_once("_env").and_then(|(_, rest)| rest.split_once('=')).map_or("", |(_, value)| value);
    value.split(['"', '\'']).nth(1).is_some_and(is_variable_name)
}

/// `GATE_PASSWORD`: capitals, digits, underscores.
pub(super) fn is_variable_name(text: &str) -> bool {
    let fits = |c: char| c.is_ascii_uppercase() || c == '_';
    text.starts_with(fits) && text.chars().all(|c| fits(c) || c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_masked_wherever_they_stand() {
        for (text, masked) in [
            (r#"url = "rtsp://admin:s3cret@10.0.0.5/s1""#, r#"url = "rtsp://***@10.0.0.5/s1""#),
            (r#"url = "rtsp://admin:a/b@c@10.0.0.5/s1""#, r#"url = "rtsp://***@10.0.0.5/s1""#),
            (r#"password = "s3cret""#, "password = ***"),
            (r#"{ Password="s3cret", x = 1 }"#, "{ Password= ***"),
            (r#"url = "rtsp://10.0.0.5/s?user=a&pwd=s3cret""#, r#"url = "rtsp://10.0.0.5/s?user=a&pwd= ***"#),
            (r#"password_env = "GATE_PW""#, r#"password_env = "GATE_PW""#),
            (r#"password_env = "s3cret""#, "password_env = ***"),
            (r#"password_file = "/run/gate""#, r#"password_file = "/run/gate""#),
            (r#"url = "admin:s3cret@10.0.0.5""#, r#"url = ***@10.0.0.5""#),
            (r#"url = "rtsp://admin:a,b c'd@10.0.0.5/s1""#, r#"url = "rtsp://***@10.0.0.5/s1""#),
            (r#"url = "rtsp://10.0.0.5/s1""#, r#"url = "rtsp://10.0.0.5/s1""#),
        ] {
            assert_eq!(redact(text), masked);
        }
    }

    #[test]
    fn places_count_characters_and_lines() {
        let file = SourceFile { name: "a.toml".into(), folder: PathBuf::new(), text: "a = 1\n门 = \"x\"\n".into() };
        let start = file.text.find("\"x\"").expect("it is there");
        let place = file.place(start..start + 3);
        assert_eq!((place.line, place.column, place.width), (2, 5, 3));
    }
}
