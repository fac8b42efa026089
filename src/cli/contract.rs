//! `lightbar contract`: whether what lies in Kafka keeps the contract, and records on which a consumer is tried.

mod check;
mod trial;

use std::process::ExitCode;

use clap::Subcommand;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Judge the records of a topic: headers, schema, ids, order, gaps, repeats.
    #[command(after_help = check::EXAMPLES)]
    Check(check::Args),
    /// Send (or print) what a consumer must survive: repeats, late and expired alerts, gaps, a record from the future.
    #[command(visible_alias = "future", after_help = trial::EXAMPLES)]
    Trial(trial::Args),
}

pub(super) fn run(args: Args) -> anyhow::Result<ExitCode> {
    match args.command {
        Command::Check(args) => check::run(args),
        Command::Trial(args) => trial::run(args),
    }
}
