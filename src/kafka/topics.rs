//! Topics: which are wanted, whether they are there and safe, and how to make them.

use std::collections::HashMap;
use std::time::Duration;

use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, ResourceSpecifier, TopicReplication};
use rdkafka::error::RDKafkaErrorCode;

use super::client::LastError;
use super::errors::{OTHER, described, reason};
use super::settings::KafkaSettings;
use crate::contract::Site;
use crate::pipeline::ports::PublishError;

const TIMEOUT: Duration = Duration::from_secs(10);
/// Kafka's own default for the largest record; a topic that takes less may refuse an alert of a crowd.
const LARGEST_BYTES: i64 = 1_048_588;

/// A topic as the contract wants it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicSpec {
    /// Its name.
    pub name: String,
    /// How many partitions, when it is made here; at least, when it is checked.
    pub partitions: i32,
    /// Keeps the last record of each key instead of deleting by age.
    pub compact: bool,
    /// How long records are kept, where they are deleted by age.
    pub keep: Duration,
}

/// How safe a topic is to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Safety {
    /// On how many brokers each record is.
    pub replicas: i32,
    /// On how many of them before it is acknowledged.
    pub min_in_sync: i32,
}

impl Safety {
    /// Losing one broker loses no record.
    pub const THREE_BROKERS: Self = Self { replicas: 3, min_in_sync: 2 };
    /// What was acknowledged can be lost with the broker's disk.
    pub const SINGLE_BROKER: Self = Self { replicas: 1, min_in_sync: 1 };
}

/// The topics that are published to, and the one that is read.
pub fn wanted(site: &Site, partitions: i32) -> Vec<TopicSpec> {
    let mut topics = vec![
        by_age(site.alerts_topic(), partitions, 30),
        TopicSpec { name: site.camera_health_topic(), partitions, compact: true, keep: Duration::ZERO },
        TopicSpec { name: site.alert_state_topic(), partitions, compact: true, keep: Duration::ZERO },
        by_age(site.dispatch_status_topic(), partitions, 7),
        by_age(site.dead_letters_topic(), partitions, 30),
        by_age(site.shadow_topic(), partitions, 7),
        by_age(site.resend_topic(), partitions, 7),
    ];
    if site.publishes_records {
        topics.push(by_age(site.tracks_topic(), partitions, 1));
    }
    topics
}

/// The topic for what is audited, which only some sites want.
pub fn audit(site: &Site, partitions: i32) -> TopicSpec {
    by_age(site.audit_topic(), partitions, 3650)
}

fn by_age(name: String, partitions: i32, days: u64) -> TopicSpec {
    const DAY: u64 = 24;
    TopicSpec { name, partitions, compact: false, keep: Duration::from_hours(days * DAY) }
}

/// Makes those that are missing; touches none that is there. Gives the names of those it made.
pub async fn ensure(
    settings: &KafkaSettings,
    specs: &[TopicSpec],
    safety: Safety,
) -> Result<Vec<String>, PublishError> {
    let (admin, errors) = admin(settings)?;
    let least = safety.min_in_sync.to_string();
    let keeps: Vec<String> = specs.iter().map(|spec| spec.keep.as_millis().to_string()).collect();
    let topics: Vec<NewTopic<'_>> = specs
        .iter()
        .zip(&keeps)
        .map(|(spec, keep)| {
            let topic = NewTopic::new(&spec.name, spec.partitions, TopicReplication::Fixed(safety.replicas))
                .set("min.insync.replicas", &least);
            if spec.compact {
                topic.set("cleanup.policy", "compact")
            } else {
                topic.set("cleanup.policy", "delete").set("retention.ms", keep)
            }
        })
        .collect();
    let failed = |e: &_| described(settings, "creating topics", e, errors.get().as_ref());
    let options = AdminOptions::new().operation_timeout(Some(TIMEOUT)).request_timeout(Some(TIMEOUT));
    let mut made = Vec::new();
    for outcome in admin.create_topics(&topics, &options).await.map_err(|e| failed(&e))? {
        match outcome {
            Ok(name) => made.push(name),
            Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {}
            Err((name, code)) => return Err(not_made(settings, &name, code, safety)),
        }
    }
    Ok(made)
}

fn not_made(settings: &KafkaSettings, name: &str, code: RDKafkaErrorCode, safety: Safety) -> PublishError {
    use RDKafkaErrorCode as C;
    let way_out = match code {
        C::TopicAuthorizationFailed | C::ClusterAuthorizationFailed => {
            "grant this account Create on the cluster or on the topic".to_owned()
        }
        C::InvalidReplicationFactor => format!(
            "each record is to be on {} brokers, and {} has fewer; with one broker say --single-broker, and know that its \
             disk can then lose what was acknowledged",
            safety.replicas,
            settings.address()
        ),
        C::PolicyViolation => "the cluster has rules of its own for topics; ask its owners".to_owned(),
        _ => "see Kafka's own log".to_owned(),
    };
    PublishError { reason: reason(code), message: format!("creating topic {name} failed: {code}; {way_out}") }
}

