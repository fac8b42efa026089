//! The page in a real browser: alerts appear live, in both languages, and a dead connection is said.

use std::sync::Arc;

use lightbar::domain::scene::BlindCause;
use serde_json::json;

use crate::support::chromium::Chromium;
use crate::support::facts::{self, opened};
use crate::support::web_server::{WebServer, alert};

const TEXT: &str = "document.body.innerText";

#[test]
fn alerts_appear_live_in_both_languages_and_a_lost_connection_is_said() {
    let Some(mut browser) = Chromium::start() else { return };
    let mut server = WebServer::start();
    server.watching("corridor-3", "Corridor 3");
    browser.open(&server.url("/"), "zh-CN,zh", 1280, 800);
    browser.wait_for(&format!("{TEXT}.includes('没有发生任何事件') && {TEXT}.includes('实时')"));
    browser.picture("quiet-zh.png");

    let first = alert(1, 1, "opened", 3);
    server.record(&first);
    browser.wait_for("document.querySelectorAll('#alerts article').length === 1");
    browser.wait_for(&format!(
        "{TEXT}.includes('1号自行车被移走') && {TEXT}.includes('中等') && {TEXT}.includes('进行中')"
    ));
    browser.evaluate("document.querySelector('[data-lang=en]').click()");
    browser.wait_for(&format!("{TEXT}.includes('bicycle 1 gone from the stand') && {TEXT}.includes('Moderate')"));
    assert_eq!(browser.evaluate("document.documentElement.lang"), "en");

    // The newer comes on top; a change of the older changes it in place.
    server.record(&alert(2, 1, "opened", 0));
    let mut ended = first.clone();
    ended["revision"] = 2.into();
    ended["phase"] = "ended".into();
    ended["timing"]["ended_at"] = ended["timing"]["captured_at"].clone();
    server.record(&ended);
    browser.wait_for("document.querySelectorAll('#alerts article').length === 2");
    browser.wait_for("document.querySelectorAll('#alerts article')[1].innerText.includes('Ended after 3 s')");
    browser.wait_for("document.querySelectorAll('#alerts article')[0].innerText.includes('bicycle 2')");
    browser.picture("feed-en.png");

    // The keyboard: next, and the filter.
    browser.evaluate("document.dispatchEvent(new KeyboardEvent('keydown', { key: 'j', bubbles: true }))");
    assert_eq!(browser.evaluate("document.activeElement.dataset.alert").as_str(), alert_id(&server, 2).as_deref());
    browser.evaluate(
        "const f = document.getElementById('filter'); f.value = 'bicycle 2'; f.dispatchEvent(new Event('input'))",
    );
    browser.wait_for("document.querySelectorAll('#alerts article').length === 1");
    browser.evaluate("f.value = ''; f.dispatchEvent(new Event('input'))");

    let complaints = std::mem::take(&mut browser.complaints);
    assert!(complaints.is_empty(), "the page complained: {complaints:?}");

    // A dead service is said at once; a service that is back is used without a gap.
    let (address, feed) = (server.address, Arc::clone(&server.feed));
    server.stop();
    browser.wait_for(&format!("{TEXT}.includes('Disconnected since') && {TEXT}.includes('may be old')"));
    browser.picture("lost-en.png");
    let again = WebServer::start_on(address, feed, 64, 8);
    again.blind("corridor-3", "Corridor 3", BlindCause::Unreachable);
    again.record(&alert(3, 1, "opened", 0));
    browser.wait_for(&format!(
        "{TEXT}.includes('bicycle 3') && {TEXT}.includes('Live') && !{TEXT}.includes('may be old')"
    ));
    browser.wait_for(&format!("{TEXT}.includes('Blind for')"));
}

#[test]
fn no_alert_is_told_from_nobody_looking_and_markup_in_names_is_text() {
    let Some(mut browser) = Chromium::start() else { return };
    let server = WebServer::start();
    server.watching("gate", "North gate");
    server.blind("yard", "<img src=x onerror=document.title='broken'>", BlindCause::Stalled);
    browser.open(&server.url("/"), "en-GB,en", 390, 844);
    browser.wait_for(&format!("{TEXT}.includes('Nobody is looking at') && {TEXT}.includes('1 of 2 watching')"));
    browser.wait_for(&format!("{TEXT}.includes('<img src=x')"));
    let mut alert = alert(1, 1, "opened", 0);
    alert["text"]["en"]["headline"] = "<b onclick=alert(1)>hello</b>".into();
    alert["kind"] = "kind_from_the_future".into();
    server.record(&alert);
    browser.wait_for(&format!("{TEXT}.includes('<b onclick') && {TEXT}.includes('kind from the future')"));
    assert_eq!(browser.evaluate("document.querySelectorAll('main b, .cameras img').length"), 0);
    assert_eq!(browser.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), true, "it fits a phone");
    browser.picture("phone-en.png");
}

