//! The demo's broker: one that comes with the binary, a real Apache Kafka beside it, or one that is there already.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, bail};

use crate::contract::Site;
use crate::kafka::{
    KafkaSettings,
    embedded::EmbeddedBroker,
    topics::{self, Safety},
};

/// A broker; dropping it ends what was started.
pub(super) struct Broker {
    address: String,
    _embedded: Option<EmbeddedBroker>,
    _real: Option<RealBroker>,
}

/// Apache Kafka as a child process.
struct RealBroker(Child);

impl Drop for RealBroker {
    fn drop(&mut self) {
        if let Err(error) = self.0.kill().and_then(|()| self.0.wait().map(drop)) {
            tracing::warn!(%error, "the demo's Kafka may still run");
        }
    }
}

impl Broker {
    /// `embedded`, `real`, or an address; its topics are there when this returns.
    pub(super) async fn start(which: &str, cache: &Path, site: &Site) -> anyhow::Result<Self> {
        let specs = topics::wanted(site, 3);
        if which == "embedded" {
            let names: Vec<String> = specs.into_iter().map(|spec| spec.name).collect();
            let embedded = EmbeddedBroker::start(&names, 3)?;
            return Ok(Self {
                address: embedded.bootstrap_servers().to_owned(),
                _embedded: Some(embedded),
                _real: None,
            });
        }
        let (address, real) = if which == "real" {
            let (address, child) = start_real(cache).await?;
            (address, Some(child))
        } else {
            (which.to_owned(), None)
        };
        topics::ensure(&KafkaSettings::plain(&*address), &specs, Safety::SINGLE_BROKER).await?;
        Ok(Self { address, _embedded: None, _real: real })
    }

    pub(super) fn address(&self) -> &str {
        &self.address
    }
}

async fn start_real(cache: &Path) -> anyhow::Result<(String, RealBroker)> {
    let script = Path::new("scripts/kafka.sh");
    if !script.exists() {
        bail!(
            "a real Kafka is started by scripts/kafka.sh of the project's folder; run the demo there, or name a broker: --kafka HOST:PORT"
        );
    }
    let data = cache.join("kafka");
    if data.exists() {
        std::fs::remove_dir_all(&data).with_context(|| format!("cannot clear {}", data.display()))?;
    }
    std::fs::create_dir_all(&data).with_context(|| format!("cannot make {}", data.display()))?;
    let log = std::fs::File::create(cache.join("kafka.log")).context("cannot write the broker's log")?;
    let port = free_port()?;
    let child = Command::new(script)
        .args(["run", "--port", &port.to_string(), "--data"])
        .arg(&data)
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .spawn()
        .context("cannot run scripts/kafka.sh")?;
    let mut broker = RealBroker(child);
    let address = format!("127.0.0.1:{port}");
    let settings = KafkaSettings::plain(&*address);
    for _ in 0..40 {
        let asked = settings.clone();
        match tokio::task::spawn_blocking(move || topics::reachable(&asked))
            .await
            .context("asking the broker panicked")?
        {
            Ok(_) => return Ok((address, broker)),
            Err(error) => tracing::debug!(%error, "the broker does not answer yet"),
        }
        if let Some(status) = broker.0.try_wait()? {
            bail!("Kafka ended with {status}; {} says why", cache.join("kafka.log").display());
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    bail!("Kafka does not answer on {address}; {} says why", cache.join("kafka.log").display())
}

/// A port that is free now, with the next one (Kafka's controller takes it).
fn free_port() -> anyhow::Result<u16> {
    for _ in 0..50 {
        let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        if port < u16::MAX && std::net::TcpListener::bind(("127.0.0.1", port + 1)).is_ok() {
            return Ok(port);
        }
    }
    bail!("this machine has no two free ports in a row")
}
