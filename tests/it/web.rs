//! The web room over real HTTP: what it answers, and that the feed neither loses nor repeats.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use lightbar::clock::SystemClock;
use lightbar::domain::detection::{Confidence, ObjectClass};
use lightbar::domain::geometry::BBox;
use lightbar::domain::ids::{CameraId, RuleId, TrackId};
use lightbar::domain::scene::{BlindCause, SceneObject};
use lightbar::pipeline::ports::{BlindInterval, Channel, Clock};
use lightbar::pipeline::status::{KafkaState, SceneState};
use lightbar::web::memory::MemoryFeed;
use serde_json::json;

use crate::support::web_server::{WebServer, alert, wait_until};

/// Far more changes than sockets and queues hold while nobody reads.
const CHANGES: i64 = 1500;

#[test]
fn readiness_names_what_it_waits_for() {
    let server = WebServer::start();
    assert_eq!((server.get("/livez").status, server.get("/livez").body.as_str()), (200, "ok\n"));
    server.board.release("store_open");
    server.board.hold("model_loaded", "models/street/model.onnx: sha256 differs");
    let answer = server.get("/readyz");
    assert_eq!(answer.status, 503);
    let body = answer.json();
    assert_eq!(body["ready"], false);
    assert_eq!(body["latches"][0]["ready"], true);
    assert_eq!(body["latches"][1]["waiting_for"], "models/street/model.onnx: sha256 differs");
    server.board.release("model_loaded");
    assert_eq!(server.get("/readyz").status, 200);
    assert_eq!(server.get("/readyz").json()["degraded"], json!([]));
    // What no restart mends is named and takes nobody out of rotation.
    let failing = |reason| KafkaState::Failing { since: SystemClock.now(), reason, message: "what to do".to_owned() };
    server.board.set_kafka(failing("unreachable"));
    server.board.set_answers(failing("topic_missing"));
    let answer = server.get("/readyz");
    let degraded = &answer.json()["degraded"];
    assert_eq!((answer.status, degraded[0]["reason"].as_str()), (200, Some("unreachable")));
    assert_eq!((&degraded[1]["name"], &degraded[1]["reason"]), (&json!("dispatch_answers"), &json!("topic_missing")));
    assert_eq!(server.get("/api/v1/status").json()["answers"]["state"], "failing");
    server.board.set_answers(KafkaState::Connected);
    assert_eq!(server.get("/readyz").json()["degraded"].as_array().unwrap().len(), 1);
    server.board.set_stuck(Some("the record stage has stood still for 60 s".to_owned()));
    assert_eq!(server.get("/livez").status, 503);
}

#[test]
fn metrics_are_the_text_format_and_count_by_route() {
    let server = WebServer::start();
    server.get("/api/v1/alerts/0189a0d0-0000-7000-8000-000000000001");
    server.get("/nowhere/at/all");
    let answer = server.get("/metrics");
    assert_eq!(answer.header("content-type"), "text/plain; version=0.0.4; charset=utf-8");
    for line in [
        "lightbar_web_requests_total{route=\"/api/v1/alerts/{id}\",status=\"404\"} 1",
        "lightbar_web_requests_total{route=\"none\",status=\"404\"} 1",
        "lightbar_build_info{version=",
        "process_resident_memory_bytes ",
    ] {
        assert!(answer.body.contains(line), "{line} is not in {}", answer.body);
    }
    assert!(!answer.body.contains("nowhere") && !answer.body.contains("0189a0d0"), "an address became a label");
}

