//! Who may answer over HTTP as which dispatch system: by a token that only that system knows, or from this very machine.
//!
//! Of a token only its SHA-256 is kept here. Two digests have the same length and are compared to the last byte, so the time that
//! takes tells nothing of how much was right; and how long the hashing takes depends on what was sent, not on what is wanted.
//! People's log-in is absent: this is for machines that answer.

use std::collections::HashMap;
use std::fmt;
use std::net::SocketAddr;
use std::sync::{PoisonError, RwLock};

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use serde_json::json;
use sha2::{Digest, Sha256};

use super::problem::Problem;

/// What proxies add. Whoever comes through one has the proxy's address, which may well be the loopback one.
const THROUGH_A_PROXY: [&str; 5] = ["forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-real-ip"];

/// The tokens of dispatch systems, by the system's id; those without one are not in it.
#[derive(Default)]
pub struct Tokens(RwLock<HashMap<String, [u8; 32]>>);

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tokens(***)")
    }
}

impl Tokens {
    /// These from now on, instead of those before.
    pub fn replace<'a>(&self, tokens: impl IntoIterator<Item = (&'a str, &'a str)>) {
        let digests = tokens.into_iter().map(|(system, token)| (system.to_owned(), digest(token))).collect();
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = digests;
    }

    /// Whether a request may speak for `system`; the problem says what it wants.
    pub(super) fn admit(&self, system: &str, peer: SocketAddr, headers: &HeaderMap) -> Result<(), Problem> {
        let wanted = self.0.read().unwrap_or_else(PoisonError::into_inner).get(system).copied();
        let Some(wanted) = wanted else { return admit_neighbour(system, peer, headers) };
        let Some(said) = bearer(headers) else {
            let detail =
                format!("dispatch system {system} has a token; wants the header Authorization: Bearer <token>");
            return Err(Problem::unauthorized(detail, "Bearer realm=\"dispatch\""));
        };
        if same(&digest(said), &wanted) {
            return Ok(());
        }
        let detail = format!("this is not the token of dispatch system {system}; see token_file in its [[dispatch]]");
        Err(Problem::unauthorized(detail, "Bearer realm=\"dispatch\", error=\"invalid_token\""))
    }
}

/// Without a token only programs on this machine are believed: whoever runs them could read the token as well.
fn admit_neighbour(system: &str, peer: SocketAddr, headers: &HeaderMap) -> Result<(), Problem> {
    let passed_on = THROUGH_A_PROXY.iter().any(|name| headers.contains_key(*name));
    if peer.ip().to_canonical().is_loopback() && !passed_on {
        return Ok(());
    }
    let from = if passed_on { "through a proxy".to_owned() } else { format!("from {}", peer.ip().to_canonical()) };
    let detail = format!(
        "dispatch system {system} has no token, so it may answer over HTTP only from this machine itself, and this came {from}; \
         set token_file in its [[dispatch]] and send Authorization: Bearer <token>"
    );
    Err(Problem::forbidden(detail).with("field", json!("system")))
}

/// The token of `Authorization: Bearer ...`; the scheme's case does not matter (RFC 9110).
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

fn digest(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

/// Looks at every byte, whatever the first ones are.
fn same(one: &[u8; 32], other: &[u8; 32]) -> bool {
    std::hint::black_box(one.iter().zip(other).fold(0, |differs, (a, b)| differs | (a ^ b))) == 0
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;
    use axum::response::IntoResponse as _;

    use super::*;

    const HERE: &str = "127.0.0.1:4000";

    fn status(tokens: &Tokens, system: &str, from: &str, headers: &[(&'static str, &str)]) -> u16 {
        let headers = headers.iter().map(|(n, v)| (n.parse().unwrap(), HeaderValue::from_str(v).unwrap())).collect();
        match tokens.admit(system, from.parse().unwrap(), &headers) {
            Ok(()) => 200,
            Err(problem) => problem.into_response().status().as_u16(),
        }
    }

    #[test]
    fn a_system_with_a_token_needs_it_wherever_it_comes_from() {
        let tokens = Tokens::default();
        tokens.replace([("county", "0123456789abcdef"), ("city", "fedcba9876543210")]);
        for from in [HERE, "192.0.2.7:4000"] {
            let with = |said: &str| status(&tokens, "county", from, &[("authorization", said)]);
            assert_eq!((with("Bearer 0123456789abcdef"), with("bearer  0123456789abcdef")), (200, 200));
            for wrong in ["Bearer 0123456789abcdeF", "Bearer 0123456789abcde", "Bearer ", "Bearer", "0123456789abcdef"]
            {
                assert_eq!(with(wrong), 401, "{wrong:?}");
            }
            assert_eq!(with("Basic 0123456789abcdef"), 401);
            assert_eq!(with("Bearer fedcba9876543210"), 401, "another system's");
            assert_eq!(status(&tokens, "county", from, &[]), 401);
        }
        tokens.replace([("county", "another-token-now")]);
        assert_eq!(status(&tokens, "county", HERE, &[("authorization", "Bearer 0123456789abcdef")]), 401);
        assert_eq!(status(&tokens, "county", HERE, &[("authorization", "Bearer another-token-now")]), 200);
        assert!(!format!("{tokens:?}").contains("another"));
    }

    #[test]
    fn a_system_without_one_is_believed_on_this_machine_alone() {
        let tokens = Tokens::default();
        for (from, wanted) in [
            (HERE, 200),
            ("[::1]:4000", 200),
            ("[::ffff:127.0.0.1]:4000", 200),
            ("192.0.2.7:4000", 403),
            ("[::ffff:192.0.2.7]:4000", 403),
        ] {
            assert_eq!(status(&tokens, "county", from, &[]), wanted, "{from}");
        }
        for proxied in ["x-forwarded-for", "forwarded", "via", "x-real-ip"] {
            assert_eq!(status(&tokens, "county", HERE, &[(proxied, "for=192.0.2.7")]), 403, "{proxied}");
        }
    }
}
