//! What people do with alerts over HTTP, with a real store behind it.

use std::process::Command;

use lightbar::domain::ids::AlertId;
use serde_json::{Value, json};

use crate::support::facts::{alert_id, opened};
use crate::support::schemas::{complaints, validator};
use crate::support::service::{Head, Service};
use crate::support::skipped::skipped;
use crate::support::web_server::{Answer, CITY_TOKEN, WebServer, agent};

fn act(server: &WebServer, alert: AlertId, body: &Value, headers: &[(&str, &str)]) -> Answer {
    server.send_with("POST", &format!("/api/v1/alerts/{alert}/transitions"), body, headers)
}

fn done(server: &WebServer, alert: AlertId, body: &Value) -> Value {
    let answer = act(server, alert, body, &[]);
    assert_eq!(answer.status, 200, "{body}: {}", answer.body);
    answer.json()
}

#[test]
fn an_alert_goes_its_way_and_the_feed_tells_it() {
    let server = WebServer::start();
    let alert = alert_id(1);
    server.decide(&opened("gate", 1));
    let mut feed = server.events("/api/v1/feed?states_after=0", None);
    let mut unasked = server.events("/api/v1/feed", None);
    let listed = server.get("/api/v1/alerts").json();
    assert_eq!((&listed["alerts"][0]["state"], &listed["states_row"]), (&Value::Null, &json!(0)), "it is new");
    let detail = server.get(&format!("/api/v1/alerts/{alert}"));
    assert_eq!((detail.header("etag"), &detail.json()["state"]["state"]), ("\"1.0\"", &json!("new")));

    done(&server, alert, &json!({ "action": "acknowledge", "by": "anna" }));
    done(&server, alert, &json!({ "action": "verify", "by": "anna" }));
    done(&server, alert, &json!({ "action": "note", "by": "anna", "reason": "two of them, one bag" }));
    let sent = done(&server, alert, &json!({ "action": "dispatch", "by": "anna", "recipient": "unit-7" }));
    assert_eq!((&sent["alert"]["state"], &sent["alert"]["recipient"]), (&json!("dispatched"), &json!("unit-7")));
    let schema = validator("alert-state");
    for (row, state) in (1..).zip(["acknowledged", "verified", "verified", "dispatched"]) {
        let heard = feed.next().unwrap();
        let said: Value = serde_json::from_str(&heard.data).unwrap();
        assert_eq!((heard.event.as_str(), heard.id, &said["row"]), ("state", None, &json!(row)));
        assert_eq!(said["state"]["state"], state);
        assert_eq!(complaints(&schema, &said["state"]), [""; 0]);
    }
    let mut later = server.events("/api/v1/feed?states_after=3", None);
    assert!(later.next().unwrap().data.contains("\"dispatched\""), "what was missed comes first");
    let history = server.get(&format!("/api/v1/alerts/{alert}/history")).json();
    assert_eq!(history["entries"].as_array().unwrap().len(), 4);
    assert_eq!(history["entries"][2]["reason"], "two of them, one bag");
    server.decide(&opened("gate", 2));
    assert_eq!(unasked.next().unwrap().event, "alert", "who did not ask hears of alerts alone");
    assert_eq!(server.get("/api/v1/alerts").json()["alerts"][1]["state"]["state"], "dispatched");
}

#[test]
fn what_is_wrong_is_a_problem_that_names_the_field_and_what_is_legal() {
    let server = WebServer::start();
    let alert = alert_id(1);
    server.decide(&opened("gate", 1));
    let illegal = act(&server, alert, &json!({ "action": "dispatch", "by": "anna" }), &[]);
    assert_eq!((illegal.status, illegal.header("content-type")), (409, "application/problem+json"));
    assert_eq!(illegal.json()["legal"], json!(["acknowledge", "dismiss", "transfer", "note"]));
    let forbidden = act(&server, alert, &json!({ "action": "acknowledge", "by": "d", "role": "dispatcher" }), &[]);
    assert_eq!((forbidden.status, &forbidden.json()["allowed"]), (403, &json!(["operator", "supervisor"])));
    for (body, field) in [
        (json!({ "action": "eat", "by": "anna" }), "action"),
        (json!({ "action": "acknowledge", "by": " " }), "by"),
        (json!({ "action": "acknowledge", "by": "anna", "role": "patrol" }), "role"),
        (json!({ "action": "dismiss", "by": "anna" }), "disposition"),
        (json!({ "action": "dismiss", "by": "anna", "disposition": "eaten" }), "disposition"),
        (json!({ "action": "note", "by": "anna" }), "reason"),
        (json!({ "action": "transfer", "by": "anna" }), "recipient"),
        (json!({ "action": "acknowledge", "by": "anna", "recipient": "unit-7" }), "recipient"),
    ] {
        let answer = act(&server, alert, &body, &[]);
        assert_eq!((answer.status, &answer.json()["field"]), (400, &json!(field)), "{body}: {}", answer.body);
    }
    let unknown = act(&server, alert_id(99), &json!({ "action": "acknowledge", "by": "anna" }), &[]);
    assert_eq!(unknown.status, 404);
    let detail = server.get(&format!("/api/v1/alerts/{alert}")).json();
    assert_eq!(detail["history"], json!([]), "what is wrong changes nothing");
}

