//! Addresses of streams, without credentials.

use std::fmt;

/// An `rtsp://` or `rtsps://` address without a user part.
///
/// `Debug` and `Display` leave the query out, since some cameras take passwords there.
#[derive(Clone, PartialEq, Eq)]
pub struct StreamUrl {
    whole: String,
    host: String,
    port: u16,
    tls: bool,
}

/// Why a text is not such an address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidUrl {
    /// Another scheme, or none.
    #[error("got {got:?}, wants an address that begins with rtsp:// or rtsps://")]
    Scheme {
        /// What it began with.
        got: String,
    },
    /// A user part.
    #[error(
        "the address holds credentials; wants them as username and password_env or password_file, and the address without"
    )]
    Credentials,
    /// No host, or a port that is none.
    #[error("got {got:?} as host and port, wants host, host:port or [ipv6]:port")]
    Host {
        /// What stood there.
        got: String,
    },
    /// White space within.
    #[error("the address holds white space, wants it percent-encoded (%20)")]
    WhiteSpace,
}

impl StreamUrl {
    /// Checks the text.
    pub fn parse(text: &str) -> Result<Self, InvalidUrl> {
        let scheme = |got: &str| InvalidUrl::Scheme { got: got.to_owned() };
        // What stands before an '@' may be a password.
        let without_user = || text.rsplit_once('@').map_or_else(|| text.to_owned(), |(_, host)| format!("***@{host}"));
        let (name, rest) = text.split_once("://").ok_or_else(|| scheme(&without_user()))?;
        let tls = match name.to_ascii_lowercase().as_str() {
            "rtsp" => false,
            "rtsps" => true,
            _ => return Err(scheme(&format!("{name}://"))),
        };
        if rest.contains(char::is_whitespace) {
            return Err(InvalidUrl::WhiteSpace);
        }
        let authority = &rest[..rest.find(['/', '?', '#']).unwrap_or(rest.len())];
        if authority.contains('@') || password_with_slash(rest, authority) {
            return Err(InvalidUrl::Credentials);
        }
        let (host, port) = split_port(authority).ok_or_else(|| InvalidUrl::Host { got: authority.to_owned() })?;
        let port = port.unwrap_or(if tls { 322 } else { 554 });
        Ok(Self { whole: text.to_owned(), host: host.to_owned(), port, tls })
    }

    /// The whole address, query included: for the one who connects, not for logs.
    pub fn expose(&self) -> &str {
        &self.whole
    }

    /// Host name or address, IPv6 without brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Port: as given, else 554 (RTSP) or 322 (RTSPS).
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Whether it is `rtsps://`.
    pub const fn is_tls(&self) -> bool {
        self.tls
    }
}

/// `rtsp://admin:a/b@host/x`: the '/' of a password ends the authority too early, and what precedes it cannot be `host:port`.
fn password_with_slash(rest: &str, authority: &str) -> bool {
    rest[authority.len()..].contains('@') && split_port(authority).is_none()
}

fn split_port(authority: &str) -> Option<(&str, Option<u16>)> {
    let (host, port) = if let Some(v6) = authority.strip_prefix('[') {
        let (host, after) = v6.split_once(']')?;
        host.parse::<std::net::Ipv6Addr>().ok()?;
        (host, if after.is_empty() { None } else { Some(after.strip_prefix(':')?) })
    } else {
        authority.split_once(':').map_or((authority, None), |(host, port)| (host, Some(port)))
    };
    let port = match port {
        Some(text) => Some(text.parse::<u16>().ok().filter(|p| *p > 0)?),
        None => None,
    };
    (!host.is_empty()).then_some((host, port))
}

impl fmt::Display for StreamUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let end = self.whole.find(['?', '#']).unwrap_or(self.whole.len());
        let shown = &self.whole[..end];
        let lower = shown.to_ascii_lowercase();
        // Cameras of one family take `user=admin_password=..._channel=1` as a path.
        match ["password=", "pwd=", "passwd="].iter().filter_map(|word| lower.find(word)).min() {
            Some(i) => write!(f, "{}***", &shown[..i]),
            None if end < self.whole.len() => write!(f, "{shown}?***"),
            None => f.write_str(shown),
        }
    }
}

impl fmt::Debug for StreamUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_taken_apart() {
        for (text, host, port) in [
            ("rtsp://10.0.0.5/s1", "10.0.0.5", 554),
            ("RTSP://cam.local:8554", "cam.local", 8554),
            ("rtsps://cam/x@y?z", "cam", 322),
            ("rtsp://[fe80::1]:555/s", "fe80::1", 555),
        ] {
            let url = StreamUrl::parse(text).expect(text);
            assert_eq!((url.host(), url.port()), (host, port), "{text}");
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in [
            "10.0.0.5",
            "http://10.0.0.5/",
            "rtsp://",
            "rtsp://cam:0/",
            "rtsp://cam:99999/",
            "rtsp://a b/",
            "rtsp://[::1/",
        ] {
            assert!(StreamUrl::parse(text).is_err(), "{text}");
        }
        for text in ["rtsp://admin:pw@10.0.0.5/", "rtsp://admin@cam", "rtsp://admin:a/b@cam/x"] {
            assert_eq!(StreamUrl::parse(text), Err(InvalidUrl::Credentials), "{text}");
        }
    }

    #[test]
    fn a_password_in_the_query_or_path_is_not_shown() {
        for text in ["rtsp://cam/s?user=a&password=hunter2", "rtsp://cam/user=a_password=hunter2_channel=1"] {
            let url = StreamUrl::parse(text).expect(text);
            assert!(!format!("{url} {url:?}").contains("hunter2"), "{url}");
            assert_eq!(url.expose(), text);
        }
    }
}
