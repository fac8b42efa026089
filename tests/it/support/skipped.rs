//! Tests that lack something say so where nobody can overlook it, and are counted.

use std::fs::File;
use std::io::Write;

/// Says loudly that a test is skipped, and why. Past the test runner's capture, which would keep it from whoever reads the log
/// of a run that passed; and into the file that `LIGHTBAR_SKIPPED` names, by which `make test` counts.
pub(crate) fn skipped(why: &str) {
    let thread = std::thread::current();
    let line = format!("SKIPPED: {}: {why}\n", thread.name().unwrap_or("a test"));
    std::io::stderr().write_all(line.as_bytes()).unwrap();
    if let Some(path) = std::env::var_os("LIGHTBAR_SKIPPED") {
        File::options().create(true).append(true).open(path).unwrap().write_all(line.as_bytes()).unwrap();
    }
}
