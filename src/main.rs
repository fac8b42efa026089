//! `lightbar`: see `lightbar --help`.

use std::process::ExitCode;

use clap::Parser;

fn main() -> anyhow::Result<ExitCode> {
    lightbar::cli::Cli::parse().run()
}
