//! The AsyncAPI document: every topic, its key, headers and payload, in one file that stands alone.
//!
//! Made from the published schemas (the open ones: it is for those who read) and from the topics' own names, so that it cannot
//! say anything else than they. `deploy/asyncapi.json` is this, with the default prefix; the tests hold it against the
//! published schema of AsyncAPI 3.

use serde_json::{Map, Value, json};

use super::{Site, schema};

/// The document as it is published.
pub const PUBLISHED: &str = include_str!("../../deploy/asyncapi.json");

/// A topic.
struct Topic {
    id: &'static str,
    name: String,
    /// Which events it carries: the schemas' name.
    family: &'static str,
    about: &'static str,
    /// The last record of each key stays; others go after so many days.
    keep: Keep,
    /// Others send here, and Lightbar receives.
    taken_in: bool,
}

#[derive(Clone, Copy)]
enum Keep {
    Last,
    Days(u64),
}

/// An event's title, its type and the published examples of it.
struct Family {
    name: &'static str,
    title: &'static str,
    key: &'static str,
    examples: &'static [(&'static str, &'static str)],
}

const FAMILIES: &[Family] = &[
    Family {
        name: "alert",
        title: "A revision of an alert, whole",
        key: "Camera id, or node id where no camera is concerned.",
        examples: &[
            ("line_cross opened", include_str!("../../deploy/schemas/examples/line_cross.opened.json")),
            ("loitering ended", include_str!("../../deploy/schemas/examples/loitering.ended.json")),
            ("from the future", include_str!("../../deploy/schemas/examples/from-the-future.json")),
        ],
    },
    Family {
        name: "alert-state",
        title: "An alert's state after a change",
        key: "Alert id.",
        examples: &[("acknowledged", include_str!("../../deploy/schemas/examples/alert-state.acknowledged.json"))],
    },
    Family {
        name: "dispatch-status",
        title: "What a dispatch system or a patrol answers",
        key: "Alert id: so that answers about one alert stay in order.",
        examples: &[
            ("accepted", include_str!("../../deploy/schemas/examples/dispatch-status.accepted.json")),
            ("refused", include_str!("../../deploy/schemas/examples/dispatch-status.refused.json")),
        ],
    },
    Family { name: "dead-letter", title: "A record that could not be used", key: "As it came.", examples: &[] },
    Family {
        name: "camera-health",
        title: "A camera's health from a moment on",
        key: "Camera id.",
        examples: &[
            ("offline", include_str!("../../deploy/schemas/examples/camera-health.offline.json")),
            ("online", include_str!("../../deploy/schemas/examples/camera-health.online.json")),
        ],
    },
];

fn topics(site: &Site) -> Vec<Topic> {
    vec![
        Topic {
            id: "alerts",
            name: site.alerts_topic(),
            family: "alert",
            about: "Every alert change: opened, updated, ended. At least once, in order per key.",
            keep: Keep::Days(30),
            taken_in: false,
        },
        Topic {
            id: "tracks",
            name: site.tracks_topic(),
            family: "alert",
            about: "What rules notice that only record (deliver is record): nobody is told. Same form as alerts.",
            keep: Keep::Days(1),
            taken_in: false,
        },
        Topic {
            id: "shadow",
            name: site.shadow_topic(),
            family: "alert",
            about: "What rules on trial would say (status is Test): never act on it. Same form as alerts.",
            keep: Keep::Days(7),
            taken_in: false,
        },
        Topic {
            id: "resend",
            name: site.resend_topic(),
            family: "alert",
            about: "Stored alerts that somebody had sent again: the same ids and bytes as on their own topic, with a header that says so.",
            keep: Keep::Days(7),
            taken_in: false,
        },
        Topic {
            id: "camera-health",
            name: site.camera_health_topic(),
            family: "camera-health",
            about: "Whether each camera is seen, since when, why not. While it is not, no alert means that nobody looked.",
            keep: Keep::Last,
            taken_in: false,
        },
        Topic {
            id: "alert-state",
            name: site.alert_state_topic(),
            family: "alert-state",
            about: "Where each alert stands with people, after each change. An alert without a record here is new.",
            keep: Keep::Last,
            taken_in: false,
        },
        Topic {
            id: "dispatch-status",
            name: site.dispatch_status_topic(),
            family: "dispatch-status",
            about: "What dispatch systems and patrols answer: Lightbar reads it. Each status_id of a system is applied once.",
            keep: Keep::Days(7),
            taken_in: true,
        },
        Topic {
            id: "dead-letters",
            name: site.dead_letters_topic(),
            family: "dead-letter",
            about: "What was taken in and could not be used, byte for byte, with the reason in headers.",
            keep: Keep::Days(30),
            taken_in: false,
        },
    ]
}

