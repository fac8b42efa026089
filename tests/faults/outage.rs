//! A long outage, measured: an hour of alerts while the broker is away, in less time; memory, the outbox's depth and age, and how fast
//! it drains beside what the broker takes at best. Draws the picture in docs/.

use std::fmt::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use lightbar::domain::time::Timestamp;
use lightbar::kafka::KafkaPublisher;
use lightbar::pipeline::ports::{OutboxRecord, Publisher};

use crate::proxy::Network;
use crate::run::Ground;
use crate::verdict;
use crate::world::{Room, World};

/// An hour at a hundred a second, as fast as it can be made.
const CHANGES: u64 = 360_000;
const RATE: u32 = 4000;
/// How long is watched at a quiet hundred a second, for the time from commit to acknowledgement.
const QUIET: Duration = Duration::from_secs(30);

/// A broker that has just been started is slow to everybody at first.
const WARM_UP: Duration = Duration::from_secs(10);

/// One look at the service.
struct Sample {
    at_s: f64,
    depth: u64,
    age_s: f64,
    resident_mib: f64,
}

/// Runs it and draws it; an `Err` says what does not hold.
pub(crate) fn measure(ground: &mut Ground, picture: &Path) -> Result<(), String> {
    let prefix = "outage";
    ground.make_topics(prefix);
    let address = format!("127.0.0.1:{}", ground.proxy.port());
    let mut world = World::new(&address, prefix, &ground.abilities, (1, 100), Room::Ample);
    world.start();
    std::thread::park_timeout(WARM_UP);
    let name = "lightbar_relay_record_to_ack_seconds";
    let before = world.histogram(name);
    std::thread::park_timeout(QUIET);
    let after = world.histogram(name);
    println!(
        "commit and publish at 100 changes per second: p50 below {} ms, p99 below {} ms (bounds of buckets)",
        quantile(&before, &after, 0.5) * 1000.0,
        quantile(&before, &after, 0.99) * 1000.0
    );
    world.stop(Duration::from_mins(1))?;

    world.set_rate(RATE);
    world.start();
    std::thread::park_timeout(Duration::from_secs(3));
    let begun = Instant::now();
    let mut samples = Vec::new();
    let look = |world: &World, samples: &mut Vec<Sample>| {
        let (depth, age_s) = verdict::waiting(&world.data()).unwrap_or_default();
        samples.push(Sample { at_s: begun.elapsed().as_secs_f64(), depth, age_s, resident_mib: world.resident_mib() });
        depth
    };
    ground.proxy.set(Network::Cut);
    while look(&world, &mut samples) < CHANGES {
        if begun.elapsed() > Duration::from_mins(6) {
            break;
        }
        std::thread::park_timeout(Duration::from_millis(500));
    }
    let away = begun.elapsed();
    // A source that goes on would hide how fast the backlog drains.
    world.stop(Duration::from_secs(90))?;
    let waited = verdict::unsent(&world.data()).unwrap_or_default();
    let at_the_end = samples.len();
    // Straight to the broker: the proxy's own work would be a third of what is measured.
    world.set_brokers(&ground.broker.address(), false);
    world.set_rate(0);
    world.start();
    let (mut first, mut last) = (None, Instant::now());
    while begun.elapsed() < Duration::from_mins(9) {
        let depth = look(&world, &mut samples);
        if depth < waited && first.is_none() {
            first = Some((Instant::now(), depth));
        }
        last = Instant::now();
        if depth == 0 {
            break;
        }
        std::thread::park_timeout(Duration::from_millis(200));
    }
    let (began_at, left) = first.ok_or("nothing drained")?;
    let drained = left as f64 / last.duration_since(began_at).as_secs_f64().max(0.001);
    world.stop(Duration::from_mins(1))?;
    let limit = brokers_limit(ground);
    ground.proxy.set(Network::Passes);
    let memory = |part: &[Sample]| part.iter().map(|s| s.resident_mib).fold(0.0, f64::max);
    let (away_samples, drain_samples) = samples.split_at(at_the_end);
    let (begin, end) = (&away_samples[..at_the_end / 3], &away_samples[at_the_end * 2 / 3..]);
    println!(
        "broker away for {:.0} s: {waited} records waited; memory at most {:.0} MiB in the first third, {:.0} MiB in the last, \
         {:.0} MiB while it drained\n\
         drained at {drained:.0} records per second; the same publisher alone, without a store: {limit:.0}",
        away.as_secs_f64(),
        memory(begin),
        memory(end),
        memory(drain_samples)
    );
    std::fs::write(picture, svg(&samples)).map_err(|e| format!("{}: {e}", picture.display()))?;
    verdict::judge(&world.data(), &world.journal(), &ground.broker.settings(), prefix)
        .map(|held| println!("{} decided, all in Kafka, {} sent twice", held.decided, held.repeated))
}

