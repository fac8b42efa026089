//! What `mp4mux` writes of time, put right on its way to the file.
//!
//! It says that a clip was made when it is written, whatever its tags say. It takes no picture that is shown before it is decoded, so there is
//! room between the two in what it gets ([`Times`] takes it out again); and it takes the length for that of decoding, by which players
//! would leave out the last pictures.
//! Where pictures are reordered the presentation begins some pictures late. Negative composition times would mend that, but
//! GStreamer's own demuxer reads them wrongly.

use std::time::Duration;

use crate::domain::time::Timestamp;

/// Ticks a second in the file: what RTP counts in, so that a time is rounded by six microseconds at most. Left alone, the muxer takes
/// the declared frame rate's hundredfold, and the rate is often a lie.
pub(super) const TICKS: u32 = 90_000;
/// From 1904, where MP4 begins to count, to 1970.
const EPOCH_S: i64 = 2_082_844_800;

/// The times of a clip.
#[derive(Debug, Default)]
pub(super) struct Times {
    /// When its first picture was taken.
    pub(super) began: Option<Timestamp>,
    /// From then to the end of the last picture.
    pub(super) length: Duration,
    /// How much too late pictures are shown, and how late the first one is afterwards, in ticks; known with the first fragment.
    shift: Option<(u32, u32)>,
}

/// Whether these are the first bytes of a part of the file that has times in it. Pictures are never mistaken for one: what stands here in
/// them is the type of a unit that neither codec has.
pub(super) fn has_times(first: [u8; 8]) -> bool {
    matches!(&first[4..], b"moov" | b"moof")
}

impl Times {
    /// Puts the header, or the head of a fragment, right.
    pub(super) fn put_right(&mut self, bytes: &mut [u8]) {
        if self.shift.is_none() {
            self.shift = shift(bytes);
        }
        each_box(bytes, &mut |kind, content| match &kind {
            b"mvhd" | b"tkhd" | b"mdhd" => self.made(content),
            b"mehd" => self.lengthen(content),
            b"trun" => self.advance(content),
            _ => {}
        });
    }

    /// Sets when it was made and when it was changed, which stand behind version and flags. Whole seconds are all there is.
    fn made(&self, content: &mut [u8]) {
        let Some(began) = self.began else { return };
        let seconds = began.as_nanos().div_euclid(1_000_000_000) + EPOCH_S;
        // The short form ends in 2040; zero stands for "not known".
        let short = u32::try_from(seconds).unwrap_or(0).to_be_bytes();
        let long = u64::try_from(seconds).unwrap_or(0).to_be_bytes();
        let value = if content.first() == Some(&1) { &long[..] } else { &short[..] };
        for at in [4, 4 + value.len()] {
            if let Some(field) = content.get_mut(at..at + value.len()) {
                field.copy_from_slice(value);
            }
        }
    }

    /// Lets the length be that of the presentation. A file that goes on has none: it says zero.
    fn lengthen(&self, content: &mut [u8]) {
        let late = u128::from(self.shift.map_or(0, |(_, late)| late));
        let ticks = self.length.as_nanos() * u128::from(TICKS) / 1_000_000_000 + late;
        let (Some(1), Some(field)) = (content.first().copied(), content.get_mut(4..12)) else { return };
        let given = u64::from_be_bytes(std::array::from_fn(|i| field[i]));
        if given > 0 {
            field.copy_from_slice(&u64::try_from(ticks).unwrap_or(0).to_be_bytes());
        }
    }

    /// Takes the room out of the composition times of a run of samples. Where reordering becomes deeper in the midst of a clip some are
    /// negative, which a run's version 1 is for.
    fn advance(&self, run: &mut [u8]) {
        let Some((room, late)) = self.shift else { return };
        let mut negative = false;
        each_composition(run, &mut |time| {
            let mended = time.wrapping_sub(room).wrapping_add(late);
            negative |= mended.cast_signed() < 0;
            mended
        });
        if negative {
            run[0] = 1;
        }
    }
}

/// What the first fragment shows: the room before its first picture, and how late that one has to be so that none is negative.
fn shift(bytes: &mut [u8]) -> Option<(u32, u32)> {
    let (mut first, mut least) = (None, u32::MAX);
    each_box(bytes, &mut |kind, content| {
        if &kind == b"trun" {
            each_composition(content, &mut |time| {
                first = first.or(Some(time));
                least = least.min(time);
                time
            });
        }
    });
    first.map(|first| (first, first - least))
}

