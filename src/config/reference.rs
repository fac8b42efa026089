//! Every key there is; `docs/configuration.md` and `deploy/config.example.toml` are tested against it.

use super::{camera, card, defaults, evidence, hours, inference, kafka, lifecycle, load, rule, scene, service, store};

/// The tables, as the documents head them, each with its keys.
pub const TABLES: [(&str, &[&str]); 25] = [
    ("", load::KEYS),
    ("[service]", service::SERVICE_KEYS),
    ("[store]", store::KEYS),
    ("[evidence]", evidence::KEYS),
    ("[http]", service::HTTP_KEYS),
    ("[log]", service::LOG_KEYS),
    ("[kafka]", kafka::KEYS),
    ("[kafka.tls]", kafka::TLS_KEYS),
    ("[kafka.sasl]", kafka::SASL_KEYS),
    ("[inference]", inference::KEYS),
    ("[defaults]", defaults::KEYS),
    ("[[hours]]", hours::KEYS),
    ("[[hours.weekly]]", hours::WEEKLY_KEYS),
    ("[[hours.special_days]]", hours::SPECIAL_KEYS),
    ("[[camera]]", camera::KEYS),
    ("[camera.position]", card::POSITION_KEYS),
    ("[camera.tracking]", scene::TRACKING_KEYS),
    ("[camera.cues]", scene::CUES_KEYS),
    ("[camera.ground]", scene::GROUND_KEYS),
    ("[[camera.zone]]", scene::ZONE_KEYS),
    ("[[camera.line]]", scene::LINE_KEYS),
    ("[[camera.rule]]", rule::KEYS),
    ("[lifecycle]", lifecycle::KEYS),
    ("[[dispatch]]", lifecycle::DISPATCH_KEYS),
    ("[[adjacent]]", lifecycle::ADJACENT_KEYS),
];
