//! Topics: which are wanted, whether they are there and safe, and how to make them.

use std::time::Duration;

use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, ResourceSpecifier, TopicReplication};
use rdkafka::error::RDKafkaErrorCode;

use super::client::LastError;
use super::errors::{OTHER, described, topic_missing};
use super::settings::KafkaSettings;
use crate::contract::Site;
use crate::pipeline::ports::PublishError;

const TIMEOUT: Duration = Duration::from_secs(10);

/// A topic as the contract wants it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicSpec {
    /// Its name.
    pub name: String,
    /// How many partitions, when it is made here.
    pub partitions: i32,
    /// Keeps the last record of each key instead of deleting by age.
    pub compact: bool,
    /// How long records are kept, where they are deleted by age.
    pub keep: Duration,
}

/// The topics that are published to, and the one that is read.
pub fn wanted(site: &Site, partitions: i32) -> Vec<TopicSpec> {
    const DAY: u64 = 24;
    let by_age =
        |name, days: u64| TopicSpec { name, partitions, compact: false, keep: Duration::from_hours(days * DAY) };
    let mut topics = vec![
        by_age(site.alerts_topic(), 30),
        TopicSpec { name: site.camera_health_topic(), partitions, compact: true, keep: Duration::ZERO },
        TopicSpec { name: site.alert_state_topic(), partitions, compact: true, keep: Duration::ZERO },
        by_age(site.dispatch_status_topic(), 7),
        by_age(site.dead_letters_topic(), 30),
        by_age(site.shadow_topic(), 7),
    ];
    if site.publishes_records {
        topics.push(by_age(site.tracks_topic(), 1));
    }
    topics
}

/// Makes those that are missing.
pub async fn ensure(settings: &KafkaSettings, specs: &[TopicSpec], replicas: i32) -> Result<(), PublishError> {
    let (admin, errors) = admin(settings)?;
    let keeps: Vec<String> = specs.iter().map(|spec| spec.keep.as_millis().to_string()).collect();
    let topics: Vec<NewTopic<'_>> = specs
        .iter()
        .zip(&keeps)
        .map(|(spec, keep)| {
            let topic = NewTopic::new(&spec.name, spec.partitions, TopicReplication::Fixed(replicas));
            if spec.compact { topic.set("cleanup.policy", "compact") } else { topic.set("retention.ms", keep) }
        })
        .collect();
    let failed = |e: &_| described(settings, "creating topics", e, errors.get().as_ref());
    let options = AdminOptions::new().operation_timeout(Some(TIMEOUT)).request_timeout(Some(TIMEOUT));
    for outcome in admin.create_topics(&topics, &options).await.map_err(|e| failed(&e))? {
        match outcome {
            Ok(_) | Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {}
            Err((name, code)) => {
                return Err(PublishError { reason: OTHER, message: format!("creating topic {name} failed: {code}") });
            }
        }
    }
    Ok(())
}

/// Checks that the topics are there and, unless `single_broker`, that losing one broker loses no record: three replicas, two of
/// which must have a record before it is acknowledged. Gives what is doubtful, in words.
pub async fn check(
    settings: &KafkaSettings,
    names: &[String],
    single_broker: bool,
) -> Result<Vec<String>, PublishError> {
    let (admin, errors) = admin(settings)?;
    let failed = |e: &_| described(settings, "asking Kafka for its topics", e, errors.get().as_ref());
    let inner = tokio::task::spawn_blocking(move || {
        let metadata = admin.inner().fetch_metadata(None, TIMEOUT);
        (admin, metadata)
    });
    let (admin, metadata) = inner.await.map_err(|e| PublishError { reason: OTHER, message: e.to_string() })?;
    let metadata = metadata.map_err(|e| failed(&e))?;
    let replicas_of = |name: &String| {
        let topic = metadata.topics().iter().find(|topic| topic.name() == name)?;
        topic.partitions().iter().map(|partition| partition.replicas().len()).min()
    };
    let missing: Vec<String> = names.iter().filter(|name| replicas_of(name).is_none()).cloned().collect();
    if !missing.is_empty() {
        return Err(topic_missing(settings, &missing));
    }
    if single_broker {
        return Ok(Vec::new());
    }
    let mut doubts: Vec<String> = names
        .iter()
        .filter_map(|name| replicas_of(name).filter(|&n| n < 3).map(|n| (name, n)))
        .map(|(name, n)| format!("topic {name} has {n} replicas; 3 are wanted, or a broker's loss may lose alerts"))
        .collect();
    let resources: Vec<ResourceSpecifier<'_>> = names.iter().map(|name| ResourceSpecifier::Topic(name)).collect();
    let options = AdminOptions::new().request_timeout(Some(TIMEOUT));
    for (name, found) in names.iter().zip(admin.describe_configs(&resources, &options).await.map_err(|e| failed(&e))?) {
        let least =
            found.ok().and_then(|config| config.get("min.insync.replicas").and_then(|entry| entry.value.clone()));
        if let Some(least) = least.filter(|least| least.parse::<u32>().is_ok_and(|n| n < 2)) {
            doubts.push(format!(
                "topic {name} has min.insync.replicas {least}; 2 are wanted, or a broker's loss may lose alerts"
            ));
        }
    }
    Ok(doubts)
}

fn admin(settings: &KafkaSettings) -> Result<(AdminClient<LastError>, LastError), PublishError> {
    let errors = LastError::default();
    let admin = settings.client().create_with_context(errors.clone()).map_err(|e| PublishError {
        reason: OTHER,
        message: format!("the Kafka client could not be made: {e}; check the Kafka settings"),
    })?;
    Ok((admin, errors))
}

/// Whether a broker answers and lets us in; gives how many brokers there are. Blocks for some seconds at most.
pub fn reachable(settings: &KafkaSettings) -> Result<usize, PublishError> {
    let (admin, errors) = admin(settings)?;
    let metadata = admin
        .inner()
        .fetch_metadata(None, Duration::from_secs(3))
        .map_err(|e| described(settings, "asking Kafka for its brokers", &e, errors.get().as_ref()))?;
    Ok(metadata.brokers().len())
}
