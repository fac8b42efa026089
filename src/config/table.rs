//! How every concern reads its table: typed getters that note what is wrong and go on, so that all errors come at once.
//!
//! A getter gives `None` where the key is absent and where it is wrong; the caller takes a default and need not care which,
//! since one noted error is enough for the whole to be refused.

use std::cell::RefCell;
use std::fmt::Display;
use std::ops::{Range, RangeInclusive};
use std::path::PathBuf;
use std::time::Duration;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::error::ConfigError;
use super::source::SourceFile;
use crate::domain::geometry::Point;

/// What all tables of one load share.
pub(super) struct Reader<'a> {
    pub(super) environment: &'a dyn Fn(&str) -> Option<String>,
    pub(super) errors: RefCell<Vec<ConfigError>>,
}

/// One table of one file.
pub(super) struct Table<'a> {
    reader: &'a Reader<'a>,
    file: &'a SourceFile,
    span: Range<usize>,
    /// How errors call it: `camera[gate-north]`.
    name: String,
    entries: &'a DeTable<'a>,
    keys: &'static [&'static str],
}

impl<'a> Table<'a> {
    /// The top of a file. Notes each key that is not among `keys`.
    pub(super) fn top(
        reader: &'a Reader<'a>,
        file: &'a SourceFile,
        entries: &'a DeTable<'a>,
        keys: &'static [&'static str],
    ) -> Self {
        let table = Self { reader, file, span: 0..0, name: String::new(), entries, keys };
        table.note_unknown_keys();
        table
    }

    /// Where the table begins, for what speaks of another file: `b.toml:3`.
    pub(super) fn place(&self) -> String {
        format!("{}:{}", self.file.name, self.file.place(self.span.clone()).line)
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.entries.contains_key(key)
    }

    /// The text of the key `id`, whether it makes a good id or not.
    pub(super) fn id(&self) -> Option<&'a str> {
        self.entries.get("id")?.get_ref().as_str()
    }

    pub(super) fn environment(&self, variable: &str) -> Option<String> {
        (self.reader.environment)(variable)
    }

    // ------------------------------------------------------------ noting what is wrong

    /// Notes that the value of `key` is wrong (or, where there is none, the table).
    pub(super) fn wrong<T>(&self, key: &str, message: &str) -> Option<T> {
        let span = self.entries.get(key).map_or_else(|| self.span.clone(), Spanned::span);
        self.note(span, &self.key(key), message);
        None
    }

    /// Notes that the table as such is wrong.
    pub(super) fn itself_wrong(&self, message: &str) {
        self.note(self.span.clone(), &self.name, message);
    }

    /// Notes that `key` is missing.
    pub(super) fn missing<T>(&self, key: &str, wants: &str) -> Option<T> {
        // A key that is there but wrong has been noted already.
        if !self.has(key) {
            self.note(self.span.clone(), &self.key(key), &format!("missing, wants {wants}"));
        }
        None
    }

    /// Notes that the list `key` is missing or has nothing in it.
    pub(super) fn missing_or_empty(&self, key: &str, wants: &str) {
        let Some(value) = self.entries.get(key) else {
            return self.note(self.span.clone(), &self.key(key), &format!("missing, wants {wants}"));
        };
        if value.get_ref().as_array().is_some_and(|items| items.is_empty()) {
            self.note(value.span(), &self.key(key), &format!("got an empty list, wants {wants}"));
        }
    }

    fn note(&self, span: Range<usize>, key: &str, message: &str) {
        self.reader.errors.borrow_mut().push(ConfigError::at(self.file, span, key, message));
    }

    fn key(&self, key: &str) -> String {
        if self.name.is_empty() { key.to_owned() } else { format!("{}.{key}", self.name) }
    }

    fn note_unknown_keys(&self) {
        for key in self.entries.keys() {
            let name = key.get_ref().as_ref();
            if self.keys.contains(&name) {
                continue;
            }
            let hint = if matches!(name, "password" | "pass" | "pwd") && self.keys.contains(&super::secret::ENV) {
                "passwords are not written into the file; wants password_env (a variable's name) or password_file"
                    .to_owned()
            } else {
                unknown("key", name, self.keys)
            };
            self.note(key.span(), &self.key(name), &hint);
        }
    }

    /// Notes each key that is known but means nothing here, e.g. to a rule of this kind.
    pub(super) fn note_useless_keys(&self, useful: impl Fn(&str) -> bool, here: &str) {
        for key in self.entries.keys() {
            let name = key.get_ref().as_ref();
            if self.keys.contains(&name) && !useful(name) {
                self.note(key.span(), &self.key(name), &format!("means nothing to {here}; remove it"));
            }
        }
    }

    // ------------------------------------------------------------ values

    fn value(&self, key: &str) -> Option<&'a DeValue<'a>> {
        debug_assert!(self.keys.contains(&key), "{key} is read but not listed");
        self.entries.get(key).map(Spanned::get_ref)
    }

    fn mismatch<T>(&self, key: &str, got: &DeValue<'_>, wants: &str) -> Option<T> {
        self.wrong(key, &format!("got {}, wants {wants}", shown(got)))
    }

    pub(super) fn flag(&self, key: &str) -> Option<bool> {
        match self.value(key)? {
            DeValue::Boolean(value) => Some(*value),
            other => self.mismatch(key, other, "true or false"),
        }
    }

    pub(super) fn text(&self, key: &str) -> Option<&'a str> {
        match self.value(key)? {
            DeValue::String(text) if !text.trim().is_empty() => Some(text.as_ref()),
            other => self.mismatch(key, other, "a text"),
        }
    }

    pub(super) fn owned(&self, key: &str) -> Option<String> {
        self.text(key).map(str::to_owned)
    }

    /// A path; a relative one starts at the file's own folder.
    pub(super) fn path(&self, key: &str) -> Option<PathBuf> {
        self.text(key).map(|text| self.file.folder.join(text))
    }

    pub(super) fn parsed<T, E: Display>(&self, key: &str, parse: impl Fn(&str) -> Result<T, E>) -> Option<T> {
        parse(self.text(key)?).map_err(|e| self.wrong::<()>(key, &e.to_string())).ok()
    }

    pub(super) fn choice<T: Copy>(&self, key: &str, choices: &[(&'static str, T)]) -> Option<T> {
        let text = self.text(key)?;
        match choices.iter().find(|(name, _)| *name == text) {
            Some((_, value)) => Some(*value),
            None => self.wrong(key, &not_among(text, choices)),
        }
    }

    pub(super) fn number(&self, key: &str, range: RangeInclusive<f64>) -> Option<f64> {
        let value = self.value(key)?;
        match as_number(value).filter(|number| range.contains(number)) {
            Some(number) => Some(number),
            None => self.mismatch(key, value, &format!("a number from {} to {}", range.start(), range.end())),
        }
    }

    pub(super) fn whole(&self, key: &str, range: RangeInclusive<u32>) -> Option<u32> {
        let value = self.value(key)?;
        let number = match value {
            DeValue::Integer(n) => u32::from_str_radix(n.as_str(), n.radix()).ok(),
            _ => None,
        };
        match number.filter(|number| range.contains(number)) {
            Some(number) => Some(number),
            None => self.mismatch(key, value, &format!("a whole number from {} to {}", range.start(), range.end())),
        }
    }

    pub(super) fn seconds(&self, key: &str, range: RangeInclusive<f64>) -> Option<Duration> {
        self.number(key, range).map(Duration::from_secs_f64)
    }

    fn array(&self, key: &str, wants: &str) -> Option<&'a [Spanned<DeValue<'a>>]> {
        match self.value(key)? {
            DeValue::Array(items) => Some(items.as_ref()),
            other => self.mismatch(key, other, wants),
        }
    }

    /// A list whose items are all parsed; each wrong one is noted at its own place.
    pub(super) fn list<T, E: Display>(&self, key: &str, parse: impl Fn(&str) -> Result<T, E>) -> Option<Vec<T>> {
        let items = self.array(key, "a list of texts")?;
        let mut out = Vec::with_capacity(items.len());
        for (i, item) in items.iter().enumerate() {
            let parsed = match item.get_ref() {
                DeValue::String(text) => parse(text).map_err(|e| e.to_string()),
                other => Err(format!("got {}, wants a text", shown(other))),
            };
            match parsed {
                Ok(value) => out.push(value),
                Err(message) => self.note(item.span(), &format!("{}[{}]", self.key(key), i + 1), &message),
            }
        }
        (out.len() == items.len()).then_some(out)
    }

    /// A list of `[x, y]`.
    pub(super) fn points(&self, key: &str) -> Option<Vec<Point>> {
        const WANTS: &str = "a list of points [x, y], each 0..1 of the picture's width and height";
        self.points_of(self.array(key, WANTS)?, &self.key(key), WANTS)
    }

    /// A list of rows of so many numbers.
    pub(super) fn rows<const N: usize>(&self, key: &str, wants: &str) -> Option<Vec<[f64; N]>> {
        let items = self.array(key, wants)?;
        let mut rows = Vec::with_capacity(items.len());
        for (i, item) in items.iter().enumerate() {
            let Some(row) = as_row::<N>(item.get_ref()) else {
                let message = format!("got {} as point {}, wants {wants}", shown(item.get_ref()), i + 1);
                self.note(item.span(), &self.key(key), &message);
                return None;
            };
            rows.push(row);
        }
        Some(rows)
    }

    /// A list of so many numbers.
    pub(super) fn numbers<const N: usize>(&self, key: &str, wants: &str) -> Option<[f64; N]> {
        let value = self.value(key)?;
        as_row::<N>(value).or_else(|| self.mismatch(key, value, wants))
    }

    /// A list of lists of `[x, y]`.
    pub(super) fn point_lists(&self, key: &str) -> Option<Vec<Vec<Point>>> {
        const WANTS: &str =
            "a list of polygons, each a list of points [x, y], each 0..1 of the picture's width and height";
        let items = self.array(key, WANTS)?;
        let mut lists = Vec::with_capacity(items.len());
        for (i, item) in items.iter().enumerate() {
            let name = format!("{}[{}]", self.key(key), i + 1);
            match item.get_ref() {
                DeValue::Array(points) => lists.extend(self.points_of(points.as_ref(), &name, WANTS)),
                other => self.note(item.span(), &name, &format!("got {}, wants {WANTS}", shown(other))),
            }
        }
        (lists.len() == items.len()).then_some(lists)
    }

    fn points_of(&self, items: &[Spanned<DeValue<'_>>], name: &str, wants: &str) -> Option<Vec<Point>> {
        let points: Vec<Point> = items.iter().filter_map(|item| as_point(item.get_ref())).collect();
        if points.len() < items.len() {
            let wrong = items.iter().position(|item| as_point(item.get_ref()).is_none()).unwrap_or_default();
            let message = format!("got {} as point {}, wants {wants}", shown(items[wrong].get_ref()), wrong + 1);
            self.note(items[wrong].span(), name, &message);
            return None;
        }
        Some(points)
    }

    // ------------------------------------------------------------ tables within

    /// The table `key`.
    pub(super) fn table(&self, key: &str, keys: &'static [&'static str]) -> Option<Self> {
        match self.value(key)? {
            DeValue::Table(entries) => Some(self.open(entries, self.entries.get(key)?.span(), self.key(key), keys)),
            other => self.mismatch(key, other, &format!("a table, [{}]", self.key(key))),
        }
    }

    /// The tables of `[[key]]`; called by their `id` where it can be read, else by their number.
    pub(super) fn tables(&self, key: &str, keys: &'static [&'static str]) -> Vec<Self> {
        let wants = format!("tables, each [[{key}]]");
        let Some(items) = self.array(key, &wants) else { return Vec::new() };
        let mut out = Vec::with_capacity(items.len());
        for (i, item) in items.iter().enumerate() {
            let DeValue::Table(entries) = item.get_ref() else {
                self.note(item.span(), &self.key(key), &format!("got {}, wants {wants}", shown(item.get_ref())));
                continue;
            };
            let id = entries.get("id").and_then(|id| id.get_ref().as_str());
            let label = id.map_or_else(|| (i + 1).to_string(), str::to_owned);
            out.push(self.open(entries, item.span(), format!("{}[{label}]", self.key(key)), keys));
        }
        out
    }

    fn open(&self, entries: &'a DeTable<'a>, span: Range<usize>, name: String, keys: &'static [&'static str]) -> Self {
        let table = Self { reader: self.reader, file: self.file, span, name, entries, keys };
        table.note_unknown_keys();
        table
    }
}

