//! Identities, each a type of its own so that a mix-up does not compile.

use std::fmt;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::time::Timestamp;

/// Why a text is not an id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an id is 1 to 63 of a-z, 0-9 and '-', beginning with a letter or digit; got {got:?}")]
pub struct InvalidId {
    /// What was given.
    pub got: String,
}

fn parse_slug(text: &str) -> Result<Arc<str>, InvalidId> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let valid = text.len() <= 63 && text.starts_with(plain) && text.chars().all(|c| plain(c) || c == '-');
    if valid { Ok(text.into()) } else { Err(InvalidId { got: text.to_owned() }) }
}

macro_rules! slug {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Parses a slug of `[a-z0-9][a-z0-9-]{0,62}`.
            pub fn parse(text: &str) -> Result<Self, InvalidId> {
                parse_slug(text).map(Self)
            }

            /// The slug.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

slug!(/// A camera's id, chosen by the user: `gate-north`.
    CameraId);
slug!(/// A rule's id, unique within its camera.
    RuleId);
slug!(/// A zone's or a line's id, unique within its camera.
    ZoneId);
slug!(/// What the service calls itself in events that concern no camera.
    NodeId);

/// A track's number within its camera and epoch; never reused while the service runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TrackId(pub u64);

impl fmt::Display for TrackId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "t{}", self.0)
    }
}

/// An alert's id: a UUID of version 7 (RFC 9562), its time the capture time of the opening frame.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AlertId(u128);

impl AlertId {
    /// The W3C trace id of the alert's way from the frame to Kafka: the same 128 bits, without hyphens.
    pub fn trace(self) -> String {
        format!("{:032x}", self.0)
    }

    /// Version 7: 48 bits of `at` in milliseconds, then 74 of the 128 bits of `tail`.
    pub fn new(at: Timestamp, tail: u128) -> Self {
        let millis = u128::from(at.as_millis().max(0) as u64) & 0xffff_ffff_ffff;
        let rand_a = (tail >> 64) & 0xfff;
        let rand_b = tail & 0x3fff_ffff_ffff_ffff;
        Self(millis << 80 | 0x7 << 76 | rand_a << 64 | 0b10 << 62 | rand_b)
    }

    /// The 128 bits.
    pub const fn as_u128(self) -> u128 {
        self.0
    }

    /// From the 128 bits, as stored.
    pub const fn from_u128(bits: u128) -> Self {
        Self(bits)
    }

    /// Reads the canonical form: a UUID in lower case with hyphens.
    pub fn parse(text: &str) -> Option<Self> {
        let bits = u128::from_str_radix(&text.replace('-', ""), 16).ok().map(Self);
        bits.filter(|id| id.to_string() == text)
    }
}

impl fmt::Display for AlertId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hex = format!("{:032x}", self.0);
        write!(f, "{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
    }
}

impl fmt::Debug for AlertId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Where alert ids come from: a salt and a counter per scene.
///
/// Live, the salt is random (given by the edge that can be random); in a replay it is a hash of configuration and camera,
/// so that two runs give the same ids.
#[derive(Clone, Debug)]
pub struct IdSeed {
    salt: [u8; 32],
    ordinal: u64,
}

impl IdSeed {
    /// A seed from 32 bytes that differ between runs (live) or do not (replay).
    pub const fn new(salt: [u8; 32]) -> Self {
        Self { salt, ordinal: 0 }
    }

    /// A seed that depends on nothing but the texts given.
    pub fn from_texts(texts: &[&str]) -> Self {
        let mut hash = Sha256::new();
        for text in texts {
            hash.update((text.len() as u64).to_le_bytes());
            hash.update(text.as_bytes());
        }
        Self::new(hash.finalize().into())
    }

    /// The next alert id, for an alert of `rule` (or of the stream itself) that opens `at`.
    pub fn next(&mut self, at: Timestamp, rule: &str) -> AlertId {
        self.ordinal += 1;
        let mut hash = Sha256::new();
        hash.update(self.salt);
        hash.update(self.ordinal.to_le_bytes());
        hash.update(rule.as_bytes());
        let digest: [u8; 32] = hash.finalize().into();
        let mut tail = [0u8; 16];
        tail.copy_from_slice(&digest[..16]);
        AlertId::new(at, u128::from_le_bytes(tail))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slugs_are_checked() {
        assert!(CameraId::parse("gate-north-1").is_ok());
        for bad in ["", "Gate", "-gate", "gate north", "gätE", &"a".repeat(64)] {
            assert!(CameraId::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn alert_ids_are_uuid_v7_and_repeat_with_their_seed() {
        let at = Timestamp::from_millis(1_700_000_000_123);
        let mut seed = IdSeed::from_texts(&["config", "camera"]);
        let (first, second) = (seed.next(at, "rule"), seed.next(at, "rule"));
        assert_ne!(first, second);
        assert_eq!(first, IdSeed::from_texts(&["config", "camera"]).next(at, "rule"));
        let text = first.to_string();
        assert_eq!(&text[14..15], "7");
        assert!(matches!(&text[19..20], "8" | "9" | "a" | "b"), "{text}");
        assert_eq!(u64::from_str_radix(&text.replace('-', "")[..12], 16).ok(), Some(1_700_000_000_123));
    }
}
