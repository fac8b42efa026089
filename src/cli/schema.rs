//! `lightbar schema`: what Lightbar publishes, as JSON schema, from the binary that publishes it.

use std::io::Write;
use std::process::ExitCode;

use anyhow::Context;
use clap::builder::PossibleValuesParser;

use crate::contract::schema;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  lightbar schema alert            the strict schema: what Lightbar promises to send
  lightbar schema alert-open       the open schema: what a consumer should check against
  lightbar schema --list           all of them, with what they are for")]
pub(super) struct Args {
    /// Which schema.
    #[arg(value_parser = PossibleValuesParser::new(schema::ALL.iter().map(|published| published.name)), default_value = "alert")]
    name: String,
    /// List the schemas instead.
    #[arg(long)]
    list: bool,
}

pub(super) fn run(args: Args) -> anyhow::Result<ExitCode> {
    let Args { name, list } = args;
    let mut out = std::io::stdout().lock();
    if list {
        for published in schema::ALL {
            writeln!(out, "{:<28} {}", published.name, published.about)?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    let published = schema::named(&name).context("a name that clap let through is published")?;
    out.write_all(published.text.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}
