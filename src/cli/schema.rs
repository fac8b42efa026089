//! `lightbar schema`: what Lightbar publishes, as JSON schema, from the binary that publishes it.

use std::io::Write;
use std::process::ExitCode;

use anyhow::Context;
use clap::builder::PossibleValuesParser;

use crate::contract::{asyncapi, schema};

/// The one name beside the schemas'.
const ASYNCAPI: &str = "asyncapi";

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  lightbar schema alert            the strict schema: what Lightbar promises to send
  lightbar schema alert-open       the open schema: what a consumer should check against
  lightbar schema asyncapi         every topic with key, headers and payload, as an AsyncAPI 3 document
  lightbar schema --list           all of them, with what they are for")]
pub(super) struct Args {
    /// Which schema.
    #[arg(value_parser = PossibleValuesParser::new(schema::ALL.iter().map(|published| published.name).chain([ASYNCAPI])), default_value = "alert")]
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
        writeln!(out, "{ASYNCAPI:<28} every topic with key, headers and payload, as an AsyncAPI 3 document")?;
        return Ok(ExitCode::SUCCESS);
    }
    if name == ASYNCAPI {
        out.write_all(asyncapi::PUBLISHED.as_bytes())?;
        return Ok(ExitCode::SUCCESS);
    }
    let published = schema::named(&name).context("a name that clap let through is published")?;
    out.write_all(published.text.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}
