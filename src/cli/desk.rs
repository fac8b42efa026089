//! `lightbar arm`, `disarm`, `watch`, `unwatch`: orders to a running service, over its HTTP interface.

use std::io::{Write as _, stdout};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, bail};
use serde_json::{Map, Value, json};

#[derive(Debug, clap::Args)]
pub(super) struct ArmArgs {
    #[command(flatten)]
    which: Which,
    /// Take orders back: rules stand as the configuration says.
    #[arg(long)]
    as_configured: bool,
    /// Order nothing; list orders and how each rule stands.
    #[arg(long, conflicts_with_all = ["as_configured", "camera", "rule", "lasting"])]
    list: bool,
}

#[derive(Debug, clap::Args)]
pub(super) struct DisarmArgs {
    #[command(flatten)]
    which: Which,
}

#[derive(Debug, clap::Args)]
struct Which {
    /// Only rules of this camera.
    #[arg(long, value_name = "ID")]
    camera: Option<String>,
    /// Only rules of this id.
    #[arg(long, value_name = "ID")]
    rule: Option<String>,
    /// For so long, then as before: 90s, 30m, 2h, 1d [default: until somebody says otherwise].
    #[arg(long = "for", value_name = "TIME", value_parser = span)]
    lasting: Option<Duration>,
    #[command(flatten)]
    service: Service,
}

#[derive(Debug, clap::Args)]
pub(super) struct Service {
    /// Where the service is.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8080")]
    url: String,
    /// Who orders, for the record [default: the user's name].
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
}

#[derive(Debug, clap::Args)]
pub(super) struct WatchArgs {
    /// The camera that sees it.
    #[arg(long, value_name = "ID", required_unless_present = "list")]
    camera: Option<String>,
    /// Its track, as `--list` and alerts call it.
    #[arg(long, value_name = "N", required_unless_present_any = ["at", "list"], conflicts_with = "at")]
    track: Option<String>,
    /// Where it stands on the picture, 0 to 1 from the top left.
    #[arg(long, value_name = "X,Y", value_parser = point)]
    at: Option<[f64; 2]>,
    /// Order nothing; list what is watched, and what could be.
    #[arg(long)]
    list: bool,
    #[command(flatten)]
    service: Service,
}

#[derive(Debug, clap::Args)]
pub(super) struct UnwatchArgs {
    /// The order's number in `lightbar watch --list`.
    #[arg(value_name = "N")]
    order: i64,
    #[command(flatten)]
    service: Service,
}

pub(super) fn arm(args: ArmArgs) -> anyhow::Result<ExitCode> {
    if args.list {
        return list_rules(&args.which.service.get("/api/v1/arming")?);
    }
    order(args.which, if args.as_configured { "as_configured" } else { "armed" })
}

pub(super) fn disarm(args: DisarmArgs) -> anyhow::Result<ExitCode> {
    order(args.which, "disarmed")
}

fn order(which: Which, state: &str) -> anyhow::Result<ExitCode> {
    let mut body = Map::new();
    body.insert("state".to_owned(), state.into());
    body.insert("by".to_owned(), which.service.name().into());
    let optional = [
        ("camera", which.camera.map(Value::from)),
        ("rule", which.rule.map(Value::from)),
        ("for_s", which.lasting.map(|lasting| lasting.as_secs_f64().into())),
    ];
    body.extend(optional.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))));
    list_rules(&which.service.send("/api/v1/arming", true, &Value::Object(body))?)
}

