//! A ZIP file of which every byte is told by what is in it.
//!
//! A ZIP holds much that belongs to no file: times, attributes, versions, gaps, comments, and names and sizes twice. A change there
//! would leave each file as it is and could still show another program other files. So a bundle is written in one form only: entries
//! stored, nothing packed, all of them one behind the other, no times, no attributes, no extras. Who reads it works out the bytes
//! that must stand between the files and compares; what is in the files is found by digests. So each byte is checked, and none twice
//! differently. The form is this file's own and no library's, since a bundle must be readable as the same for many years.

use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};
use std::path::Path;

use super::disk::{Content, digest};
use super::report::Report;

/// Sizes and places have 32 bits, and the number of files 16: any program reads that.
pub(super) const MOST_BYTES: u64 = u32::MAX as u64 - 1;
pub(super) const MOST_FILES: usize = u16::MAX as usize - 1;

const END_BYTES: usize = 22;
const CENTRAL_BYTES: usize = 46;
/// A JSON file is read whole; none that is written here comes near it.
const MOST_TEXT: u64 = 64 << 20;

/// A file in a ZIP, without its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) size: u32,
    pub(super) crc: u32,
}

impl Entry {
    /// What both of its headers say.
    fn in_both(&self) -> Vec<u8> {
        let mut out = Vec::new();
        // Version 2.0, names in UTF-8, stored, 1980-01-01 00:00: the time of nothing.
        for word in [20_u16, 0x0800, 0, 0, 0x0021] {
            out.extend(word.to_le_bytes());
        }
        for word in [self.crc, self.size, self.size] {
            out.extend(word.to_le_bytes());
        }
        out.extend((self.name.len() as u16).to_le_bytes());
        out.extend([0; 2]);
        out
    }

    fn local(&self) -> Vec<u8> {
        [b"PK\x03\x04".as_slice(), &self.in_both(), self.name.as_bytes()].concat()
    }

    fn central(&self, offset: u32) -> Vec<u8> {
        [b"PK\x01\x02\x14\x00".as_slice(), &self.in_both(), &[0; 10], &offset.to_le_bytes(), self.name.as_bytes()]
            .concat()
    }
}

fn end(files: usize, central: usize, offset: u64) -> Vec<u8> {
    let count = (files as u16).to_le_bytes();
    let (central, offset) = ((central as u32).to_le_bytes(), (offset as u32).to_le_bytes());
    [b"PK\x05\x06\0\0\0\0".as_slice(), &count, &count, &central, &offset, &[0; 2]].concat()
}

/// All that must stand behind the files.
fn tail(entries: &[Entry]) -> (u64, Vec<u8>) {
    let (mut at, mut central) = (0_u64, Vec::new());
    for entry in entries {
        central.extend(entry.central(at as u32));
        at += entry.local().len() as u64 + u64::from(entry.size);
    }
    let end = end(entries.len(), central.len(), at);
    central.extend(end);
    (at, central)
}

/// Writes one.
pub(super) struct Writer<W> {
    out: W,
    entries: Vec<Entry>,
}

impl<W: Write> Writer<W> {
    pub(super) fn new(out: W) -> Self {
        Self { out, entries: Vec::new() }
    }

    /// Adds a file that was looked at before: it must still be what it was.
    pub(super) fn add(&mut self, entry: Entry, from: impl Read) -> io::Result<Content> {
        self.out.write_all(&entry.local())?;
        let mut crc = Crc::new();
        let content = digest(from, |part| {
            crc.add(part);
            self.out.write_all(part)
        })?;
        if content.size != u64::from(entry.size) || crc.value() != entry.crc {
            return Err(io::Error::other(format!("{} changed while it was read", entry.name)));
        }
        self.entries.push(entry);
        Ok(content)
    }

    pub(super) fn finish(mut self) -> io::Result<W> {
        self.out.write_all(&tail(&self.entries).1)?;
        self.out.flush()?;
        Ok(self.out)
    }
}

/// A file that was read.
pub(super) struct Item {
    pub(super) name: String,
    pub(super) content: Content,
    /// All of it, where its name ends in `.json`.
    pub(super) text: Option<Vec<u8>>,
}