/// A topic as it was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// How many partitions it has.
    pub partitions: usize,
    /// On how many brokers the worst of them is.
    pub replicas: usize,
    /// `min.insync.replicas`, `cleanup.policy`, `retention.ms`, `max.message.bytes`; those that the account may see.
    pub config: HashMap<String, String>,
}

/// One thing that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What: `partitions`, `replicas` or the topic's setting.
    pub what: &'static str,
    /// What it is.
    pub is: String,
    /// What it should be.
    pub wants: String,
}

/// How a wanted topic stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicState {
    /// What is wanted.
    pub spec: TopicSpec,
    /// What is there; none: it is missing, or this account may not see it.
    pub found: Option<Found>,
    /// What is wrong with it.
    pub findings: Vec<Finding>,
}

/// Looks at the wanted topics. Changes nothing.
pub async fn inspect(
    settings: &KafkaSettings,
    specs: &[TopicSpec],
    safety: Safety,
) -> Result<Vec<TopicState>, PublishError> {
    let (admin, errors) = admin(settings)?;
    let failed = |e: &_| described(settings, "asking Kafka for its topics", e, errors.get().as_ref());
    let asking = tokio::task::spawn_blocking(move || {
        let metadata = admin.inner().fetch_metadata(None, TIMEOUT);
        (admin, metadata)
    });
    let (admin, metadata) = asking.await.map_err(|e| PublishError { reason: OTHER, message: e.to_string() })?;
    let metadata = metadata.map_err(|e| failed(&e))?;
    let mut states = Vec::with_capacity(specs.len());
    for spec in specs {
        let Some(topic) = metadata.topics().iter().find(|topic| topic.name() == spec.name) else {
            states.push(TopicState { spec: spec.clone(), found: None, findings: Vec::new() });
            continue;
        };
        let config = config_of(&admin, &spec.name).await.unwrap_or_default();
        let replicas = topic.partitions().iter().map(|partition| partition.replicas().len()).min().unwrap_or(0);
        let found = Found { partitions: topic.partitions().len(), replicas, config };
        let findings = found.compared(spec, safety);
        states.push(TopicState { spec: spec.clone(), found: Some(found), findings });
    }
    Ok(states)
}

impl Found {
    fn compared(&self, spec: &TopicSpec, safety: Safety) -> Vec<Finding> {
        let mut findings = Vec::new();
        let mut at_least = |what, is: i64, wants: i64| {
            if is < wants {
                findings.push(Finding { what, is: is.to_string(), wants: format!("{wants} or more") });
            }
        };
        at_least("partitions", self.partitions as i64, i64::from(spec.partitions));
        at_least("replicas", self.replicas as i64, i64::from(safety.replicas));
        let number = |name: &str| self.config.get(name).and_then(|text| text.parse::<i64>().ok());
        if let Some(least) = number("min.insync.replicas") {
            at_least("min.insync.replicas", least, i64::from(safety.min_in_sync));
        }
        if let Some(bytes) = number("max.message.bytes") {
            at_least("max.message.bytes", bytes, LARGEST_BYTES);
        }
        // More than there are replicas: brokers before 4.0 acknowledge nothing then, later ones ask for less than was meant.
        if let Some(least) = number("min.insync.replicas").filter(|&least| least > self.replicas as i64) {
            let wants = format!("{} or fewer", self.replicas);
            findings.push(Finding { what: "min.insync.replicas", is: least.to_string(), wants });
        }
        if let Some(policy) = self.config.get("cleanup.policy") {
            let wants = if spec.compact { "compact" } else { "delete" };
            if policy != wants {
                findings.push(Finding { what: "cleanup.policy", is: policy.clone(), wants: wants.to_owned() });
            }
        }
        let keep = i64::try_from(spec.keep.as_millis()).unwrap_or(i64::MAX);
        // -1 keeps for ever.
        if let Some(kept) = number("retention.ms").filter(|&kept| !spec.compact && kept >= 0 && kept < keep) {
            findings.push(Finding { what: "retention.ms", is: kept.to_string(), wants: format!("{keep} or more") });
        }
        findings
    }
}

/// How many replicas must have a record of the topic before it is acknowledged; none where we may not know.
pub(super) async fn min_in_sync(settings: &KafkaSettings, topic: &str) -> Option<usize> {
    let (admin, _) = admin(settings).ok()?;
    config_of(&admin, topic).await?.get("min.insync.replicas")?.parse().ok()
}

async fn config_of(admin: &AdminClient<LastError>, topic: &str) -> Option<HashMap<String, String>> {
    let options = AdminOptions::new().request_timeout(Some(TIMEOUT));
    let described = admin.describe_configs(&[ResourceSpecifier::Topic(topic)], &options).await.ok()?;
    let config = described.into_iter().next()?.ok()?;
    Some(config.entries.into_iter().filter_map(|entry| Some((entry.name, entry.value?))).collect())
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