#[expect(clippy::needless_pass_by_value, reason = "each command takes its arguments whole")]
pub(super) fn watch(args: WatchArgs) -> anyhow::Result<ExitCode> {
    let mut out = stdout().lock();
    if args.list {
        let found = args.service.get("/api/v1/watched")?;
        for order in entries(&found, "watched") {
            writeln!(
                out,
                "order {}  {} watches a {} at {}; given by {} at {}",
                text(order, "id"),
                text(order, "camera"),
                text(order, "class"),
                place(order),
                text(order, "given_by"),
                text(order, "given_at")
            )?;
        }
        for thing in entries(&found, "standing") {
            writeln!(
                out,
                "standing  {}  track {}  {} at {}",
                text(thing, "camera"),
                text(thing, "track"),
                text(thing, "class"),
                place(thing)
            )?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    let body = json!({ "camera": args.camera, "track": args.track, "at": args.at, "by": args.service.name() });
    let order = args.service.send("/api/v1/watched", false, &body)?;
    writeln!(
        out,
        "order {}: the {} at {} is watched; its removal will be an alert",
        text(&order, "id"),
        text(&order, "class"),
        place(&order)
    )?;
    Ok(ExitCode::SUCCESS)
}

#[expect(clippy::needless_pass_by_value, reason = "each command takes its arguments whole")]
pub(super) fn unwatch(args: UnwatchArgs) -> anyhow::Result<ExitCode> {
    let url = args.service.address(&format!("/api/v1/watched/{}", args.order))?;
    let answer = agent().delete(&url).query("by", args.service.name()).call();
    read(&url, answer)?;
    writeln!(stdout(), "order {} is taken back", args.order)?;
    Ok(ExitCode::SUCCESS)
}

fn list_rules(found: &Value) -> anyhow::Result<ExitCode> {
    let mut out = stdout().lock();
    for order in entries(found, "orders") {
        let scope = match (order["camera"].as_str(), order["rule"].as_str()) {
            (Some(camera), Some(rule)) => format!("{camera}/{rule}"),
            (Some(camera), None) => format!("{camera}, all rules"),
            (None, Some(rule)) => format!("{rule} of all cameras"),
            (None, None) => "everything".to_owned(),
        };
        let until = order["until"].as_str().unwrap_or("somebody says otherwise");
        writeln!(
            out,
            "order  {scope}: {} until {until}; given by {} at {}",
            text(order, "state"),
            text(order, "given_by"),
            text(order, "given_at")
        )?;
    }
    for rule in entries(found, "rules") {
        let state = match (rule["watches"].as_bool(), rule["armed"].as_bool()) {
            (Some(false), _) => "out of its hours",
            (_, Some(true)) => "armed",
            _ => "records only",
        };
        let change = rule["next_change"].as_str().map(|at| format!(", hours change it at {at}")).unwrap_or_default();
        writeln!(out, "rule   {}/{}: {state}{change}", text(rule, "camera"), text(rule, "rule"))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn entries<'a>(found: &'a Value, key: &str) -> &'a [Value] {
    found[key].as_array().map_or(&[], Vec::as_slice)
}

fn text(value: &Value, key: &str) -> String {
    value[key].as_str().map_or_else(|| value[key].to_string(), str::to_owned)
}

fn place(value: &Value) -> String {
    let of = |key: &str| value["bbox"][key].as_f64().unwrap_or_default();
    format!("{:.2},{:.2}", of("x") + of("w") / 2.0, of("y") + of("h") / 2.0)
}

impl Service {
    pub(super) fn name(&self) -> String {
        self.by.clone().or_else(|| std::env::var("USER").ok()).unwrap_or_else(|| "unknown".to_owned())
    }

    fn address(&self, path: &str) -> anyhow::Result<String> {
        let base = self.url.trim_end_matches('/');
        if !base.starts_with("http://") && !base.starts_with("https://") {
            bail!("--url is the address of a service such as http://127.0.0.1:8080, got {:?}", self.url);
        }
        Ok(format!("{base}{path}"))
    }

    pub(super) fn get(&self, path: &str) -> anyhow::Result<Value> {
        let url = self.address(path)?;
        read(&url, agent().get(&url).call())
    }

    pub(super) fn send(&self, path: &str, replaces: bool, body: &Value) -> anyhow::Result<Value> {
        let url = self.address(path)?;
        let agent = agent();
        let request = if replaces { agent.put(&url) } else { agent.post(&url) };
        read(&url, request.header("content-type", "application/json").send(body.to_string()))
    }
}

fn agent() -> ureq::Agent {
    ureq::Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(Duration::from_secs(10)))
        .build()
        .into()
}

fn read(url: &str, answer: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> anyhow::Result<Value> {
    let mut answer =
        answer.with_context(|| format!("{url} does not answer; is the service running, and is --url right?"))?;
    let status = answer.status();
    let body = answer.body_mut().with_config().limit(8 << 20).read_to_string().context("the answer broke off")?;
    let value: Value = serde_json::from_str(&body).with_context(|| format!("{url} is no lightbar; check --url"))?;
    if status.is_success() {
        return Ok(value);
    }
    bail!("{}", value["detail"].as_str().unwrap_or(&body))
}

/// `90s`, `30m`, `2h`, `1d`.
fn span(text: &str) -> Result<Duration, String> {
    let unit = match text.chars().last() {
        Some('s') => 1,
        Some('m') => 60,
        Some('h') => 3600,
        Some('d') => 86_400,
        _ => 0,
    };
    let number = text.get(..text.len().saturating_sub(1)).and_then(|number| number.parse::<u32>().ok());
    match number {
        Some(number) if unit > 0 && number > 0 => Ok(Duration::from_secs(u64::from(number) * unit)),
        _ => Err("wants a time such as 90s, 30m, 2h or 1d".to_owned()),
    }
}

fn point(text: &str) -> Result<[f64; 2], String> {
    let (x, y) = text.split_once(',').ok_or("wants X,Y")?;
    let part = |t: &str| t.trim().parse::<f64>().ok().filter(|v| (0.0..=1.0).contains(v));
    part(x).zip(part(y)).map(|(x, y)| [x, y]).ok_or_else(|| "wants X,Y, each 0 to 1".to_owned())
}