/// Reads all files of a ZIP of this form. What breaks its form is noted; where it is so broken that files cannot be told from each
/// other, there are none.
pub(super) fn read(from: impl Read + Seek, report: &mut Report) -> io::Result<Vec<Item>> {
    let mut file = BufReader::with_capacity(128 * 1024, from);
    let length = file.seek(SeekFrom::End(0))?;
    let entries = match contents(&mut file, length)? {
        Ok(entries) => entries,
        Err(problem) => {
            report.found("the ZIP itself", format!("{problem}; cut off, changed, or packed again by another program"));
            return Ok(Vec::new());
        }
    };
    file.rewind()?;
    let mut items = Vec::new();
    for entry in entries {
        compare(&mut file, &entry.local(), &format!("{} (its header in the ZIP)", entry.name), report)?;
        let (mut crc, mut text) = (Crc::new(), Vec::new());
        let is_text =
            Path::new(&entry.name).extension().is_some_and(|e| e == "json") && u64::from(entry.size) <= MOST_TEXT;
        let content = digest((&mut file).take(u64::from(entry.size)), |part| {
            crc.add(part);
            if is_text {
                text.extend_from_slice(part);
            }
            Ok(())
        })?;
        if crc.value() != entry.crc {
            report.found(&entry.name, format!("has CRC-32 {:08x}, wants {:08x}", crc.value(), entry.crc));
        }
        items.push(Item { name: entry.name, content, text: is_text.then_some(text) });
    }
    Ok(items)
}

/// The files that the ZIP's end tells of, when all of that end is as it must be.
fn contents(file: &mut (impl Read + Seek), length: u64) -> io::Result<Result<Vec<Entry>, String>> {
    if length < END_BYTES as u64 {
        return Ok(Err(format!("has {length} bytes, wants {END_BYTES} at least")));
    }
    let mut last = [0; END_BYTES];
    file.seek(SeekFrom::Start(length - END_BYTES as u64))?;
    file.read_exact(&mut last)?;
    let size = u64::from(word(&last, 12));
    let start = u64::from(word(&last, 16));
    if !last.starts_with(b"PK\x05\x06") || start + size + END_BYTES as u64 != length {
        return Ok(Err("does not end as it must".to_owned()));
    }
    let mut found = vec![0; (length - start) as usize];
    file.seek(SeekFrom::Start(start))?;
    file.read_exact(&mut found)?;
    let (mut entries, mut rest) = (Vec::new(), &found[..size as usize]);
    while !rest.is_empty() {
        let name_bytes = rest.get(28..30).map_or(0, |n| usize::from(u16::from_le_bytes([n[0], n[1]])));
        let name = rest.get(CENTRAL_BYTES..CENTRAL_BYTES + name_bytes).and_then(|name| std::str::from_utf8(name).ok());
        let Some(name) = name else {
            return Ok(Err(format!("has a list of files that cannot be read at file {}", entries.len() + 1)));
        };
        entries.push(Entry { name: name.to_owned(), size: word(rest, 24), crc: word(rest, 16) });
        rest = &rest[CENTRAL_BYTES + name_bytes..];
    }
    let (at, wanted) = tail(&entries);
    if at != start || wanted.len() != found.len() {
        return Ok(Err(format!("has files to byte {start}, wants them to byte {at}")));
    }
    if let Some(differs) = wanted.iter().zip(&found).position(|(a, b)| a != b) {
        return Ok(Err(format!("has a list of files that differs from its form at byte {}", start + differs as u64)));
    }
    Ok(Ok(entries))
}

fn word(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..at + 4).and_then(|four| four.try_into().ok()).map_or(0, u32::from_le_bytes)
}

fn compare(file: &mut impl Read, wanted: &[u8], place: &str, report: &mut Report) -> io::Result<()> {
    let mut got = Vec::new();
    file.take(wanted.len() as u64).read_to_end(&mut got)?;
    if got != wanted {
        let at = got.iter().zip(wanted).take_while(|(a, b)| a == b).count();
        let (got, wants) = (got.get(at), wanted.get(at));
        report.found(place, format!("differs from its form at its byte {at}: got {got:02x?}, wants {wants:02x?}"));
    }
    Ok(())
}

/// CRC-32 of ZIP: it finds accidents only, and every ZIP has it.
pub(super) struct Crc(u32);

impl Crc {
    pub(super) fn new() -> Self {
        Self(u32::MAX)
    }

    pub(super) fn add(&mut self, data: &[u8]) {
        for byte in data {
            self.0 = self.0 >> 8 ^ TABLE[usize::from(self.0 as u8 ^ byte)];
        }
    }

    pub(super) fn value(&self) -> u32 {
        !self.0
    }
}

const TABLE: [u32; 256] = {
    let (mut table, mut i) = ([0; 256], 0);
    while i < 256 {
        let (mut value, mut bit) = (i as u32, 0);
        while bit < 8 {
            value = if value & 1 == 1 { value >> 1 ^ 0xedb8_8320 } else { value >> 1 };
            bit += 1;
        }
        table[i] = value;
        i += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_check_value_of_crc_32() {
        let mut crc = Crc::new();
        crc.add(b"123456789");
        assert_eq!(crc.value(), 0xcbf4_3926);
    }
}
