//! The command line: one file per command. Only here, in `main` and in `app` is `anyhow` used.

mod run;
mod check;
mod demo;
mod feed;
mod reload;
mod blind;
mod replay;
mod detect;
mod track;
mod model;
mod schema;
mod completions;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Watches RTSP cameras and publishes structured alerts to Kafka.
#[derive(Debug, Parser)]
#[command(name = "lightbar", version, propagate_version = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the service.
    Run(run::Args),
    /// Check a configuration and print what would run.
    Check(check::Args),
    /// Run the built-in street with everything: cameras, broker, page.
    Demo(demo::Args),
    /// Watch alerts in the terminal.
    Feed(feed::Args),
    /// Make a running service read its configuration again.
    Reload(reload::Args),
    /// List when which camera was not seen, and why.
    Blind(blind::Args),
    /// Send a video file through the line instead of a camera.
    Replay(replay::Args),
    /// Detect objects on pictures, as COCO results.
    Detect(detect::Args),
    /// Track MOTChallenge detections.
    Track(track::Args),
    /// List, show, check and fetch models.
    Model(model::Args),
    /// Print the schema of what Lightbar publishes.
    Schema(schema::Args),
    /// Print a completion script for a shell.
    Completions(completions::Args),
}

impl Cli {
    /// Runs the command.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        match self.command {
            Command::Run(args) => run::run(args),
            Command::Check(args) => check::run(args),
            Command::Demo(args) => demo::run(args),
            Command::Feed(args) => feed::run(args),
            Command::Reload(args) => reload::run(args),
            Command::Blind(args) => blind::run(args),
            Command::Replay(args) => replay::run(args),
            Command::Detect(args) => detect::run(args),
            Command::Track(args) => track::run(args),
            Command::Model(args) => model::run(args),
            Command::Schema(args) => schema::run(args),
            Command::Completions(args) => completions::run(args),
        }
    }
}
