//! The sources as text: without comments and strings, with line numbers.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// One file of `src/`.
pub(super) struct Source {
    /// From the repository's root.
    pub(super) path: String,
    /// The room it belongs to: the first folder or file name below `src/`.
    pub(super) room: String,
    /// As it is.
    pub(super) text: String,
    /// The text without comments, strings emptied; same line numbers.
    code: String,
    /// The same without tests.
    production: String,
    /// Contents of the strings, with their lines.
    strings: Vec<(usize, String)>,
}

fn root() -> PathBuf {
    std::env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from)
}

/// All files of `src/`, by path.
pub(super) fn sources() -> &'static [Source] {
    static SOURCES: OnceLock<Vec<Source>> = OnceLock::new();
    SOURCES.get_or_init(|| {
        let files = files_below(&root().join("src"), "rs");
        assert!(files.len() > 20, "src/ was not found in {}", root().display());
        files.iter().map(|path| Source::read(path)).collect()
    })
}

fn files_below(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut out = Vec::new();
    let Ok(entries) = std::fs::read_dir(folder) else { return out };
    for path in entries.map(|entry| entry.expect("a readable folder").path()) {
        if path.is_dir() {
            out.extend(files_below(&path, extension));
        } else if path.extension().is_some_and(|e| e == extension) {
            out.push(path);
        }
    }
    out.sort();
    out
}

/// Unit tests stand at a file's end, or in a `..tests.rs`, or in `tests/`.
fn without_tests(code: &str, path: &Path) -> String {
    if path.iter().any(|part| part == "tests" || part.to_string_lossy().ends_with("tests.rs")) {
        return String::new();
    }
    code.split("\n#[cfg(test)]\nmod tests").next().unwrap_or_default().to_owned()
}

impl Source {
    fn read(path: &Path) -> Self {
        let text = std::fs::read_to_string(path).expect("a readable source");
        let below = path.strip_prefix(root().join("src")).expect("it lies in src/");
        let first = below.components().next().expect("a name").as_os_str().to_string_lossy();
        let (code, strings) = stripped(&text);
        let production = without_tests(&code, below);
        Self {
            path: format!("src/{}", below.display()),
            room: first.trim_end_matches(".rs").to_owned(),
            text,
            code,
            production,
            strings,
        }
    }

    /// Identifiers with their lines.
    pub(super) fn identifiers(&self) -> Vec<(usize, String)> {
        tokens(&self.code).into_iter().filter(|(_, token)| is_identifier(token)).collect()
    }

    /// Strings that are one word, as names in JSON, labels and files are.
    pub(super) fn word_strings(&self) -> impl Iterator<Item = (usize, String)> + '_ {
        let one_word = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || "_-.".contains(c));
        self.strings.iter().filter(move |(_, text)| one_word(text)).cloned()
    }

    /// Lines on which a path begins with the crate `name`, outside tests.
    pub(super) fn paths_beginning_with<'a>(&'a self, name: &'a str) -> impl Iterator<Item = usize> + 'a {
        let tokens = tokens(&self.production);
        let lines: Vec<usize> = (0..tokens.len())
            .filter(|&i| tokens[i].1 == name)
            .filter(|&i| {
                let before = i.checked_sub(1).map_or("", |i| tokens[i].1.as_str());
                let before_that = i.checked_sub(2).map_or("", |i| tokens[i].1.as_str());
                let after = tokens.get(i + 1).map_or("", |(_, token)| token.as_str());
                // `::name` at the very beginning of a path is the crate too, `other::name` is not.
                let begins = before != "::" || !is_identifier(before_that) && before_that != ">";
                begins && (after == "::" || before == "use" && matches!(after, ";" | "as"))
            })
            .map(|i| tokens[i].0)
            .collect();
        lines.into_iter()
    }

    /// Rooms named as `crate::room` or within `crate::{...}`, outside tests.
    pub(super) fn rooms_named(&self) -> Vec<(usize, String)> {
        let tokens = tokens(&self.production);
        let mut out = Vec::new();
        for i in 0..tokens.len() {
            if tokens[i].1 != "crate" || tokens.get(i + 1).is_none_or(|(_, t)| t != "::") {
                continue;
            }
            match tokens.get(i + 2) {
                Some((_, brace)) if brace == "{" => out.extend(group_heads(&tokens[i + 3..])),
                Some(token) => out.push(token.clone()),
                None => {}
            }
        }
        out
    }

    /// Names that are declared here.
    pub(super) fn declared_names(&self) -> Vec<(usize, String)> {
        let tokens = tokens(&self.code);
        let declares = |word: &str| {
            matches!(word, "fn" | "struct" | "enum" | "trait" | "mod" | "type" | "const" | "static" | "let" | "union")
        };
        let pairs = tokens.windows(2).filter(|pair| declares(&pair[0].1) && is_identifier(&pair[1].1));
        pairs.map(|pair| pair[1].clone()).collect()
    }

    /// Names of fields in the macros of `tracing`, outside tests.
    pub(super) fn log_fields(&self) -> Vec<(usize, String)> {
        let tokens = tokens(&self.production);
        let mut out = Vec::new();
        for i in 0..tokens.len().saturating_sub(2) {
            let is_log = matches!(tokens[i].1.as_str(), "trace" | "debug" | "info" | "warn" | "error" | "event");
            if is_log && tokens[i + 1].1 == "!" && tokens[i + 2].1 == "(" {
                out.extend(macro_fields(&tokens[i + 3..]));
            }
        }
        out
    }
}