/// The upper bound of the bucket in which a share of what was observed between two looks at a histogram is reached.
fn quantile(before: &[(f64, f64)], after: &[(f64, f64)], share: f64) -> f64 {
    let new: Vec<(f64, f64)> = before.iter().zip(after).map(|(old, new)| (new.0, new.1 - old.1)).collect();
    let all = new.last().map_or(0.0, |(_, count)| *count);
    new.iter().find(|(_, count)| *count >= all * share).map_or(f64::NAN, |(bound, _)| *bound)
}

/// What the broker takes from our publisher when nothing is read from or noted in a store: records per second.
fn brokers_limit(ground: &Ground) -> f64 {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let at = Timestamp::from_millis(
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis() as i64,
    );
    let value = (0..60).map(|n| format!("{{\"object\":{n},\"x\":0.{n}7,\"y\":0.2}},")).collect::<Vec<_>>().concat();
    let batch: Vec<OutboxRecord> = (0..4000)
        .map(|row| OutboxRecord {
            row,
            topic: "outage.resend.v1".to_owned(),
            key: format!("drill-{}", row % 8),
            headers: (0..14).map(|n| (format!("ce_header{n}"), format!("value {n} of {row}"))).collect(),
            value: value.clone().into_bytes(),
            captured_at: at,
            recorded_at: at,
        })
        .collect();
    let mut publisher = KafkaPublisher::new(ground.broker.settings());
    let begun = Instant::now();
    let mut sent = 0;
    while begun.elapsed() < Duration::from_secs(10) {
        runtime.block_on(publisher.publish(&batch)).unwrap();
        sent += batch.len();
    }
    sent as f64 / begun.elapsed().as_secs_f64()
}

/// A curve: its name, its colour, and its value at a sample.
type Curve = (&'static str, &'static str, fn(&Sample) -> f64);

/// Three curves over one time line.
fn svg(samples: &[Sample]) -> String {
    const W: f64 = 760.0;
    const H: f64 = 130.0;
    let end = samples.last().map_or(1.0, |s| s.at_s).max(1.0);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 860 {}\" font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n",
        3.0 * (H + 40.0) + 20.0
    );
    let curves: [Curve; 3] = [
        ("records that wait", "#1f6feb", |s| s.depth as f64),
        ("age of the oldest, s", "#9a6700", |s| s.age_s),
        ("memory of the service, MiB", "#1a7f37", |s| s.resident_mib),
    ];
    for (n, (name, colour, value)) in curves.into_iter().enumerate() {
        let top = 25.0 + n as f64 * (H + 40.0);
        let most = samples.iter().map(value).fold(1.0, f64::max);
        let points: String = samples.iter().fold(String::new(), |mut text, s| {
            write!(text, "{:.1},{:.1} ", 80.0 + s.at_s / end * W, top + H - value(s) / most * H).unwrap();
            text
        });
        writeln!(out, "<text x=\"80\" y=\"{:.0}\">{name}</text>", top - 6.0).unwrap();
        writeln!(out, "<text x=\"72\" y=\"{:.0}\" text-anchor=\"end\">{most:.0}</text>", top + 10.0).unwrap();
        writeln!(out, "<text x=\"72\" y=\"{:.0}\" text-anchor=\"end\">0</text>", top + H).unwrap();
        writeln!(out, "<path d=\"M80 {top} V{} H{}\" fill=\"none\" stroke=\"#888\"/>", top + H, 80.0 + W).unwrap();
        writeln!(out, "<polyline points=\"{points}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"1.5\"/>")
            .unwrap();
        writeln!(out, "<text x=\"{:.0}\" y=\"{:.0}\" text-anchor=\"end\">{end:.0} s</text>", 80.0 + W, top + H + 14.0)
            .unwrap();
    }
    out + "</svg>\n"
}