#[test]
fn a_request_is_done_once_and_only_to_what_was_read() {
    let server = WebServer::start();
    let alert = alert_id(1);
    server.decide(&opened("gate", 1));
    let acknowledge = json!({ "action": "acknowledge", "by": "anna" });
    let stale = act(&server, alert, &acknowledge, &[("if-match", "\"1.7\"")]);
    assert_eq!(stale.status, 412, "{}", stale.body);
    let first = act(&server, alert, &acknowledge, &[("if-match", "\"1.0\""), ("idempotency-key", "k1")]);
    assert_eq!((first.status, first.header("etag"), &first.json()["outcome"]), (200, "\"1.1\"", &json!("applied")));
    let again = act(&server, alert, &acknowledge, &[("if-match", "\"1.0\""), ("idempotency-key", "k1")]);
    assert_eq!(
        (again.status, &again.json()["outcome"], &again.json()["entry"]),
        (200, &json!("repeated"), &first.json()["entry"])
    );
    let other = act(&server, alert, &json!({ "action": "verify", "by": "anna" }), &[("idempotency-key", "k1")]);
    assert_eq!((other.status, &other.json()["field"]), (409, &json!("id")));
    let known = server.get_with(&format!("/api/v1/alerts/{alert}"), &[("if-none-match", "\"1.1\"")]);
    assert_eq!((known.status, known.body.as_str()), (304, ""));
}

#[test]
fn a_dismissal_is_undone() {
    let server = WebServer::start();
    let alert = alert_id(1);
    server.decide(&opened("gate", 1));
    done(&server, alert, &json!({ "action": "dismiss", "by": "anna", "disposition": "false_model" }));
    let not_hers = act(&server, alert, &json!({ "action": "undo", "by": "bert" }), &[]);
    assert_eq!(not_hers.status, 409, "{}", not_hers.body);
    let undone = done(&server, alert, &json!({ "action": "undo", "by": "anna" }));
    assert_eq!((&undone["alert"]["state"], &undone["alert"]["disposition"]), (&json!("new"), &Value::Null));
}

/// A server with an alert that a patrol was sent to.
fn dispatched() -> (WebServer, AlertId) {
    let server = WebServer::start();
    let alert = alert_id(1);
    server.decide(&opened("gate", 1));
    for action in ["acknowledge", "verify", "dispatch"] {
        done(&server, alert, &json!({ "action": action, "by": "anna" }));
    }
    (server, alert)
}

#[test]
fn dispatch_systems_without_kafka_answer_here() {
    let (server, alert) = dispatched();
    let path = format!("/api/v1/alerts/{alert}/dispatch-status");
    let good = json!({
        "schema_version": "1.0", "status_id": "1", "alert_id": alert.to_string(), "status": "accepted", "system": "county",
        "actor": "unit-7", "role": "patrol", "at": "2026-03-01T08:01:00.000Z",
    });
    assert_eq!(complaints(&validator("dispatch-status"), &good), [""; 0]);
    let say = |field: &str, value: Value| {
        let mut said = good.clone();
        said[field] = value;
        server.send("POST", &path, &said)
    };
    for (field, value, status) in [
        ("system", json!("stranger"), 403),
        ("role", json!("dispatcher"), 403),
        ("role", json!("operator"), 400),
        ("status", json!("arrived"), 400),
        ("at", json!("2999-01-01T00:00:00Z"), 400),
        ("alert_id", json!(alert_id(2).to_string()), 400),
    ] {
        let answer = say(field, value.clone());
        assert_eq!(answer.status, status, "{field} {value}: {}", answer.body);
    }
    assert_eq!(say("status", json!("accepted")).json()["outcome"], "applied");
    assert_eq!(say("status", json!("accepted")).json()["outcome"], "repeated");
    let mut arrived = good.clone();
    arrived["status"] = json!("on_scene");
    arrived["status_id"] = json!("3");
    assert_eq!(server.send("POST", &path, &arrived).json()["alert"]["state"], "on_scene");
    let mut late = good.clone();
    late["status"] = json!("en_route");
    late["status_id"] = json!("2");
    assert_eq!(server.send("POST", &path, &late).json()["outcome"], "late");
}