/// `unknown zone "yrd", did you mean "yard"?`, or all there are where none is near.
pub(super) fn unknown(what: &str, got: &str, known: &[&str]) -> String {
    let nearest = known
        .iter()
        .map(|name| (strsim::damerau_levenshtein(name, got), name))
        .filter(|(distance, name)| *distance <= 1 + name.len().min(got.len()) / 3)
        .min_by_key(|(distance, _)| *distance);
    match nearest {
        Some((_, name)) => format!("unknown {what} {got:?}, did you mean {name:?}?"),
        None if known.is_empty() => format!("unknown {what} {got:?}; there is none"),
        None => format!("unknown {what} {got:?}, wants one of {}", known.join(", ")),
    }
}

/// The message for a text that is none of the choices.
pub(super) fn not_among<T>(got: &str, choices: &[(&'static str, T)]) -> String {
    let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
    format!("got {got:?}, wants one of {}", names.join(", "))
}

fn as_number(value: &DeValue<'_>) -> Option<f64> {
    match value {
        DeValue::Integer(n) => i64::from_str_radix(n.as_str(), n.radix()).ok().map(|n| n as f64),
        DeValue::Float(x) => x.as_str().parse().ok(),
        _ => None,
    }
}

fn as_point(value: &DeValue<'_>) -> Option<Point> {
    as_row(value).map(|[x, y]| Point::new(x, y))
}

fn as_row<const N: usize>(value: &DeValue<'_>) -> Option<[f64; N]> {
    let DeValue::Array(items) = value else { return None };
    let numbers: Option<Vec<f64>> = items.iter().map(|item| as_number(item.get_ref())).collect();
    numbers?.try_into().ok()
}

/// A value as errors quote it, short.
fn shown(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) if text.chars().count() > 60 => {
            format!("{:?}...", text.chars().take(57).collect::<String>())
        }
        DeValue::String(text) => format!("{text:?}"),
        DeValue::Integer(n) => n.to_string(),
        DeValue::Float(x) => x.to_string(),
        DeValue::Boolean(b) => b.to_string(),
        DeValue::Datetime(moment) => moment.to_string(),
        DeValue::Array(items) => format!("a list of {}", items.len()),
        DeValue::Table(_) => "a table".to_owned(),
    }
}
