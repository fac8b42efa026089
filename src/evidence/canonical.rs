//! JSON in the one way of RFC 8785, so that its bytes can be hashed and signed; and what is read must be written so.

use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest as _, Sha256};

use crate::pipeline::evidence::VaultError;

/// The canonical bytes.
pub(super) fn bytes(value: &impl Serialize) -> Result<Vec<u8>, VaultError> {
    serde_json_canonicalizer::to_vec(value).map_err(|e| VaultError(format!("cannot be written as JSON: {e}")))
}

/// Reads what must be canonical. Spaces, the order of members, members twice: whatever another program would read as the same is an
/// error, since only then does one text have one digest. Members that this version does not know are allowed.
pub(super) fn read<T: DeserializeOwned>(text: &[u8]) -> Result<T, String> {
    let value: serde_json::Value = serde_json::from_slice(text).map_err(|e| format!("is not JSON: {e}"))?;
    let canonical = bytes(&value).map_err(|e| e.0)?;
    if canonical != text {
        let at = canonical.iter().zip(text).take_while(|(a, b)| a == b).count();
        return Err(format!("is not canonical JSON (RFC 8785): differs at byte {at}"));
    }
    serde_json::from_value(value).map_err(|e| format!("has not the form it wants: {e}"))
}

/// SHA-256 in hexadecimal.
pub(super) fn sha256(data: &[u8]) -> String {
    hex(&Sha256::digest(data))
}

/// Small letters: the only way in which hexadecimal is written here.
pub(super) fn hex(data: &[u8]) -> String {
    data.iter().flat_map(|byte| [byte >> 4, byte & 15]).filter_map(|n| char::from_digit(n.into(), 16)).collect()
}

/// Reads hexadecimal of exactly `N` bytes in small letters.
pub(super) fn unhex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digit = |c: u8| match c {
        b'0'..=b'9' => Some(c - b'0'),
        b'a'..=b'f' => Some(c - b'a' + 10),
        _ => None,
    };
    let mut out = [0; N];
    if text.len() != 2 * N {
        return None;
    }
    for (byte, pair) in out.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn members_are_sorted_and_numbers_written_one_way() {
        let value = json!({"b": 1.0, "a": [1e21, 0.1, "北\n"], "B": null});
        let text = bytes(&value).unwrap();
        assert_eq!(String::from_utf8(text.clone()).unwrap(), r#"{"B":null,"a":[1e+21,0.1,"北\n"],"b":1}"#);
        assert_eq!(bytes(&read::<Value>(&text).unwrap()).unwrap(), text);
    }

    #[test]
    fn another_way_to_write_the_same_is_refused() {
        for text in
            [r#"{"b":1,"a":2}"#, r#"{"a":1,"a":1}"#, r#"{"a": 1}"#, r#"{"a":1.0}"#, "{\"a\":1}\n", r#"{"a":"\u0062"}"#]
        {
            assert!(read::<Value>(text.as_bytes()).unwrap_err().contains("canonical"), "{text}");
        }
    }

    #[test]
    fn hexadecimal_has_small_letters_only() {
        assert_eq!(unhex::<2>(&hex(&[0x0a, 0xff])), Some([0x0a, 0xff]));
        assert_eq!(unhex::<2>("0aFF"), None);
        assert_eq!(unhex::<2>("0af"), None);
    }
}