/// `city` has a token, `county` has none; and how an answer of one looks.
fn answer_of(system: &str, alert: AlertId) -> Value {
    json!({
        "schema_version": "1.0", "status_id": format!("{system}-1"), "alert_id": alert.to_string(), "status": "accepted",
        "system": system, "actor": "unit-7", "role": "patrol", "at": "2026-03-01T08:01:00.000Z",
    })
}

#[test]
fn a_system_with_a_token_answers_with_it_alone() {
    let (server, alert) = dispatched();
    let path = format!("/api/v1/alerts/{alert}/dispatch-status");
    let with = |headers: &[(&str, &str)]| server.send_with("POST", &path, &answer_of("city", alert), headers);
    let right = format!("Bearer {CITY_TOKEN}");
    for headers in
        [&[][..], &[("authorization", "Bearer 0123456789-city-tokem")], &[("authorization", "Basic Zm9vOmJhcg==")]]
    {
        let refused = with(headers);
        assert_eq!((refused.status, refused.header("content-type")), (401, "application/problem+json"), "{headers:?}");
        assert!(refused.header("www-authenticate").starts_with("Bearer"), "{:?}", refused.headers);
        assert!(!refused.body.contains(CITY_TOKEN), "{}", refused.body);
    }
    let history = server.get(&format!("/api/v1/alerts/{alert}/history")).json();
    assert_eq!(history["alert"]["state"], "dispatched", "nothing was done");
    assert_eq!(with(&[("authorization", &right)]).json()["outcome"], "applied");
    let counted = "lightbar_lifecycle_dead_letters_total{reason=\"unauthorized\"} 3";
    assert!(server.get("/metrics").body.contains(counted));
}

#[test]
fn a_system_without_a_token_is_not_believed_through_a_proxy() {
    let (server, alert) = dispatched();
    let path = format!("/api/v1/alerts/{alert}/dispatch-status");
    let with = |headers: &[(&str, &str)]| server.send_with("POST", &path, &answer_of("county", alert), headers);
    let refused = with(&[("x-forwarded-for", "192.0.2.7")]);
    assert_eq!(refused.status, 403);
    assert!(refused.body.contains("token_file"), "it says what to configure: {}", refused.body);
    assert_eq!(with(&[]).json()["outcome"], "applied", "from this machine");
}

/// The real service, reached over another address than the loopback one, and its token renewed without a restart.
#[test]
fn a_token_is_wanted_from_elsewhere_and_renewed_by_a_reload() {
    let Some(address) = other_address() else {
        return skipped("this machine has no address but the loopback one");
    };
    let mut service = Service::listening(&Head { model: std::path::Path::new("none"), kafka: None }, "0.0.0.0");
    let camera = "[[camera]]\nid = \"gate\"\naddress = \"1 Street\"\nurl = \"rtsp://127.0.0.1:9/none\"\n";
    let token = service.config().with_file_name("county-token");
    let configure = |service: &Service, token_file: &str| {
        service.configure(&format!("[[dispatch]]\nid = \"county\"\n{token_file}{camera}"));
    };
    configure(&service, "");
    service.start();
    let answer = |service: &Service, authorization: Option<&str>| {
        let alert = alert_id(1);
        let path = format!("/api/v1/alerts/{alert}/dispatch-status");
        let url = service.url(&path).replace("127.0.0.1", &address);
        let request = agent().post(url).header("content-type", "application/json");
        let request = authorization.iter().fold(request, |request, token| request.header("authorization", *token));
        let mut answer = request.send(answer_of("county", alert).to_string()).unwrap();
        (answer.status().as_u16(), answer.body_mut().read_to_string().unwrap())
    };
    let (status, said) = answer(&service, None);
    assert!(status == 403 && said.contains(&address) && said.contains("token_file"), "{status} {said}");

    let config = service.config();
    let reload = ["reload", "--config", config.to_str().unwrap()];
    for (written, other) in
        [("first-token-0123456789", "second-token-0123456789"), ("second-token-0123456789", "first-token-0123456789")]
    {
        std::fs::write(&token, format!("{written}\n")).unwrap();
        configure(&service, "token_file = \"county-token\"\n");
        let (status, said) = service.command(&reload);
        assert!(status == 0 && said.contains("tokens changed") && !said.contains(written), "{said}");
        assert_eq!(answer(&service, None).0, 401);
        assert_eq!(answer(&service, Some(&format!("Bearer {other}"))).0, 401);
        // Admitted; there is no such alert.
        assert_eq!(answer(&service, Some(&format!("Bearer {written}"))).0, 404);
    }
    assert!(service.stop().success(), "{}", service.log());
    assert!(!service.log().contains("token-0123456789"), "a token is in the log");
}

