//! The command line: one file per command. Only here, in `main` and in `app` is `anyhow` used.

mod run;
mod check;
mod demo;
mod feed;
mod reload;
mod blind;
mod store;
mod evidence;
mod desk;
mod alert;
mod dispatch;
mod replay;
mod score;
mod explain;
mod detect;
mod track;
mod model;
mod schema;
mod contract;
mod completions;
mod kafka;
mod resend;
mod street;
mod drill;
mod examples;

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

use clap::builder::Styles;
use clap::builder::styling::AnsiColor;
use clap::{Parser, Subcommand};

use crate::config::ConfigErrors;
use crate::score::Mistakes;

/// Wrong configuration or command line (clap's own too).
const EXIT_WRONG: u8 = 2;

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().bold())
    .usage(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default().bold())
    .placeholder(AnsiColor::Cyan.on_default());

/// Watches RTSP cameras and publishes structured alerts to Kafka.
#[derive(Debug, Parser)]
#[command(name = "lightbar", version, propagate_version = true, styles = STYLES, after_help = examples::LIGHTBAR)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the service.
    #[command(after_help = examples::RUN)]
    Run(run::Args),
    /// Check a configuration and print what would run.
    #[command(after_help = examples::CHECK)]
    Check(check::Args),
    /// Run the built-in street with everything: cameras, broker, page.
    #[command(after_help = examples::DEMO)]
    Demo(demo::Args),
    /// Watch alerts in the terminal.
    #[command(after_help = examples::FEED)]
    Feed(feed::Args),
    /// Make a running service read its configuration again.
    #[command(after_help = examples::RELOAD)]
    Reload(reload::Args),
    /// Arm rules of a running service: what they notice is an alert.
    #[command(after_help = examples::ARM)]
    Arm(desk::ArmArgs),
    /// Disarm rules of a running service: they record, and disturb nobody.
    #[command(after_help = examples::DISARM)]
    Disarm(desk::DisarmArgs),
    /// Watch a standing thing: its removal is an alert, whatever its rule says.
    #[command(after_help = examples::WATCH)]
    Watch(desk::WatchArgs),
    /// Watch a thing no longer.
    #[command(after_help = examples::UNWATCH)]
    Unwatch(desk::UnwatchArgs),
    /// Do something with an alert of a running service, or show what was done with it.
    #[command(after_help = examples::ALERT)]
    Alert(alert::Args),
    /// Play the other end: a patrol system.
    #[command(after_help = examples::DISPATCH_SIMULATE)]
    Dispatch(dispatch::Args),
    /// List when which camera was not seen, and why.
    #[command(after_help = examples::BLIND)]
    Blind(blind::Args),
    /// Look after the store: info, check, export, repair, backup.
    #[command(after_help = examples::STORE)]
    Store(store::Args),
    /// List, verify and hand out evidence.
    #[command(after_help = examples::EVIDENCE)]
    Evidence(evidence::Args),
    /// Send a video file through the line instead of a camera.
    #[command(after_help = examples::REPLAY)]
    Replay(replay::Args),
    /// Score alerts against what really happened, or compare two sets of alerts.
    #[command(after_help = examples::SCORE)]
    Score(score::Args),
    /// Say why an alert was raised.
    #[command(after_help = examples::EXPLAIN)]
    Explain(explain::Args),
    /// Detect objects on pictures, as COCO results.
    #[command(after_help = examples::DETECT)]
    Detect(detect::Args),
    /// Track `MOTChallenge` detections.
    #[command(after_help = examples::TRACK)]
    Track(track::Args),
    /// List, show, check and fetch models.
    #[command(after_help = examples::MODEL)]
    Model(model::Args),
    /// Print the schema of what Lightbar publishes.
    #[command(after_help = examples::SCHEMA)]
    Schema(schema::Args),
    /// Check records in Kafka against the contract; try a consumer on what it must survive.
    #[command(after_help = examples::CONTRACT)]
    Contract(contract::Args),
    /// Make or check Kafka's topics.
    #[command(after_help = examples::KAFKA_TOPICS)]
    Kafka(kafka::Args),
    /// Send stored alerts to Kafka again.
    #[command(after_help = examples::RESEND)]
    Resend(resend::Args),
    /// Print a completion script for a shell.
    #[command(after_help = examples::COMPLETIONS)]
    Completions(completions::Args),
    /// The demo's street on its own.
    #[command(hide = true)]
    Street(street::Args),
    /// The service with a scripted source instead of cameras.
    #[command(hide = true)]
    Drill(drill::Args),
}

/// The program: parses the command line, runs the command, tells what went wrong.
pub fn main() -> ExitCode {
    Cli::parse().run().unwrap_or_else(|error| tell(&error))
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
            Command::Arm(args) => desk::arm(args),
            Command::Disarm(args) => desk::disarm(args),
            Command::Watch(args) => desk::watch(args),
            Command::Unwatch(args) => desk::unwatch(args),
            Command::Alert(args) => alert::run(args),
            Command::Dispatch(args) => dispatch::run(args),
            Command::Blind(args) => blind::run(args),
            Command::Store(args) => store::run(args),
            Command::Evidence(args) => evidence::run(args),
            Command::Replay(args) => replay::run(args),
            Command::Score(args) => score::run(args),
            Command::Explain(args) => explain::run(args),
            Command::Detect(args) => detect::run(args),
            Command::Track(args) => track::run(args),
            Command::Model(args) => model::run(args),
            Command::Schema(args) => schema::run(args),
            Command::Contract(args) => contract::run(args),
            Command::Kafka(args) => kafka::run(args),
            Command::Resend(args) => resend::run(args),
            Command::Completions(args) => completions::run(args),
            Command::Street(args) => street::run(args),
            Command::Drill(args) => drill::run(args),
        }
    }
}

/// Prints the error and its causes; gives the exit status.
fn tell(error: &anyhow::Error) -> ExitCode {
    // `lightbar ... | head` is no failure.
    let pipe_closed = error.chain().filter_map(|cause| cause.downcast_ref::<io::Error>()).any(is_broken_pipe);
    if pipe_closed {
        return ExitCode::SUCCESS;
    }
    let (mut text, status, count) = match (error.downcast_ref::<ConfigErrors>(), error.downcast_ref::<Mistakes>()) {
        (Some(errors), _) => (errors.with_snippets(), ExitCode::from(EXIT_WRONG), errors.0.len()),
        (None, Some(mistakes)) => (mistakes.to_string(), ExitCode::from(EXIT_WRONG), mistakes.count()),
        (None, None) => (error.to_string(), ExitCode::FAILURE, 1),
    };
    if status == ExitCode::FAILURE {
        for cause in error.chain().skip(1) {
            text += "\n  because: ";
            text += &cause.to_string();
        }
    }
    let title = if count == 1 { "error".to_owned() } else { format!("{count} errors") };
    let mut stderr = io::stderr().lock();
    let (red, plain) = if stderr.is_terminal() && std::env::var_os("NO_COLOR").is_none() {
        ("\x1b[1;31m", "\x1b[0m")
    } else {
        ("", "")
    };
    let separator = if status == ExitCode::FAILURE { " " } else { "\n" };
    match writeln!(stderr, "{red}{title}:{plain}{separator}{text}") {
        // Where not even standard error can be written, the exit status is all that is left.
        Ok(()) | Err(_) => status,
    }
}

fn is_broken_pipe(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::BrokenPipe
}