#[test]
fn every_answer_carries_the_headers_that_protect_the_page() {
    let server = WebServer::start();
    for path in ["/", "/page/page.js", "/api/v1/status", "/nowhere", "/metrics"] {
        let answer = server.get(path);
        assert!(answer.header("content-security-policy").starts_with("default-src 'none'"), "{path}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert!(!answer.header("cache-control").is_empty(), "{path}");
    }
    let page = server.get("/").body;
    assert!(!page.contains("://"), "the page names something from elsewhere");
}

#[test]
fn errors_are_problems_that_help() {
    let server = WebServer::start();
    for (path, status, helps) in [
        ("/api/v1/alerts?limit=0", 400, "1 to 500"),
        ("/api/v1/alerts?limit=many", 400, "limit"),
        ("/api/v1/alerts?befor=3", 400, "befor"),
        ("/api/v1/alerts?before=3", 400, "UUID"),
        ("/api/v1/alerts/17", 400, "UUID"),
        ("/api/v1/feed?since=yesterday", 400, "2026-03-01T08:00:00Z"),
        ("/api/v1/blind?camera=Gate", 400, "a-z"),
        ("/api/v1/blind?from=2026-03-02T00:00:00Z&to=2026-03-01T00:00:00Z", 400, "later"),
        ("/api/v2/alerts", 404, "/api/v1"),
    ] {
        let answer = server.get(path);
        assert_eq!((answer.status, answer.header("content-type")), (status, "application/problem+json"), "{path}");
        let body = answer.json();
        assert_eq!(body["status"], status, "{path}");
        assert!(body["detail"].as_str().unwrap().contains(helps), "{path}: {body}");
    }
    let posted = ureq::Agent::new_with_config(ureq::Agent::config_builder().http_status_as_error(false).build())
        .post(server.url("/api/v1/cameras"))
        .send("{}")
        .unwrap();
    assert_eq!(posted.status(), 405);
    server.feed.set_broken(Some("disk I/O error"));
    let broken = server.get("/api/v1/alerts");
    assert_eq!((broken.status, broken.header("retry-after")), (503, "5"));
    assert!(broken.json()["detail"].as_str().unwrap().contains("disk I/O error"));
}

#[test]
fn alerts_come_newest_first_by_pages_each_at_its_newest_change() {
    let server = WebServer::start();
    let older: Vec<_> = (0..5).map(|n| alert(n, 1, "opened", 100 - n * 10)).collect();
    for alert in &older {
        server.record(alert);
    }
    let mut ended = older[1].clone();
    ended["revision"] = 2.into();
    ended["phase"] = "ended".into();
    server.record(&ended);
    let first = server.get("/api/v1/alerts?limit=3").json();
    assert_eq!(first["last_row"], 6);
    let next = first["next_before"].as_str().unwrap().to_owned();
    let second = server.get(&format!("/api/v1/alerts?limit=3&before={next}")).json();
    assert!(second["next_before"].is_null());
    let ids: Vec<String> = [&first, &second]
        .iter()
        .flat_map(|page| page["alerts"].as_array().unwrap().clone())
        .map(|item| item["alert"]["alert_id"].as_str().unwrap().to_owned())
        .collect();
    let wanted: Vec<String> = older.iter().rev().map(|alert| alert["alert_id"].as_str().unwrap().to_owned()).collect();
    assert_eq!(ids, wanted);
    let one = server.get(&format!("/api/v1/alerts/{}", wanted[3])).json();
    assert_eq!((one["row"].as_i64(), one["alert"]["phase"].as_str()), (Some(6), Some("ended")));
    assert_eq!(server.get("/api/v1/alerts/0189a0d0-0000-7000-8000-000000000001").status, 404);
}

#[test]
fn cameras_and_blind_time_say_who_looks_and_who_does_not() {
    let server = WebServer::start();
    server.watching("gate", "North gate");
    server.blind("yard", "Yard", BlindCause::Unauthorized);
    let cameras = server.get("/api/v1/cameras").json();
    assert_eq!(
        (&cameras["cameras"][0]["online"], &cameras["cameras"][0]["cause"]),
        (&true.into(), &serde_json::Value::Null)
    );
    assert_eq!(
        (&cameras["cameras"][1]["online"], &cameras["cameras"][1]["cause"]),
        (&false.into(), &"unauthorized".into())
    );
    let now = SystemClock.now();
    let interval = |camera: &str, from: u64, to: Option<u64>| BlindInterval {
        camera: camera.to_owned(),
        from: now.minus(Duration::from_secs(from)),
        to: to.map(|to| now.minus(Duration::from_secs(to))),
        cause: "stalled".to_owned(),
    };
    server.feed.push_blind(interval("gate", 100, Some(90)));
    server.feed.push_blind(interval("yard", 50, None));
    let all = server.get("/api/v1/blind").json();
    assert_eq!((all["blind"][0]["seconds"].as_f64(), all["truncated"].as_bool()), (Some(10.0), Some(false)));
    let yard = server.get("/api/v1/blind?camera=yard").json();
    assert_eq!((yard["blind"].as_array().unwrap().len(), &yard["blind"][0]["to"]), (1, &serde_json::Value::Null));
    let status = server.get("/api/v1/status").json();
    assert_eq!((&status["cameras"]["online"], &status["cameras"]["total"]), (&1.into(), &2.into()));
    assert_eq!(status["kafka"]["state"], "unknown");
}

#[test]
fn the_feed_gives_what_was_missed_and_then_what_comes() {
    let server = WebServer::start();
    let recorded: Vec<_> = (0..450).map(|n| server.record(&alert(n, 1, "opened", 1000 - n))).collect();
    let mut events = server.events("/api/v1/feed?after=100", None);
    assert_eq!(events.rows(350), (101..=450).collect::<Vec<i64>>());
    let live = server.record(&alert(999, 1, "opened", 0));
    let heard = events.next().unwrap();
    assert_eq!((heard.id, heard.event.as_str(), heard.data.as_str()), (Some(451), "alert", &*live.json));
    // A browser keeps its address when it comes back, so its last id counts more.
    let mut resumed = server.events("/api/v1/feed?after=100", Some(449));
    assert_eq!(resumed.next().unwrap().data, *recorded[449].json);
    // Without a place, from now on.
    let mut fresh = server.events("/api/v1/feed", None);
    assert_eq!(fresh.alive(), 451);
    server.record(&alert(1000, 1, "opened", 0));
    assert_eq!(fresh.rows(1), [452]);
    let mut since = server.events("/api/v1/feed?since=2020-01-01T00:00:00Z", None);
    assert_eq!(since.rows(3), [1, 2, 3]);
}

#[test]
fn a_client_that_is_too_slow_is_told_and_loses_nothing() {
    let server = WebServer::start_with(4, 8);
    let mut slow = server.events("/api/v1/feed", None);
    slow.alive();
    let mut big = alert(1, 1, "opened", 0);
    big["padding"] = "x".repeat(20_000).into();
    for revision in 1..=CHANGES {
        big["revision"] = revision.into();
        server.record(&big);
    }
    let (mut rows, mut reloads) = (Vec::new(), 0);
    while rows.len() < CHANGES as usize {
        let heard = slow.next().unwrap();
        match heard.event.as_str() {
            "alert" => rows.push(heard.id.unwrap()),
            "reload" => {
                reloads += 1;
                let said: serde_json::Value = serde_json::from_str(&heard.data).unwrap();
                assert_eq!(said["last"].as_i64(), Some(rows.last().copied().unwrap_or(0)));
            }
            other => panic!("unexpected {other}"),
        }
    }
    assert_eq!(rows, (1..=CHANGES).collect::<Vec<i64>>());
    assert!(reloads > 0, "the client was never slow, so this test shows nothing");
    server.wait_for_metric("lightbar_web_feed_reloads_total", |reloads| reloads > 0.0);
}

#[test]
fn many_writers_and_readers_see_each_row_once_and_in_order() {
    let server = WebServer::start_with(8, 16);
    std::thread::scope(|scope| {
        let readers: Vec<_> =
            (0..6).map(|_| scope.spawn(|| server.events("/api/v1/feed?after=0", None).rows(400))).collect();
        scope.spawn(|| (0..400).for_each(|n| drop(server.record(&alert(n, 1, "opened", 0)))));
        for reader in readers {
            assert_eq!(reader.join().unwrap(), (1..=400).collect::<Vec<i64>>());
        }
    });
}

#[test]
fn a_store_that_was_restored_is_said() {
    let server = WebServer::start();
    server.record(&alert(1, 1, "opened", 0));
    let mut events = server.events("/api/v1/feed", Some(7000));
    let heard = events.next().unwrap();
    assert_eq!((heard.event.as_str(), heard.data.as_str()), ("reload", r#"{"last":1,"reason":"store_restored"}"#));
    server.record(&alert(2, 1, "opened", 0));
    assert_eq!(events.rows(1), [2]);
}

#[test]
fn feed_clients_are_limited_and_their_places_become_free_again() {
    let server = WebServer::start_with(8, 1);
    let mut only = server.events("/api/v1/feed", None);
    only.alive();
    let refused = server.get("/api/v1/feed");
    assert_eq!((refused.status, refused.header("retry-after")), (503, "5"));
    drop(only);
    wait_until("a place is free", || {
        server.record(&alert(1, 1, "opened", 0));
        server.get("/metrics").body.contains("lightbar_web_feed_clients 0")
    });
    server.events("/api/v1/feed", None).alive();
}

#[test]
fn a_stop_ends_the_feeds_and_the_server() {
    let mut server = WebServer::start();
    let mut events = server.events("/api/v1/feed", None);
    events.alive();
    server.stop();
    assert_eq!(events.next(), None);
}

#[test]
fn a_port_in_use_says_which_and_what_to_do() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let error = runtime.block_on(lightbar::web::bind(address)).unwrap_err().to_string();
    assert!(
        error.contains(&address.to_string()) && error.contains("http.listen") && error.contains("stop the program"),
        "{error}"
    );
}

#[test]
fn the_terminal_feed_comes_back_and_goes_on_where_it_was() {
    let mut server = WebServer::start();
    let address: SocketAddr = server.address;
    let feed: Arc<MemoryFeed> = Arc::clone(&server.feed);
    server.record(&alert(1, 1, "opened", 5));
    let (out, err) = (tempfile::NamedTempFile::new().unwrap(), tempfile::NamedTempFile::new().unwrap());
    let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_lightbar"))
        .args(["feed", "--lang", "zh-CN", "--since", "10m", "--url", &format!("http://{address}")])
        .stdout(out.reopen().unwrap())
        .stderr(err.reopen().unwrap())
        .spawn()
        .unwrap();
    let printed = || std::fs::read_to_string(out.path()).unwrap();
    wait_until("the first alert is printed", || printed().contains("1号自行车被移走"));
    server.stop();
    wait_until("the gap is printed", || printed().contains("连接中断"));
    // Recorded while nobody listens.
    let unheard = alert(2, 1, "opened", 0);
    let id = u128::from_str_radix(&unheard["alert_id"].as_str().unwrap().replace('-', ""), 16).unwrap();
    feed.push(lightbar::domain::ids::AlertId::from_u128(id), &unheard.to_string(), SystemClock.now());
    let again = WebServer::start_on(address, feed, 64, 8);
    wait_until("what was missed is printed", || printed().contains("2号自行车被移走"));
    again.record(&alert(3, 1, "opened", 0));
    wait_until("what comes is printed", || printed().contains("3号自行车被移走"));
    child.kill().unwrap();
    child.wait().unwrap();
    let text = printed();
    assert_eq!(text.matches("1号自行车被移走").count(), 1, "{text}");
    assert!(text.contains("重新连接") && text.contains("◆ 中等") && !text.contains('\x1b'), "{text}");
}

#[test]
fn what_is_only_recorded_is_shown_to_who_asks_for_it() {
    let server = WebServer::start();
    let mut everything = server.events("/api/v1/feed?after=0&deliver=all", None);
    let mut people = server.events("/api/v1/feed?after=0", None);
    for (n, channel) in [(1, Channel::Record), (2, Channel::Shadow), (3, Channel::Alert)] {
        server.record_on(channel, &alert(n, 1, "opened", 1));
    }
    let listed = |query: &str| -> Vec<String> {
        let found = server.get(&format!("/api/v1/alerts{query}")).json();
        found["alerts"].as_array().unwrap().iter().map(|a| a["channel"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(listed(""), ["alert"]);
    assert_eq!(listed("?deliver=record"), ["record"]);
    assert_eq!(listed("?deliver=shadow"), ["shadow"]);
    assert_eq!(listed("?deliver=all"), ["alert", "shadow", "record"]);
    assert_eq!(server.get("/api/v1/alerts?deliver=nobody").status, 400);
    assert_eq!(people.rows(1), [3], "ids jump over what is not for people");
    assert_eq!(everything.rows(3), [1, 2, 3]);
}

#[test]
fn orders_are_taken_kept_told_and_shown() {
    let server = WebServer::start();
    server.watching("gate", "Gate");
    let arm = |body| server.send("PUT", "/api/v1/arming", &body);
    let told = arm(json!({ "state": "disarmed", "camera": "gate", "for_s": 3600, "by": "anna" }));
    assert_eq!(told.status, 200, "{}", told.body);
    let order = &server.get("/api/v1/arming").json()["orders"][0];
    assert_eq!(
        (&order["state"], &order["camera"], &order["given_by"]),
        (&json!("disarmed"), &json!("gate"), &json!("anna"))
    );
    let gate = CameraId::parse("gate").unwrap();
    assert_eq!(server.desk.borrow().orders(&gate).len(), 1, "the cameras are told");
    for (wrong, says) in [
        (json!({ "state": "off" }), "state is armed"),
        (json!({ "state": "armed", "camera": "gat" }), "no camera"),
        (json!({ "state": "armed", "rule": "in" }), "has a rule in"),
        (json!({ "state": "armed", "for_s": 0 }), "for_s"),
        (json!({ "state": "armed", "forever": true }), "forever"),
    ] {
        let answer = arm(wrong);
        assert!((400..500).contains(&answer.status) && answer.body.contains(says), "{says}: {}", answer.body);
    }
    assert_eq!(
        server.get("/api/v1/arming").json()["orders"].as_array().unwrap().len(),
        1,
        "what is wrong changes nothing"
    );
    let form = ureq::http::Request::builder()
        .method("PUT")
        .uri(server.url("/api/v1/arming"))
        .header("content-type", "text/plain");
    let answer =
        crate::support::web_server::agent().run(form.body("{\"state\":\"disarmed\"}".to_owned()).unwrap()).unwrap();
    assert_eq!(answer.status(), 400, "what a page of another site can send without asking is not taken");
}

#[test]
fn only_what_stands_is_watched_and_only_where_a_rule_would_notice() {
    let server = WebServer::start();
    server.watching("gate", "Gate");
    let watch = |body| server.send("POST", "/api/v1/watched", &body);
    let bicycle = |id, stationary| SceneObject {
        track: TrackId(id),
        class: ObjectClass::Bicycle,
        label: None,
        confidence: Confidence::clamped(0.9),
        bbox: BBox::new(0.2, 0.4, 0.1, 0.2),
        seen: true,
        stationary,
        hidden: false,
    };
    let gate = CameraId::parse("gate").unwrap();
    let mut scene = SceneState { objects: vec![bicycle(7, true), bicycle(8, false)], ..SceneState::default() };
    server.board.set_scene(&gate, scene.clone());
    assert!(watch(json!({ "camera": "gate", "track": "7" })).body.contains("object_removed"));
    scene.removals = vec![RuleId::parse("gone").unwrap()];
    server.board.set_scene(&gate, scene);
    assert!(watch(json!({ "camera": "gate", "track": "8" })).body.contains("it moves"));
    assert!(watch(json!({ "camera": "gate", "at": [0.9, 0.9] })).body.contains("nothing stands there"));
    assert!(watch(json!({ "camera": "gate" })).body.contains("either track, or at"));
    let order = watch(json!({ "camera": "gate", "at": [0.25, 0.5], "by": "bert" }));
    assert_eq!((order.status, &order.json()["class"]), (200, &json!("bicycle")), "{}", order.body);
    assert_eq!(server.desk.borrow().things(&gate)[0].bbox, BBox::new(0.2, 0.4, 0.1, 0.2));
    let found = server.get("/api/v1/watched").json();
    assert_eq!((found["watched"].as_array().unwrap().len(), found["standing"].as_array().unwrap().len()), (1, 1));
    let id = order.json()["id"].as_i64().unwrap();
    assert_eq!(server.send("DELETE", &format!("/api/v1/watched/{id}"), &json!({})).status, 200);
    assert_eq!(server.send("DELETE", &format!("/api/v1/watched/{id}"), &json!({})).status, 404);
    assert_eq!(server.desk.borrow().things(&gate), []);
}