/// The document for a site.
pub fn document(site: &Site) -> Value {
    let topics = topics(site);
    let channels: Map<_, _> = topics.iter().map(|topic| (topic.id.to_owned(), channel(topic))).collect();
    let operations: Map<_, _> = topics.iter().map(operation).collect();
    let messages: Map<_, _> = FAMILIES.iter().map(|family| (family.name.to_owned(), message(family))).collect();
    let mut schemas = Map::new();
    for name in FAMILIES.iter().flat_map(|family| [family.name.to_owned(), format!("{}-headers", family.name)]) {
        embed(&name, &mut schemas);
    }
    json!({
        "asyncapi": "3.0.0",
        "info": {
            "title": "Lightbar",
            "version": format!("1.{}", schema::MINOR),
            "description": "Alerts of video cameras, and what belongs to them, as CloudEvents 1.0 in the binary mode of the Kafka \
                binding: attributes are headers, the value is plain JSON. At least once: remove duplicates by ce_source and ce_id. \
                Within v1 fields, kinds, words and headers are only ever added; let pass what you do not know.",
            "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": channels,
        "operations": operations,
        "components": {"messages": messages, "schemas": schemas},
    })
}

fn channel(topic: &Topic) -> Value {
    let configuration = match topic.keep {
        Keep::Last => json!({"cleanup.policy": ["compact"]}),
        Keep::Days(days) => json!({"cleanup.policy": ["delete"], "retention.ms": days * 86_400_000}),
    };
    json!({
        "address": topic.name,
        "description": topic.about,
        "messages": {topic.family: {"$ref": format!("#/components/messages/{}", topic.family)}},
        "bindings": {"kafka": {"topic": topic.name, "topicConfiguration": configuration, "bindingVersion": "0.5.0"}},
    })
}

/// The document is Lightbar's own, so what others receive it sends.
fn operation(topic: &Topic) -> (String, Value) {
    let action = if topic.taken_in { "receive" } else { "send" };
    let operation = json!({
        "action": action,
        "channel": {"$ref": format!("#/channels/{}", topic.id)},
        "messages": [{"$ref": format!("#/channels/{}/messages/{}", topic.id, topic.family)}],
    });
    (format!("{action}-{}", topic.id), operation)
}

fn message(family: &Family) -> Value {
    let examples = family.examples.iter().map(|(name, text)| {
        let payload: Value = serde_json::from_str(text).expect("a published example is JSON: the tests read each");
        json!({"name": name, "payload": payload})
    });
    json!({
        "name": family.name,
        "title": family.title,
        "contentType": "application/json",
        "headers": {"$ref": format!("#/components/schemas/{}-headers", family.name)},
        "payload": {"$ref": format!("#/components/schemas/{}", family.name)},
        "bindings": {"kafka": {"key": {"type": "string", "description": family.key}, "bindingVersion": "0.5.0"}},
        "examples": examples.collect::<Vec<_>>(),
    })
}

/// Puts a schema and its definitions among the document's, where its references find them.
fn embed(name: &str, into: &mut Map<String, Value>) {
    let Some(published) = schema::named(&format!("{name}-open")) else {
        // A dead letter's value has no schema: that is why it is one.
        into.insert(name.to_owned(), json!({"description": "The record's own value, byte for byte."}));
        return;
    };
    let mut whole: Value =
        serde_json::from_str(published.text).expect("a published schema is JSON: the tests read each");
    let definitions = whole.as_object_mut().and_then(|root| {
        root.retain(|keyword, _| !matches!(keyword.as_str(), "$schema" | "$id"));
        root.shift_remove("$defs")
    });
    refer(&mut whole, name);
    into.insert(name.to_owned(), whole);
    for (part, mut definition) in definitions.and_then(|value| value.as_object().cloned()).into_iter().flatten() {
        refer(&mut definition, name);
        into.insert(format!("{name}-{part}"), definition);
    }
}

/// Lets `#/$defs/utc` of a schema mean the document's `{name}-utc`. Beside a reference nothing else may stand there.
fn refer(node: &mut Value, name: &str) {
    match node {
        Value::Object(object) => {
            let part = object.get("$ref").and_then(Value::as_str).and_then(|to| to.strip_prefix("#/$defs/"));
            if let Some(to) = part.map(|part| format!("#/components/schemas/{name}-{part}")) {
                let about = object.shift_remove("description");
                object.insert("$ref".to_owned(), to.into());
                if let Some(about) = about {
                    let reference = Value::Object(std::mem::take(object));
                    object.insert("description".to_owned(), about);
                    object.insert("allOf".to_owned(), json!([reference]));
                }
            } else {
                object.values_mut().for_each(|member| refer(member, name));
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| refer(item, name)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::NodeId;

    fn site() -> Site {
        Site::new("county", NodeId::parse("node-1").expect("a slug"))
    }

    /// Run with `UPDATE_GOLDEN=1` to write it anew.
    #[test]
    fn the_published_document_is_made_from_schemas_and_topics() {
        let wanted = serde_json::to_string_pretty(&document(&site())).expect("JSON") + "\n";
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            let path = concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/asyncapi.json");
            std::fs::write(path, &wanted).expect("written");
        } else {
            assert!(wanted == PUBLISHED, "deploy/asyncapi.json is not what the schemas and topics say");
        }
    }

    #[test]
    fn the_document_is_asyncapi_3_by_its_own_schema() {
        let text = include_str!("../../tests/asyncapi/asyncapi-3.0.0.schema.json");
        let validator = jsonschema::validator_for(&serde_json::from_str(text).expect("JSON")).expect("a schema");
        let good = document(&site());
        let complaints = |value: &Value| {
            validator.iter_errors(value).map(|e| format!("{}: {e}", e.instance_path())).collect::<Vec<_>>()
        };
        assert_eq!(complaints(&good), [""; 0]);
        let mut bad = good;
        bad["operations"]["send-alerts"]["action"] = json!("shout");
        assert!(!complaints(&bad).is_empty(), "the validator lets everything through");
    }

    #[test]
    fn every_reference_leads_somewhere_and_examples_are_what_it_says() {
        let document = document(&site());
        let mut references = Vec::new();
        collect(&document, &mut references);
        assert!(references.len() > 40, "{references:?}");
        for reference in references {
            assert!(document.pointer(reference.trim_start_matches('#')).is_some(), "{reference} leads nowhere");
        }
        // What a code generator would read the payload by, with the document as its root.
        for family in FAMILIES {
            let mut root = document.clone();
            root["$ref"] = json!(format!("#/components/schemas/{}", family.name));
            let validator = jsonschema::draft7::new(&root).expect("a schema");
            for (name, text) in family.examples {
                let value: Value = serde_json::from_str(text).expect("JSON");
                assert!(validator.is_valid(&value), "{name}: {:?}", validator.validate(&value));
                assert!(!validator.is_valid(&json!({"schema_version": "2.0"})), "{name}: all is let through");
            }
        }
    }

    fn collect(node: &Value, references: &mut Vec<String>) {
        match node {
            Value::Object(object) => {
                references.extend(object.get("$ref").and_then(Value::as_str).map(str::to_owned));
                object.values().for_each(|member| collect(member, references));
            }
            Value::Array(items) => items.iter().for_each(|item| collect(item, references)),
            _ => {}
        }
    }
}