#[test]
fn an_operator_acts_on_the_page_and_sees_what_others_do() {
    let Some(mut browser) = Chromium::start() else { return };
    let server = WebServer::start();
    server.watching("gate", "North gate");
    server.decide(&opened("gate", 1));
    browser.open(&server.url("/"), "en-GB,en", 1280, 800);
    browser.wait_for(&format!("{TEXT}.includes('New') && {TEXT}.includes('Live')"));
    browser.evaluate("document.getElementById('who').value = 'anna'");
    browser.evaluate("document.querySelector('[data-action=acknowledge]').click()");
    browser.wait_for("document.querySelector('.handled').innerText === 'Acknowledged'");
    browser.picture("acknowledged-en.png");
    // By the keyboard, and as a colleague at another place.
    browser.evaluate("document.querySelector('#alerts article').focus()");
    browser.evaluate("document.dispatchEvent(new KeyboardEvent('keydown', { key: 'v', bubbles: true }))");
    browser.wait_for("document.querySelector('.handled').innerText === 'Verified'");
    let path = format!("/api/v1/alerts/{}/transitions", facts::alert_id(1));
    let sent = server.send("POST", &path, &json!({ "action": "dispatch", "by": "bert", "recipient": "unit-7" }));
    assert_eq!(sent.status, 200, "{}", sent.body);
    browser.wait_for("document.querySelector('.handled').innerText === 'Dispatched'");
    let history = server.get(&path.replace("transitions", "history")).json();
    assert_eq!((&history["entries"][0]["actor"], &history["entries"][1]["actor"]), (&json!("anna"), &json!("anna")));

    server.decide(&opened("gate", 2));
    browser.evaluate("document.querySelector('[data-lang=zh-CN]').click()");
    browser.wait_for(&format!("{TEXT}.includes('待处理') && {TEXT}.includes('已派警')"));
    browser.evaluate(
        "const s = document.querySelector('select.act'); s.value = 'false_model'; s.dispatchEvent(new Event('change'))",
    );
    browser.wait_for("document.querySelector('.handled').innerText === '已解除'");
    browser.picture("dismissed-zh.png");
    browser.evaluate("document.querySelector('[data-action=undo]').click()");
    browser.wait_for("document.querySelector('.handled').innerText === '待处理'");
    let complaints = std::mem::take(&mut browser.complaints);
    assert!(complaints.is_empty(), "the page complained: {complaints:?}");
}

/// What others do and cameras see must not close a list under an operator's hands.
#[test]
fn an_open_list_of_dispositions_stays_open_while_alerts_come() {
    const LIST: &str = "document.querySelector('select.act')";
    let Some(mut browser) = Chromium::start() else { return };
    let server = WebServer::start();
    server.watching("gate", "North gate");
    server.decide(&opened("gate", 1));
    browser.open(&server.url("/"), "en-GB,en", 1280, 800);
    browser.wait_for(&format!("{LIST} && {TEXT}.includes('Live')"));
    let middle = browser.evaluate(&format!(
        "(() => {{ const at = {LIST}.getBoundingClientRect(); window.list = {LIST}; return [at.x + at.width / 2, at.y + at.height / 2]; }})()"
    ));
    for what in ["mousePressed", "mouseReleased"] {
        let click = json!({ "type": what, "x": middle[0], "y": middle[1], "button": "left", "clickCount": 1 });
        browser.call("Input.dispatchMouseEvent", &click);
    }
    browser.wait_for("window.list.matches(':open')");

    // Another alert comes, and a colleague acknowledges the one whose list is open.
    server.decide(&opened("yard", 2));
    browser.wait_for("document.querySelectorAll('#alerts article').length === 2");
    let path = format!("/api/v1/alerts/{}/transitions", facts::alert_id(1));
    assert_eq!(server.send("POST", &path, &json!({ "action": "acknowledge", "by": "bert" })).status, 200);
    server.decide(&opened("hall", 3));
    browser.wait_for("document.querySelectorAll('#alerts article').length === 3");
    assert_eq!(browser.evaluate("window.list.isConnected && window.list.matches(':open')"), true);
    let order = "[...document.querySelectorAll('#alerts article')].indexOf(window.list.closest('article'))";
    assert_eq!(browser.evaluate(order), 2, "the older alert is below the newer ones");

    // Left, its card says what happened meanwhile; and what is chosen is done.
    browser.evaluate("window.list.blur()");
    browser.wait_for(&format!("{TEXT}.includes('Acknowledged')"));
    browser.evaluate(
        "const s = [...document.querySelectorAll('select.act')].at(-1); s.focus(); s.value = 'drill'; s.dispatchEvent(new Event('change'))",
    );
    browser.wait_for(&format!("{TEXT}.includes('Dismissed')"));
    let complaints = std::mem::take(&mut browser.complaints);
    assert!(complaints.is_empty(), "the page complained: {complaints:?}");
}

/// The id of the alert with that row's place in the feed.
fn alert_id(server: &WebServer, row: i64) -> Option<String> {
    use lightbar::pipeline::ports::FeedReader as _;
    server.feed.changes_after(row - 1, 1).unwrap().first().map(|change| change.alert.to_string())
}
