//! A broker of our own for the demo: librdkafka's mock cluster, which speaks the real protocol over real TCP, so that kcat and
//! any other client can read along. Keeps what it is sent in memory, and no more than 5 MiB of it per partition.

use std::sync::mpsc;
use std::thread::JoinHandle;

use rdkafka::mocking::MockCluster;

use super::errors::OTHER;
use crate::pipeline::ports::PublishError;

/// A running broker; dropping it ends it.
#[derive(Debug)]
pub struct EmbeddedBroker {
    address: String,
    stop: Option<mpsc::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl EmbeddedBroker {
    /// Starts it on a free port of this machine, with these topics (it can make none on request).
    pub fn start(topics: &[String], partitions: i32) -> Result<Self, PublishError> {
        let (report, reported) = mpsc::channel();
        let (stop, stopped) = mpsc::channel::<()>();
        let topics = topics.to_vec();
        // The cluster may not move between threads, so it lives and dies on one.
        let thread = std::thread::Builder::new()
            .name("embedded-kafka".to_owned())
            .spawn(move || match cluster(&topics, partitions) {
                Ok(cluster) => {
                    drop(report.send(Ok(cluster.bootstrap_servers())));
                    // Nothing is ever said: it ends when the other side is gone.
                    while stopped.recv().is_ok() {}
                }
                Err(error) => drop(report.send(Err(error))),
            })
            .map_err(|e| failed(&e))?;
        let address = reported.recv().map_err(|e| failed(&e))?.map_err(|e| failed(&e))?;
        Ok(Self { address, stop: Some(stop), thread: Some(thread) })
    }

    /// `127.0.0.1:port`.
    pub fn bootstrap_servers(&self) -> &str {
        &self.address
    }
}

impl Drop for EmbeddedBroker {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the embedded broker's thread panicked");
        }
    }
}

fn cluster(
    topics: &[String],
    partitions: i32,
) -> Result<MockCluster<'static, rdkafka::producer::DefaultProducerContext>, rdkafka::error::KafkaError> {
    let cluster = MockCluster::new(1)?;
    for topic in topics {
        cluster.create_topic(topic, partitions, 1)?;
    }
    Ok(cluster)
}

fn failed(error: &dyn std::error::Error) -> PublishError {
    PublishError { reason: OTHER, message: format!("the embedded broker did not start: {error}") }
}
