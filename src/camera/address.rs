//! Where a camera is and how to log in, kept apart: an address may be logged, credentials never.

use std::fmt;

/// Name and password of a camera's account. Shows neither in `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    user: String,
    password: String,
}

impl Credentials {
    /// From what configuration found in an environment variable or a file.
    pub fn new(user: impl Into<String>, password: impl Into<String>) -> Self {
        Self { user: user.into(), password: password.into() }
    }

    pub(super) fn user(&self) -> &str {
        &self.user
    }

    pub(super) fn password(&self) -> &str {
        &self.password
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials(***)")
    }
}

/// Takes the credentials out of `rtsp://user:password@host/path`; gives the address without them, fit for logs. Percent
/// signs in either part are decoded.
pub fn split_credentials(url: &str) -> (String, Option<Credentials>) {
    let Some((scheme, rest)) = url.split_once("://") else { return (url.to_owned(), None) };
    let authority_end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    // Passwords with a bare '@' or '/' occur; the last '@' before the host ends them, as cameras' own tools have it.
    let at = rest[..authority_end].rfind('@').or_else(|| stray_at(rest, authority_end));
    let Some(at) = at else { return (url.to_owned(), None) };
    let (user, password) = rest[..at].split_once(':').unwrap_or((&rest[..at], ""));
    (format!("{scheme}://{}", &rest[at + 1..]), Some(Credentials::new(decoded(user), decoded(password))))
}

/// An '@' after a '/' belongs to a password where what stands before it cannot be `host[:port]`.
fn stray_at(rest: &str, authority_end: usize) -> Option<usize> {
    let (_, after_colon) = rest[..authority_end].rsplit_once(':')?;
    let is_port = !after_colon.is_empty() && after_colon.bytes().all(|b| b.is_ascii_digit());
    if is_port || rest.starts_with('[') { None } else { rest.rfind('@') }
}

fn decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut i = 0;
    while i < bytes.len() {
        let hex =
            (bytes[i] == b'%').then(|| text.get(i + 1..i + 3).and_then(|h| u8::from_str_radix(h, 16).ok())).flatten();
        out.push(hex.unwrap_or(bytes[i]));
        i += if hex.is_some() { 3 } else { 1 };
    }
    String::from_utf8(out).unwrap_or_else(|_| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_split_off() {
        for (url, address, expected) in [
            ("rtsp://10.0.0.7:554/ch1?a=b", "rtsp://10.0.0.7:554/ch1?a=b", None),
            ("rtsp://admin:s3cret@10.0.0.7/ch1", "rtsp://10.0.0.7/ch1", Some(("admin", "s3cret"))),
            ("rtsps://a%40b:p%3Aw%2f@cam:322/x", "rtsps://cam:322/x", Some(("a@b", "p:w/"))),
            ("rtsp://admin:p@ss@cam/x", "rtsp://cam/x", Some(("admin", "p@ss"))),
            ("rtsp://admin:a/b@cam/x", "rtsp://cam/x", Some(("admin", "a/b"))),
            ("rtsp://cam/x@y", "rtsp://cam/x@y", None),
            ("rtsp://cam:554/x@y", "rtsp://cam:554/x@y", None),
            ("rtsp://admin@cam/x", "rtsp://cam/x", Some(("admin", ""))),
            ("not a url", "not a url", None),
        ] {
            let (got, credentials) = split_credentials(url);
            assert_eq!(got, address, "{url}");
            assert_eq!(credentials, expected.map(|(user, password)| Credentials::new(user, password)), "{url}");
        }
    }

    #[test]
    fn debug_shows_no_secret() {
        assert_eq!(format!("{:?}", Credentials::new("admin", "s3cret")), "Credentials(***)");
    }
}