/// Changes the composition times of a run of samples, after decoding.
fn each_composition(run: &mut [u8], change: &mut dyn FnMut(u32) -> u32) {
    let Some(&[version_and_flags, count]) = run.as_chunks::<4>().0.first_chunk::<2>() else { return };
    let (flags, count) = (u32::from_be_bytes(version_and_flags), u32::from_be_bytes(count) as usize);
    let words = |masks: &[u32]| masks.iter().filter(|mask| flags & **mask != 0).count();
    if flags & 0x800 == 0 {
        return;
    }
    // Behind the head: where data begin and the first sample's flags; then of each sample duration, size, flags, composition time.
    let (head, sample) = (8 + 4 * words(&[0x1, 0x4]), 4 * words(&[0x100, 0x200, 0x400, 0x800]));
    let samples = run.get_mut(head..).unwrap_or_default().chunks_exact_mut(sample).take(count);
    for time in samples.filter_map(|sample| sample.last_chunk_mut::<4>()) {
        *time = change(u32::from_be_bytes(*time)).to_be_bytes();
    }
}

fn each_box(mut boxes: &mut [u8], visit: &mut dyn FnMut([u8; 4], &mut [u8])) {
    while let Some(&[a, b, c, d, ref kind @ ..]) = boxes.first_chunk::<8>() {
        let kind = *kind;
        let length = u32::from_be_bytes([a, b, c, d]) as usize;
        if length < 8 || length > boxes.len() {
            return;
        }
        let (one, rest) = boxes.split_at_mut(length);
        match &kind {
            b"moov" | b"trak" | b"mdia" | b"mvex" | b"moof" | b"traf" => each_box(&mut one[8..], visit),
            _ => visit(kind, &mut one[8..]),
        }
        boxes = rest;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn boxed(kind: [u8; 4], content: &[u8]) -> Vec<u8> {
        let length = u32::try_from(8 + content.len()).expect("a small box");
        [&length.to_be_bytes()[..], &kind, content].concat()
    }

    fn words(words: &[u32]) -> Vec<u8> {
        words.iter().flat_map(|word| word.to_be_bytes()).collect()
    }

    fn times() -> Times {
        Times { began: Some(Timestamp::from_millis(1_999)), length: Duration::from_secs(2), shift: None }
    }

    #[test]
    fn all_headers_get_the_time_and_nothing_else_changes() {
        let header = |version: u8, times: &[u8]| [&[version, 0, 0, 7], times, &[9, 9]].concat();
        let moov = |short: &[u8], long: &[u8]| {
            let media = boxed(*b"mdia", &[boxed(*b"mdhd", &header(1, long)), boxed(*b"hdlr", &[5; 4])].concat());
            boxed(*b"moov", &[boxed(*b"mvhd", &header(0, short)), boxed(*b"trak", &media)].concat())
        };
        let mut bytes = moov(&[0xff; 8], &[0xff; 16]);
        times().put_right(&mut bytes);
        let time = u32::try_from(EPOCH_S + 1).expect("before 2040").to_be_bytes();
        let long = [&[0; 4], &time[..]].concat();
        assert_eq!(bytes, moov(&[time, time].concat(), &[&long[..], &long].concat()));
    }

    #[test]
    fn a_length_that_is_given_is_that_of_the_presentation() {
        for (given, wanted) in [(0, 0), (100_000, 180_000), (200_000, 180_000)] {
            let extends = |length: u32| boxed(*b"mvex", &boxed(*b"mehd", &words(&[1 << 24, 0, length])));
            let mut bytes = extends(given);
            times().put_right(&mut bytes);
            assert_eq!(bytes, extends(wanted));
        }
    }

    #[test]
    fn the_room_is_taken_out_of_composition_times() {
        let fragment = |run: &[u32]| boxed(*b"moof", &boxed(*b"traf", &boxed(*b"trun", &words(run))));
        let mut times = times();
        let mut put_right = |run: &[u32]| {
            let mut bytes = fragment(run);
            times.put_right(&mut bytes);
            bytes
        };
        // Offset of the data; then of each sample duration, size, flags and composition time.
        let first = put_right(&[0xf01, 3, 77, 1, 2, 3, 90, 4, 5, 6, 200, 7, 8, 9, 60]);
        assert_eq!(first, fragment(&[0xf01, 3, 77, 1, 2, 3, 30, 4, 5, 6, 140, 7, 8, 9, 0]));
        // The same in what follows, which has flags of the first sample and no durations; one is less than all in the first fragment.
        let second = put_right(&[0xa04, 2, 77, 2, 55, 5, 90]);
        assert_eq!(second, fragment(&[1 << 24 | 0xa04, 2, 77, 2, 5_u32.wrapping_neg(), 5, 30]));
        let without = [0x301, 1, 77, 1, 2];
        assert_eq!(put_right(&without), fragment(&without));
    }

    #[test]
    fn what_is_cut_or_no_header_stays_as_it_is() {
        for bytes in
            [&b"\0\0\0\x20moov"[..], b"\0\0\0\0moov", b"\0\0\0\x0bmvhd\x01\0\0", b"\0\0\0\x10mdat12345678", b"abc"]
        {
            let mut changed = bytes.to_vec();
            times().put_right(&mut changed);
            assert_eq!(changed, bytes);
        }
        assert!(has_times(*b"\0\0\0\x20moof") && !has_times(*b"\0\0\0\x20mdat"));
    }
}