/// First identifiers of the members of a `{...}` whose opening brace has been read.
fn group_heads(tokens: &[(usize, String)]) -> Vec<(usize, String)> {
    let (mut depth, mut head, mut out) = (1, true, Vec::new());
    for (line, token) in tokens {
        match token.as_str() {
            "{" => depth += 1,
            "}" => depth -= 1,
            "," if depth == 1 => head = true,
            name if depth == 1 && head && is_identifier(name) => {
                out.push((*line, name.to_owned()));
                head = false;
            }
            _ => {}
        }
        if depth == 0 {
            break;
        }
    }
    out
}

/// Fields among the arguments of a logging macro whose opening bracket has been read: `name = ...`, `%name`, `?name`, `name`
/// before the message.
fn macro_fields(tokens: &[(usize, String)]) -> Vec<(usize, String)> {
    let mut arguments: Vec<Vec<(usize, String)>> = vec![Vec::new()];
    let mut depth = 1;
    for token in tokens {
        match token.1.as_str() {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => depth -= 1,
            _ => {}
        }
        match (depth, token.1.as_str()) {
            (0, _) => break,
            (1, ",") => arguments.push(Vec::new()),
            _ => arguments.last_mut().expect("never empty").push(token.clone()),
        }
    }
    let mut out = Vec::new();
    for argument in arguments {
        let words: Vec<&str> = argument.iter().map(|(_, token)| token.as_str()).collect();
        match words[..] {
            ["\"\"", ..] => break, // the message; after it come its own arguments
            ["%" | "?", name, ..] | [name, "=", ..] if is_identifier(name) => {
                let at = usize::from(matches!(words[0], "%" | "?"));
                out.push((argument[at].0, name.to_owned()));
            }
            [name] if is_identifier(name) => out.push((argument[0].0, name.to_owned())),
            _ => {}
        }
    }
    out
}

/// Names in what is published beside the code: JSON schemas' properties and values, class names of models.
pub(super) fn published_names() -> Vec<(String, Vec<String>)> {
    let mut out = Vec::new();
    for folder in ["deploy", "schemas", "models"] {
        for path in files_below(&root().join(folder), "json") {
            let text = std::fs::read_to_string(&path).expect("a readable file");
            let value: serde_json::Value =
                serde_json::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
            let mut names = Vec::new();
            json_names(&value, &mut names);
            out.push((path.display().to_string(), names));
        }
        for path in files_below(&root().join(folder), "toml") {
            let text = std::fs::read_to_string(&path).expect("a readable file");
            let value: toml::Value = toml::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
            let mut names = Vec::new();
            json_names(&serde_json::to_value(value).expect("TOML fits into JSON"), &mut names);
            out.push((path.display().to_string(), names));
        }
    }
    out
}

fn json_names(value: &serde_json::Value, out: &mut Vec<String>) {
    match value {
        serde_json::Value::Object(members) => {
            for (key, member) in members {
                out.push(key.clone());
                json_names(member, out);
            }
        }
        serde_json::Value::Array(items) => items.iter().for_each(|item| json_names(item, out)),
        serde_json::Value::String(text) if !text.contains(' ') => out.push(text.clone()),
        _ => {}
    }
}

