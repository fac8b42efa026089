//! `lightbar alert`: what people do with an alert, over the HTTP interface of a running service.

use std::io::{Write as _, stdout};
use std::process::ExitCode;

use clap::builder::PossibleValuesParser;
use serde_json::{Map, Value};

use super::desk::Service;
use crate::domain::lifecycle::{Action, Disposition, Role};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The alert's id.
    #[arg(value_name = "ID")]
    alert: String,
    /// What to do; with nothing, its history is shown.
    #[arg(value_name = "ACTION", value_parser = PossibleValuesParser::new(actions()))]
    action: Option<String>,
    /// With what right.
    #[arg(long, value_name = "ROLE", default_value = "operator", value_parser = PossibleValuesParser::new(roles()))]
    role: String,
    /// Why, in words.
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// What became of it.
    #[arg(long, value_name = "WORD", value_parser = PossibleValuesParser::new(dispositions()))]
    disposition: Option<String>,
    /// Who is sent, or to whom it is transferred.
    #[arg(long, value_name = "NAME")]
    recipient: Option<String>,
    #[command(flatten)]
    service: Service,
}

fn actions() -> Vec<&'static str> {
    let by_service = [Action::Suppress, Action::Expire];
    Action::ALL.iter().filter(|action| !by_service.contains(action)).map(|action| action.as_str()).collect()
}

fn roles() -> [&'static str; 3] {
    [Role::Operator, Role::Supervisor, Role::Dispatcher].map(Role::as_str)
}

fn dispositions() -> Vec<&'static str> {
    Disposition::ALL.iter().map(|disposition| disposition.as_str()).collect()
}

pub(super) fn run(args: Args) -> anyhow::Result<ExitCode> {
    let mut out = stdout().lock();
    let path = format!("/api/v1/alerts/{}", args.alert);
    let Some(action) = args.action else {
        let told = args.service.get(&format!("{path}/history"))?;
        writeln!(out, "{} since {}", word(&told["alert"], "state"), word(&told["alert"], "since"))?;
        for entry in told["entries"].as_array().into_iter().flatten() {
            let late = if entry["late"] == true { ", late" } else { "" };
            let said: Vec<String> = ["disposition", "recipient", "reason"]
                .into_iter()
                .filter_map(|key| entry[key].as_str().map(|text| format!("; {key}: {text}")))
                .collect();
            writeln!(
                out,
                "{}  {} -> {} by {} ({}){late}{}",
                word(entry, "at"),
                word(entry, "action"),
                word(entry, "to"),
                word(entry, "actor"),
                word(entry, "role"),
                said.concat()
            )?;
        }
        for raised in told["escalations"].as_array().into_iter().flatten() {
            writeln!(out, "{}  overdue: {}", word(raised, "due_at"), word(raised, "timer"))?;
        }
        return Ok(ExitCode::SUCCESS);
    };
    let mut body = Map::new();
    body.insert("action".to_owned(), action.into());
    body.insert("by".to_owned(), args.service.name().into());
    body.insert("role".to_owned(), args.role.into());
    let optional = [("reason", args.reason), ("disposition", args.disposition), ("recipient", args.recipient)];
    body.extend(optional.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?.into()))));
    let done = args.service.send(&format!("{path}/transitions"), false, &Value::Object(body))?;
    writeln!(out, "{}: the alert is {}", word(&done, "outcome"), word(&done["alert"], "state"))?;
    Ok(ExitCode::SUCCESS)
}

fn word<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or("-")
}