/// An address of this machine that is not the loopback one: where it would send from. Nothing is sent.
fn other_address() -> Option<String> {
    let socket = std::net::UdpSocket::bind("0.0.0.0:0").ok()?;
    socket.connect("192.0.2.1:9").ok()?;
    let address = socket.local_addr().ok()?.ip();
    (!address.is_loopback() && !address.is_unspecified()).then(|| address.to_string())
}

#[test]
fn a_person_raises_an_alert_once() {
    let server = WebServer::start();
    server.card("gate");
    let raise = |body: Value| server.send_with("POST", "/api/v1/alerts", &body, &[("idempotency-key", "r1")]);
    let body = json!({ "camera": "gate", "by": "anna", "severity": "Severe", "reason": "a fight at the door" });
    for (wrong, field, status) in [
        (json!({ "camera": "gat", "by": "anna", "severity": "Severe" }), "camera", 404),
        (json!({ "camera": "gate", "by": "anna", "severity": "huge" }), "severity", 400),
        (json!({ "camera": "gate", "by": "", "severity": "Severe" }), "by", 400),
    ] {
        let answer = raise(wrong);
        assert_eq!((answer.status, &answer.json()["field"]), (status, &json!(field)), "{}", answer.body);
    }
    let raised = raise(body.clone());
    assert_eq!(raised.status, 201, "{}", raised.body);
    let alert = raised.json()["alert"].clone();
    assert_eq!((&alert["kind"], &alert["cues"], &alert["priority"]), (&json!("manual"), &json!(["person"]), &json!(2)));
    assert_eq!(complaints(&validator("alert"), &alert), [""; 0]);
    assert_eq!(raise(body).json()["alert"], alert, "once");
    let history = server.get(&format!("{}/history", raised.header("location"))).json();
    assert_eq!(
        (&history["alert"]["state"], &history["entries"][0]["reason"]),
        (&json!("new"), &json!("a fight at the door"))
    );
    assert_eq!(history["entries"].as_array().unwrap().len(), 1);
}

#[test]
fn what_neighbours_see_is_one_incident() {
    let server = WebServer::start();
    server.decide(&opened("gate", 1));
    server.decide(&opened("hall", 2));
    server.decide(&opened("lane", 3));
    let found = server.get("/api/v1/incidents").json();
    let incident = &found["incidents"][0];
    assert_eq!((found["incidents"].as_array().unwrap().len(), &found["next_before"]), (1, &Value::Null));
    assert_eq!(incident["sightings"].as_array().unwrap().len(), 2);
    let one = server.get(&format!("/api/v1/incidents/{}", incident["incident_id"].as_str().unwrap()));
    assert_eq!(one.json(), *incident);
    assert_eq!(server.get("/api/v1/alerts").json()["alerts"][0]["state"]["incident_id"], incident["incident_id"]);
    assert_eq!(server.get(&format!("/api/v1/incidents/{}", alert_id(2))).status, 404);
    assert_eq!(server.get("/api/v1/incidents?limit=0").json()["field"], "limit");
}

#[test]
fn the_description_is_served_and_others_find_it_valid() {
    let server = WebServer::start();
    let served = server.get("/api/v1/openapi.json");
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let file = root.join("deploy/openapi.json");
    assert_eq!(served.body, std::fs::read_to_string(&file).unwrap());
    let packages = root.join(".tools/python");
    if !packages.join("openapi_spec_validator").exists() {
        return skipped("no openapi-spec-validator here; run scripts/setup.sh test");
    }
    let checked = Command::new("python3")
        .args(["-m", "openapi_spec_validator"])
        .arg(&file)
        .env("PYTHONPATH", &packages)
        .output()
        .unwrap();
    assert!(
        checked.status.success(),
        "{}{}",
        String::from_utf8_lossy(&checked.stdout),
        String::from_utf8_lossy(&checked.stderr)
    );
}
