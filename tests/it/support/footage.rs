//! Where the test footage is.

use super::skipped::skipped;
use std::path::{Path, PathBuf};

/// A file of the test data: below `LIGHTBAR_TEST_DATA`, or in `../shared/data` beside the repository. Where it is absent, says so
/// loudly; the test then ends.
pub(crate) fn footage(name: &str) -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data");
    let file = std::env::var_os("LIGHTBAR_TEST_DATA").map_or_else(beside, PathBuf::from).join(name);
    if file.exists() {
        return Some(file);
    }
    skipped(&format!("{} is not there; set LIGHTBAR_TEST_DATA to the folder with the test data", file.display()));
    None
}
