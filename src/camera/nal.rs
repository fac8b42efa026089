//! What an access unit is, by its NAL unit types (ITU-T H.264 table 7-1, H.265 table 7-1).
//!
//! GStreamer's "not a delta unit" will not do: under periodic intra refresh the parser marks recovery points so, though
//! decoding from there shows a smear until one refresh period is over.

use std::time::Duration;

use crate::pipeline::packet::Codec;

/// How long a stream may go without a true key picture before its recovery points are taken as keys: cameras with periodic
/// intra refresh send one IDR in their life. Those with a "smart" codec send one each 10 to 30 s.
const PATIENCE: Duration = Duration::from_secs(40);
/// The same at the beginning of a connection, where most cameras send a key picture at once and all are blind until then.
const FIRST_PATIENCE: Duration = Duration::from_secs(10);

/// Finds the pictures at which decoding can begin.
#[derive(Debug)]
pub(super) struct KeyFinder {
    codec: Codec,
    /// Presentation time of the last key picture, or of the first picture before there was one.
    since: Option<Duration>,
    patience: Duration,
}

impl KeyFinder {
    pub(super) const fn new(codec: Codec) -> Self {
        Self { codec, since: None, patience: FIRST_PATIENCE }
    }

    /// Whether decoding can begin at this access unit (Annex B).
    pub(super) fn is_key(&mut self, unit: &[u8], pts: Duration) -> bool {
        let seen = Seen::in_unit(self.codec, unit);
        let since = *self.since.get_or_insert(pts);
        let recovered = seen.recovery_point && seen.parameters && pts.saturating_sub(since) >= self.patience;
        if seen.random_access || recovered {
            self.since = Some(pts);
            self.patience = PATIENCE;
        }
        seen.random_access || recovered
    }
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Seen {
    random_access: bool,
    recovery_point: bool,
    parameters: bool,
}

impl Seen {
    fn in_unit(codec: Codec, unit: &[u8]) -> Self {
        let mut seen = Self::default();
        for nal in nal_units(unit) {
            let Some(&head) = nal.first() else { continue };
            let slice = match codec {
                Codec::H264 => {
                    let kind = head & 0x1f;
                    seen.random_access |= kind == 5;
                    seen.parameters |= kind == 7;
                    seen.recovery_point |= kind == 6 && nal.get(1) == Some(&6);
                    (1..=5).contains(&kind)
                }
                Codec::H265 => {
                    let kind = head >> 1 & 0x3f;
                    seen.random_access |= (16..=21).contains(&kind);
                    seen.parameters |= kind == 33;
                    seen.recovery_point |= kind == 39 && nal.get(2) == Some(&6);
                    kind < 32
                }
            };
            if slice {
                break; // the type of a picture's first slice is that of all; the rest is payload
            }
        }
        seen
    }
}

/// The sequence parameter sets in front of a key picture: what says how large pictures are, and how far they may be reordered.
pub(super) fn sequence_parameters(codec: Codec, unit: &[u8]) -> Vec<&[u8]> {
    let kind = |nal: &[u8]| {
        nal.first().map(|head| match codec {
            Codec::H264 => (head & 0x1f, 7, 1..=5),
            Codec::H265 => (head >> 1 & 0x3f, 33, 0..=31),
        })
    };
    let before_slices =
        nal_units(unit).take_while(|nal| kind(nal).is_none_or(|(kind, _, slices)| !slices.contains(&kind)));
    let sets = before_slices.filter(|nal| kind(nal).is_some_and(|(kind, sequence, _)| kind == sequence));
    sets.map(|nal| {
        let end = nal.windows(3).position(|three| three == [0, 0, 1]).unwrap_or(nal.len());
        // A set ends in a one; what follows belongs to the next start code.
        let zeros = nal[..end].iter().rev().take_while(|&&byte| byte == 0).count();
        &nal[..end - zeros]
    })
    .collect()
}

/// The NAL units of an access unit in byte-stream form, without their start codes.
fn nal_units(unit: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = after_start_code(unit);
    std::iter::from_fn(move || {
        let nal = rest?;
        rest = after_start_code(nal);
        Some(nal)
    })
}

/// What follows the next start code. A NAL unit given this way runs to the end of the data, which is enough to read its head.
fn after_start_code(data: &[u8]) -> Option<&[u8]> {
    data.windows(3).position(|three| three == [0, 0, 1]).map(|at| &data[at + 3..])
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPS: &[u8] = &[0, 0, 0, 1, 0x67, 1, 2];
    const IDR: &[u8] = &[0, 0, 1, 0x65, 9, 9];
    const SLICE: &[u8] = &[0, 0, 1, 0x41, 9, 9];
    const RECOVERY: &[u8] = &[0, 0, 1, 0x06, 0x06, 1];

    #[test]
    fn an_idr_is_a_key_and_a_slice_is_not() {
        let mut finder = KeyFinder::new(Codec::H264);
        assert!(finder.is_key(&[SPS, IDR].concat(), Duration::ZERO));
        assert!(!finder.is_key(SLICE, Duration::from_secs(1)));
        assert!(!finder.is_key(&[], Duration::from_secs(1)));
    }

    #[test]
    fn a_recovery_point_counts_only_where_no_idr_comes() {
        let unit = [SPS, RECOVERY, SLICE].concat();
        let mut finder = KeyFinder::new(Codec::H264);
        assert!(!finder.is_key(&unit, Duration::ZERO));
        assert!(!finder.is_key(&unit, FIRST_PATIENCE / 2));
        assert!(finder.is_key(&unit, FIRST_PATIENCE));
        assert!(!finder.is_key(&unit, PATIENCE));
        assert!(finder.is_key(&unit, FIRST_PATIENCE + PATIENCE));
    }

    #[test]
    fn sequence_parameters_are_whole_and_end_where_they_end() {
        const PPS: &[u8] = &[0, 0, 0, 1, 0x68, 3];
        assert_eq!(sequence_parameters(Codec::H264, &[SPS, PPS, IDR, SPS].concat()), [[0x67, 1, 2]]);
        assert!(sequence_parameters(Codec::H264, &[PPS, IDR].concat()).is_empty());
        let h265 = [&[0, 0, 1, 33 << 1, 1, 8][..], &[0, 0, 0, 1, 19 << 1, 1]].concat();
        assert_eq!(sequence_parameters(Codec::H265, &h265), [[33 << 1, 1, 8]]);
    }

    #[test]
    fn all_random_access_pictures_of_h265_are_keys() {
        for kind in 0..32u8 {
            let unit = [0, 0, 1, kind << 1, 1, 0x80];
            assert_eq!(KeyFinder::new(Codec::H265).is_key(&unit, Duration::ZERO), (16..=21).contains(&kind), "{kind}");
        }
    }
}
