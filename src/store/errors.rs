//! SQLite's and the file system's errors as the two that matter to a stage: may it work later or not. Fatal ones say the way out.

use std::io;
use std::path::Path;

use rusqlite::ErrorCode;

use crate::pipeline::ports::StoreError;

/// An error while working with an open store.
pub(super) fn sql(error: &rusqlite::Error) -> StoreError {
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => StoreError::Full(
            "the store cannot grow: the disk or the store's quota is full; free space in the data folder or raise the quota"
                .to_owned(),
        ),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked | ErrorCode::SystemIoFailure | ErrorCode::CannotOpen) => {
            StoreError::Transient(format!("the store does not answer now: {error}"))
        }
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => StoreError::Fatal(format!(
            "the store cannot be written: {error}; make the data folder writable for the user that runs lightbar"
        )),
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => StoreError::Fatal(format!(
            "the store is damaged: {error}; stop lightbar; `lightbar store check` says what is damaged, `lightbar store repair` \
             makes a new store of what can be read"
        )),
        _ => StoreError::Fatal(format!("the store failed: {error}")),
    }
}

/// An error while opening the database file: always fatal, with its path.
pub(super) fn at_open(path: &Path, error: &rusqlite::Error) -> StoreError {
    let shown = path.display();
    StoreError::Fatal(match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => format!(
            "{shown} is damaged or not a lightbar store: {error}; move it (and {shown}-wal, {shown}-shm) away and put a backup in its \
             place, or let `lightbar store repair` make a new store of what can be read"
        ),
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied | ErrorCode::CannotOpen) => format!(
            "{shown} cannot be opened for writing: {error}; make it and its folder writable for the user that runs lightbar"
        ),
        Some(ErrorCode::DiskFull) => format!("{shown} cannot be written: the disk is full; free space there"),
        _ => format!("{shown} cannot be opened: {error}"),
    })
}

/// A store that SQLite finds damaged: fatal, with what it says and the ways out.
pub(super) fn damaged(path: &Path, said: &str) -> StoreError {
    let (shown, folder) = (path.display(), path.parent().unwrap_or(Path::new(".")).display());
    StoreError::Fatal(format!(
        "{shown} is damaged: {said}; `lightbar store check` says all of it, `lightbar store repair` makes a new store of what can be \
         read and keeps this one beside it, and the newest copy in {folder}/backups may be put in its place"
    ))
}

/// An error with the data folder itself.
pub(super) fn folder(dir: &Path, error: &io::Error) -> StoreError {
    let shown = dir.display();
    let way_out = match error.kind() {
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            "make it writable for the user that runs lightbar, or name another folder"
        }
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "free space there, or name another folder",
        io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists => "a file is in its place; name a folder",
        _ => "name a folder that can be written",
    };
    StoreError::Fatal(format!("the data folder {shown} cannot be used: {error}; {way_out}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(code: i32) -> StoreError {
        sql(&rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(code), None))
    }

    #[test]
    fn what_may_pass_is_transient_and_what_will_not_is_fatal() {
        assert!(matches!(failure(rusqlite::ffi::SQLITE_FULL), StoreError::Full(_)));
        for code in [rusqlite::ffi::SQLITE_BUSY, rusqlite::ffi::SQLITE_IOERR] {
            assert!(matches!(failure(code), StoreError::Transient(_)), "{code}");
        }
        for code in [rusqlite::ffi::SQLITE_READONLY, rusqlite::ffi::SQLITE_CORRUPT, rusqlite::ffi::SQLITE_NOTADB] {
            assert!(matches!(failure(code), StoreError::Fatal(_)), "{code}");
        }
    }

    #[test]
    fn a_read_only_folder_says_what_to_do() {
        let error = folder(Path::new("/data"), &io::Error::from(io::ErrorKind::ReadOnlyFilesystem)).to_string();
        assert!(error.contains("/data") && error.contains("make it writable"), "{error}");
    }
}
