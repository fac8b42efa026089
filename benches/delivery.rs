//! What delivery costs: commits of the outbox, and records to a real Kafka.
//!
//! `cargo bench --bench delivery`. Compare figures of one run only: the disk's sync and the broker share the machine.
#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout, reason = "a bench")]

#[allow(dead_code, reason = "shared with the tests")]
#[path = "../tests/it/support/facts.rs"]
mod facts;
#[allow(dead_code, reason = "shared with the tests")]
#[path = "../tests/it/support/skipped.rs"]
mod skipped;
#[path = "../tests/it/support/broker.rs"]
mod broker;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use lightbar::contract::AlertV1;
use lightbar::domain::alert::AlertKind;
use lightbar::kafka::KafkaPublisher;
use lightbar::pipeline::ports::{Fact, FactStore, Outbox, Publisher};
use lightbar::store::{Options, Store};

/// Alerts that were never recorded before.
struct Fresh(u64);

impl Fresh {
    fn batch(&mut self, size: u64) -> Vec<Fact> {
        self.0 += size;
        (self.0 - size..self.0).map(|n| facts::opened("gate-north", n)).collect()
    }
}

fn commits(c: &mut Criterion) {
    let mut group = c.benchmark_group("outbox commit, synced");
    group.sample_size(20);
    for size in [1, 16, 256] {
        let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let store = Store::open(dir.path(), Options::default()).unwrap();
        let mut writer = store.writer(facts::site()).unwrap();
        let mut fresh = Fresh(0);
        group.throughput(Throughput::Elements(size));
        group.bench_function(format!("{size} alerts in one commit"), |b| {
            b.iter_batched(
                || fresh.batch(size),
                |batch| writer.record(&batch, facts::EIGHT).unwrap(),
                criterion::BatchSize::SmallInput,
            );
        });
    }
    group.finish();
}

fn json(c: &mut Criterion) {
    let decided = facts::decided(AlertKind::Loitering, "gate-north", 1);
    let site = facts::site();
    c.bench_function("alert to JSON", |b| b.iter(|| AlertV1::new(&decided, &site, facts::EIGHT).to_json()));
}

/// Reads a batch of 500 from the outbox and has it acknowledged by a real broker (`acks=all`, zstd).
fn relay(c: &mut Criterion) {
    let Some(broker) = broker::Broker::start(false) else {
        println!("relay to a real Kafka: NOT MEASURED");
        return;
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(broker.create_topics(&facts::site()));
    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let store = Store::open(dir.path(), Options::default()).unwrap();
    store.writer(facts::site()).unwrap().record(&Fresh(0).batch(500), facts::EIGHT).unwrap();
    let mut outbox = store.outbox().unwrap();
    let mut publisher = KafkaPublisher::new(broker.settings());
    let mut group = c.benchmark_group("relay to a real Kafka");
    group.sample_size(20).throughput(Throughput::Elements(500));
    group.bench_function("500 records read and acknowledged", |b| {
        b.iter(|| {
            let batch = outbox.unsent(0, 500).unwrap();
            assert_eq!(batch.len(), 500);
            runtime.block_on(publisher.publish(&batch)).unwrap();
        });
    });
    group.finish();
}

criterion_group!(benches, commits, json, relay);
criterion_main!(benches);
