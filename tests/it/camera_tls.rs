//! Cameras over TLS: whose certificates are taken. A real RTSP server, and authorities made by openssl for the test.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use lightbar::camera::{Credentials, RtspSettings, RtspSource, Transport};
use lightbar::clock::SystemClock;
use lightbar::domain::scene::BlindCause;

use crate::support::rtsp::{Login, PASSWORD, RtspServer, Serving, USER};
use crate::support::stage::{failure, packets};

const VIDEO: &str = "videotestsrc is-live=true ! video/x-raw,format=I420,width=160,height=120,framerate=25/1 \
    ! x264enc tune=zerolatency speed-preset=ultrafast key-int-max=25 ! rtph264pay name=pay0 pt=96";

/// An authority in a folder of its own.
struct Authority {
    folder: tempfile::TempDir,
}

impl Authority {
    fn new(name: &str) -> Self {
        let authority = Self { folder: tempfile::tempdir().unwrap() };
        let (key, certificate) = (authority.path("ca.key"), authority.certificate());
        openssl(
            &["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", &format!("/CN={name}")],
            &[("-keyout", &key), ("-out", &certificate)],
        );
        authority
    }

    fn path(&self, file: &str) -> PathBuf {
        self.folder.path().join(file)
    }

    /// What `ca_file` names.
    fn certificate(&self) -> PathBuf {
        self.path("ca.pem")
    }

    /// A certificate signed by it, and its key, in PEM.
    fn signs(&self, subject: &str, address: &str) -> String {
        let (key, request, certificate) = (self.path("key.pem"), self.path("request.pem"), self.path("cert.pem"));
        let extensions = self.path("extensions");
        std::fs::write(&extensions, format!("subjectAltName = {address}\n")).unwrap();
        openssl(&["req", "-newkey", "rsa:2048", "-nodes", "-subj", subject], &[("-keyout", &key), ("-out", &request)]);
        openssl(
            &["x509", "-req", "-days", "2", "-CAcreateserial"],
            &[
                ("-in", &request),
                ("-CA", &self.certificate()),
                ("-CAkey", &self.path("ca.key")),
                ("-extfile", &extensions),
                ("-out", &certificate),
            ],
        );
        std::fs::read_to_string(certificate).unwrap() + &std::fs::read_to_string(key).unwrap()
    }
}

fn openssl(words: &[&str], files: &[(&str, &Path)]) {
    let mut command = Command::new("openssl");
    command.args(words);
    for (option, file) in files {
        command.arg(option).arg(file);
    }
    let made = command.output().expect("openssl is installed");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
}

fn serve(pem: String) -> (RtspServer, RtspSettings) {
    let server = RtspServer::serve(Serving { tls: Some(pem), login: Login::Digest, ..Serving::new(VIDEO) });
    let mut settings = RtspSettings::new(&server.url(), Some(Credentials::new(USER, PASSWORD)));
    assert_eq!(settings.transport, Transport::Tls);
    settings.answer_timeout = Duration::from_secs(20); // a test machine may be busy
    (server, settings)
}

fn source(settings: &RtspSettings) -> RtspSource {
    RtspSource::new(settings.clone(), Arc::new(SystemClock))
}

async fn assert_sees(settings: &RtspSettings) {
    let got = packets(&source(settings), 30).await.unwrap();
    assert!(got.len() == 30 && got[0].key);
}

async fn assert_refuses(settings: &RtspSettings) {
    let refused = failure(&source(settings)).await;
    assert_eq!(refused.cause, BlindCause::Unreachable);
    assert!(refused.message.contains("certificate") && refused.message.contains("ca_file"), "{refused}");
}

#[tokio::test]
async fn a_certificate_that_nobody_vouches_for_is_refused_unless_the_check_is_off() {
    let factory = Authority::new("factory");
    let (_server, mut settings) = serve(factory.signs("/CN=camera", "IP:127.0.0.1"));
    assert_refuses(&settings).await;
    settings.verify_tls = false;
    assert_sees(&settings).await;
}

#[tokio::test]
async fn an_authority_of_the_sites_own_vouches_for_its_cameras_and_for_no_other() {
    let (ours, theirs) = (Authority::new("site"), Authority::new("elsewhere"));
    let (_server, mut settings) = serve(ours.signs("/CN=camera", "IP:127.0.0.1"));
    settings.ca_file = Some(theirs.certificate());
    assert_refuses(&settings).await;
    settings.ca_file = Some(ours.certificate());
    assert_sees(&settings).await;
}

#[tokio::test]
async fn a_good_certificate_of_another_address_is_refused() {
    let ours = Authority::new("site");
    let (_server, mut settings) = serve(ours.signs("/CN=another camera", "IP:127.0.0.9"));
    settings.ca_file = Some(ours.certificate());
    assert_refuses(&settings).await;
}

#[tokio::test]
async fn authorities_that_are_gone_are_named() {
    let mut settings = RtspSettings::new("rtsps://127.0.0.1:9/nobody", None);
    settings.ca_file = Some("/nowhere/gone.pem".into());
    let Err(error) = lightbar::pipeline::ports::PacketSource::open(&source(&settings)) else { panic!("it opens") };
    assert!(error.cause == BlindCause::Unusable && error.message.contains("gone.pem"), "{error}");
}
