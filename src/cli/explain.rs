//! `lightbar explain`: why an alert was raised, in words.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, bail};

use super::feed::line::Language;
use crate::contract::explanation_text::{Tongue, lines};
use crate::contract::{AlertV1, ExplanationV1};
use crate::domain::ids::AlertId;
use crate::store::Reader;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The alert's id, as in the feed and in Kafka.
    #[arg(value_name = "ALERT")]
    alert: String,
    /// The service's configuration, which names its data folder.
    #[arg(long, value_name = "PATH", required_unless_present = "data_dir", conflicts_with = "data_dir")]
    config: Option<PathBuf>,
    /// The service's data folder itself; it may be running.
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Language: zh-CN or en [default: by LANG].
    #[arg(long, value_name = "LANG", value_parser = ["zh-CN", "en"])]
    lang: Option<String>,
    /// The explanation as JSON, as the service's API gives it.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: Args) -> anyhow::Result<ExitCode> {
    let Args { alert, config, data_dir, lang, json } = args;
    let data_dir = match (data_dir, config) {
        (Some(data_dir), _) => data_dir,
        (None, Some(config)) => crate::config::load(&config)?.service.data_dir,
        (None, None) => bail!("name the service's configuration with --config, or its data folder with --data-dir"),
    };
    let id = AlertId::parse(&alert).with_context(|| {
        format!("an alert's id is wanted, such as 0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b, got {alert:?}")
    })?;
    let reader = Reader::open(&data_dir)?;
    let Some(kept) = reader.explanation(id)? else {
        match reader.alert(id)? {
            Some(_) => bail!("alert {id} is recorded, but nothing that explains it: an older lightbar raised it"),
            None => bail!("no alert {id} is recorded in {}", data_dir.display()),
        }
    };
    let mut out = std::io::stdout().lock();
    if json {
        writeln!(out, "{kept}")?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut explanation: ExplanationV1 = serde_json::from_str(&kept).context("the explanation cannot be read")?;
    if let Some(stored) = reader.alert(id)? {
        // An alert that a restart ended has no scene left to tell of it; the alert itself does.
        let last: AlertV1 = serde_json::from_str(&stored.json).context("the alert cannot be read")?;
        explanation.ended_at = explanation.ended_at.or(last.timing.ended_at);
        explanation.end_reason = explanation.end_reason.or(last.end_reason);
    }
    for line in lines(&explanation, tongue(lang.as_deref())) {
        writeln!(out, "{line}")?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The language asked for, or that of the environment.
pub(super) fn tongue(lang: Option<&str>) -> Tongue {
    match lang.map_or_else(Language::of_environment, Language::named) {
        Language::Chinese => Tongue::Chinese,
        Language::English => Tongue::English,
    }
}
