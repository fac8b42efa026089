//! `lightbar`: see `lightbar --help`.

use std::process::ExitCode;

fn main() -> ExitCode {
    lightbar::cli::main()
}