/// The words of `person_id`, `PersonId` or `person-id`, in lower case.
pub(super) fn words(name: &str) -> Vec<String> {
    let mut out: Vec<String> = vec![String::new()];
    let mut previous_lower = false;
    for c in name.chars() {
        if !c.is_alphanumeric() || (c.is_uppercase() && previous_lower) {
            out.push(String::new());
        }
        if c.is_alphanumeric() {
            out.last_mut().expect("never empty").extend(c.to_lowercase());
        }
        previous_lower = c.is_lowercase();
    }
    out.retain(|word| !word.is_empty());
    out
}

fn is_identifier(token: &str) -> bool {
    token.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

/// Identifiers, `::`, emptied strings and single signs, with their lines.
fn tokens(code: &str) -> Vec<(usize, String)> {
    let (mut out, mut line, mut rest) = (Vec::new(), 1, code);
    while let Some(c) = rest.chars().next() {
        let length = if c.is_alphanumeric() || c == '_' {
            rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len())
        } else if rest.starts_with("::") || rest.starts_with("\"\"") {
            2
        } else {
            c.len_utf8()
        };
        if c == '\n' {
            line += 1;
        } else if !c.is_whitespace() {
            out.push((line, rest[..length].to_owned()));
        }
        rest = &rest[length..];
    }
    out
}

/// The text without comments and with empty strings, and the strings.
fn stripped(text: &str) -> (String, Vec<(usize, String)>) {
    let (mut code, mut strings, mut line, mut rest) = (String::new(), Vec::new(), 1, text);
    while let Some(c) = rest.chars().next() {
        let after_word = code.ends_with(|c: char| c.is_alphanumeric() || c == '_');
        let skipped = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            block_comment(rest)
        } else if c == '"' || (!after_word && raw_hashes(rest).is_some()) {
            let (length, content) = string(rest);
            strings.push((line, content));
            code.push_str("\"\"");
            length
        } else if c == '\'' {
            character(rest)
        } else {
            0
        };
        let newlines = rest[..skipped.max(c.len_utf8())].matches('\n').count();
        line += newlines;
        if skipped == 0 {
            code.push(c);
            rest = &rest[c.len_utf8()..];
        } else {
            code.extend(std::iter::repeat_n('\n', newlines));
            rest = &rest[skipped..];
        }
    }
    (code, strings)
}

fn block_comment(rest: &str) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < rest.len() {
        if rest[at..].starts_with("/*") {
            (depth, at) = (depth + 1, at + 2);
        } else if rest[at..].starts_with("*/") {
            (depth, at) = (depth - 1, at + 2);
        } else {
            at += rest[at..].chars().next().map_or(1, char::len_utf8);
        }
        if depth == 0 {
            break;
        }
    }
    at
}

/// The number of `#` of a raw string that begins here.
fn raw_hashes(rest: &str) -> Option<usize> {
    let after = rest.strip_prefix("br").or_else(|| rest.strip_prefix('r'))?;
    let hashes = after.len() - after.trim_start_matches('#').len();
    after[hashes..].starts_with('"').then_some(hashes)
}

/// Length and content of the string that begins here.
fn string(rest: &str) -> (usize, String) {
    if let Some(hashes) = raw_hashes(rest) {
        let start = rest.find('"').expect("a raw string has one") + 1;
        let end_mark = format!("\"{}", "#".repeat(hashes));
        let length = rest[start..].find(&end_mark).unwrap_or(rest.len() - start);
        return ((start + length + end_mark.len()).min(rest.len()), rest[start..start + length].to_owned());
    }
    let mut escaped = false;
    for (i, c) in rest.char_indices().skip(1) {
        match c {
            '"' if !escaped => return (i + 1, rest[1..i].to_owned()),
            '\\' => escaped = !escaped,
            _ => escaped = false,
        }
    }
    (rest.len(), rest[1..].to_owned())
}

/// The length of the character literal that begins here; 0 for a lifetime.
fn character(rest: &str) -> usize {
    let mut chars = rest.char_indices().skip(1);
    match (chars.next(), chars.next()) {
        (Some((_, '\\')), Some((i, _))) => rest[i + 1..].find('\'').map_or(0, |end| i + 1 + end + 1),
        (Some(_), Some((i, '\''))) => i + 1,
        _ => 0,
    }
}
