//! Access rules of the broker, changed by Kafka's own protocol: no library of ours speaks this part of it, and a JVM per change
//! would cost seconds.

use std::io::{Read, Write};
use std::net::TcpStream;

const CREATE: i16 = 30;
const DELETE: i16 = 31;
const TOPIC: u8 = 2;
const CLUSTER: u8 = 4;
const LITERAL: u8 = 3;
const PREFIXED: u8 = 4;
const ALL: u8 = 2;
const WRITE: u8 = 4;
const IDEMPOTENT_WRITE: u8 = 12;
const ANY: u8 = 1;
const DENY: u8 = 2;
const ALLOW: u8 = 3;

/// Forbids an account to write to topics that begin with a prefix; it still sees them.
pub(crate) fn forbid_writing(broker: &str, account: &str, prefix: &str) {
    create(broker, prefix, "User:*", ALL, ALLOW);
    create(broker, prefix, &format!("User:{account}"), WRITE, DENY);
}

/// Hides topics that begin with a prefix from an account.
pub(crate) fn hide(broker: &str, account: &str, prefix: &str) {
    create(broker, prefix, &format!("User:{account}"), ALL, DENY);
}

/// Takes back all that was said about topics that begin with a prefix.
pub(crate) fn allow_again(broker: &str, prefix: &str) {
    let mut body = Vec::new();
    body.extend(1_i32.to_be_bytes());
    body.push(TOPIC);
    text(&mut body, prefix);
    body.push(PREFIXED);
    body.extend((-1_i16).to_be_bytes()); // any account
    body.extend((-1_i16).to_be_bytes()); // any host
    body.extend([ANY, ANY]);
    ask(broker, DELETE, &body);
}

fn create(broker: &str, prefix: &str, account: &str, operation: u8, permission: u8) {
    rule(broker, (TOPIC, prefix, PREFIXED), account, operation, permission);
}

/// Forbids an account to produce at all.
#[allow(dead_code, reason = "for the tests of single refusals")]
pub(crate) fn forbid_producing(broker: &str, account: &str) {
    let account = format!("User:{account}");
    // Where any rule is found, only what a rule allows is allowed.
    for place in [(TOPIC, "*", LITERAL), (CLUSTER, "kafka-cluster", LITERAL)] {
        rule(broker, place, "User:*", ALL, ALLOW);
    }
    rule(broker, (TOPIC, "*", LITERAL), &account, WRITE, DENY);
    rule(broker, (CLUSTER, "kafka-cluster", LITERAL), &account, IDEMPOTENT_WRITE, DENY);
}

fn rule(broker: &str, (kind, name, pattern): (u8, &str, u8), account: &str, operation: u8, permission: u8) {
    let mut body = Vec::new();
    body.extend(1_i32.to_be_bytes());
    body.push(kind);
    text(&mut body, name);
    body.push(pattern);
    text(&mut body, account);
    text(&mut body, "*");
    body.extend([operation, permission]);
    let answer = ask(broker, CREATE, &body);
    // throttle time, number of results, then an error code each
    let code = i16::from_be_bytes([answer[8], answer[9]]);
    assert_eq!(code, 0, "the broker did not take the access rule");
}

fn text(into: &mut Vec<u8>, text: &str) {
    into.extend(i16::try_from(text.len()).unwrap().to_be_bytes());
    into.extend(text.as_bytes());
}

/// Sends a request of version 1 and gives the body of the answer.
fn ask(broker: &str, what: i16, body: &[u8]) -> Vec<u8> {
    let mut request = Vec::new();
    request.extend(what.to_be_bytes());
    request.extend(1_i16.to_be_bytes());
    request.extend(7_i32.to_be_bytes());
    text(&mut request, "faults");
    request.extend(body);
    let mut stream = TcpStream::connect(broker).unwrap();
    stream.set_read_timeout(Some(std::time::Duration::from_secs(30))).unwrap();
    stream.write_all(&i32::try_from(request.len()).unwrap().to_be_bytes()).unwrap();
    stream.write_all(&request).unwrap();
    let mut length = [0; 4];
    stream.read_exact(&mut length).unwrap();
    let mut answer = vec![0; usize::try_from(i32::from_be_bytes(length)).unwrap()];
    stream.read_exact(&mut answer).unwrap();
    answer.split_off(4)
}
