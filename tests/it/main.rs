//! Integration tests with real parts. One crate, so that it is linked once.
#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr, reason = "a test says what it does by its name")]

mod support;
mod web;
mod browser;
