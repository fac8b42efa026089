//! TLS, certificates of clients, SCRAM: against a real Apache Kafka with certificates made for the test; and that new certificates
//! and passwords are taken without a restart.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use lightbar::domain::time::Timestamp;
use lightbar::kafka::{KafkaPublisher, KafkaSettings, Mechanism, Sasl, Secret, Tls};
use lightbar::pipeline::ports::{OutboxRecord, PublishError, Publisher};

use crate::support::broker::Broker;
use crate::support::facts::site;

fn openssl(folder: &Path, arguments: &str) {
    let output =
        Command::new("openssl").args(arguments.split(' ')).current_dir(folder).output().expect("openssl is here");
    assert!(output.status.success(), "openssl {arguments}: {}", String::from_utf8_lossy(&output.stderr));
}

/// An authority.
fn authority(folder: &Path, name: &str) {
    let subject = format!("/CN={name}");
    openssl(
        folder,
        &format!("req -x509 -newkey rsa:2048 -nodes -keyout {name}.key -out {name}.pem -days 2 -subj {subject}"),
    );
}

/// A key and a certificate signed by an authority, good for this machine.
fn signed(folder: &Path, name: &str, by: &str) {
    fs::write(folder.join("san"), "subjectAltName=DNS:localhost,IP:127.0.0.1").unwrap();
    openssl(folder, &format!("req -newkey rsa:2048 -nodes -keyout {name}.key -out {name}.csr -subj /CN={name}"));
    openssl(
        folder,
        &format!(
            "x509 -req -in {name}.csr -CA {by}.pem -CAkey {by}.key -CAcreateserial -days 2 -extfile san -out {name}.pem"
        ),
    );
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn settings(port: u16, tls: Tls) -> KafkaSettings {
    let mut settings = KafkaSettings::plain(format!("127.0.0.1:{port}"));
    settings.ack_timeout = Duration::from_secs(5);
    settings.tls = Some(tls);
    settings
}

async fn send(publisher: &mut KafkaPublisher, topic: &str) -> Result<(), PublishError> {
    let at = lightbar::pipeline::ports::Clock::now(&lightbar::clock::SystemClock);
    let record = |at: Timestamp| OutboxRecord {
        row: 1,
        topic: topic.to_owned(),
        key: "gate".to_owned(),
        headers: Vec::new(),
        value: b"{}".to_vec(),
        captured_at: at,
        recorded_at: at,
    };
    publisher.publish(&[record(at)]).await
}

/// Puts files in the place of others, as certificate tools do: whole, by renaming.
fn renew(folder: &Path, from: &str, to: &str) {
    for kind in ["pem", "key"] {
        let fresh = folder.join(format!("{to}.{kind}.new"));
        fs::copy(folder.join(format!("{from}.{kind}")), &fresh).unwrap();
        fs::rename(fresh, folder.join(format!("{to}.{kind}"))).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tls_certificates_and_scram_are_taken_and_renewed_while_it_runs() {
    let keys = tempfile::tempdir().unwrap();
    let at = |name: &str| -> PathBuf { keys.path().join(name) };
    for name in ["ca", "other"] {
        authority(keys.path(), name);
    }
    for (name, by) in [("server", "ca"), ("first", "ca"), ("second", "ca"), ("stranger", "other")] {
        signed(keys.path(), name, by);
    }
    let chain = fs::read_to_string(at("server.key")).unwrap() + &fs::read_to_string(at("server.pem")).unwrap();
    fs::write(at("server.all.pem"), chain).unwrap();
    let (tls, mutual, scram) = (free_port(), free_port(), free_port());
    let properties = |port: u16| {
        format!(
            "listeners=CLIENT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{},TLS://127.0.0.1:{tls},MUTUAL://127.0.0.1:{mutual},\
             SCRAM://127.0.0.1:{scram}\n\
             advertised.listeners=CLIENT://127.0.0.1:{port},TLS://127.0.0.1:{tls},MUTUAL://127.0.0.1:{mutual},SCRAM://127.0.0.1:{scram}\n\
             listener.security.protocol.map=CLIENT:PLAINTEXT,CONTROLLER:PLAINTEXT,TLS:SSL,MUTUAL:SSL,SCRAM:SASL_SSL\n\
             ssl.keystore.type=PEM\nssl.keystore.location={}\nssl.truststore.type=PEM\nssl.truststore.location={}\n\
             listener.name.mutual.ssl.client.auth=required\nsasl.enabled.mechanisms=SCRAM-SHA-512\n\
             listener.name.scram.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;\n",
            port + 1,
            at("server.all.pem").display(),
            at("ca.pem").display(),
        )
    };
    let Some(broker) = Broker::start_with(false, properties, Some("lightbar:right")) else { return };
    broker.create_topics(&site()).await;
    let topic = site().alerts_topic();

    let ours = || Tls { ca: Some(at("ca.pem")), ..Tls::default() };
    send(&mut KafkaPublisher::new(settings(tls, ours())), &topic).await.expect("TLS");
    let theirs = Tls { ca: Some(at("other.pem")), ..Tls::default() };
    let refused = send(&mut KafkaPublisher::new(settings(tls, theirs)), &topic).await.unwrap_err();
    assert_eq!(refused.reason, "unauthorized", "a server of another authority: {refused}");

    // Mutual: without a certificate there is no way in; with one there is; and it is renewed while the publisher lives.
    assert!(send(&mut KafkaPublisher::new(settings(mutual, ours())), &topic).await.is_err());
    renew(keys.path(), "first", "client");
    let with_ours = Tls { certificate: Some(at("client.pem")), key: Some(at("client.key")), ..ours() };
    let mut publisher = KafkaPublisher::new(settings(mutual, with_ours));
    send(&mut publisher, &topic).await.expect("our certificate");
    renew(keys.path(), "stranger", "client");
    send(&mut publisher, &topic).await.expect_err("what was put in its place is used, and refused");
    renew(keys.path(), "second", "client");
    send(&mut publisher, &topic).await.expect("a renewed certificate, without a restart");

    // SCRAM within TLS, with the password in a file that is changed.
    fs::write(at("password"), "wrong\n").unwrap();
    let mut with_password = settings(scram, ours());
    with_password.sasl = Some(Sasl {
        mechanism: Mechanism::ScramSha512,
        username: "lightbar".to_owned(),
        password: Secret::new("unused"),
        password_file: Some(at("password")),
    });
    let mut publisher = KafkaPublisher::new(with_password);
    let refused = send(&mut publisher, &topic).await.unwrap_err();
    assert_eq!(refused.reason, "unauthorized", "{refused}");
    assert!(!refused.message.contains("wrong"), "{refused}");
    fs::write(at("password"), "right\n").unwrap();
    send(&mut publisher, &topic).await.expect("the right password, without a restart");
}
