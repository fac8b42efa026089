//! The packet ring of a camera: the newest encoded pictures, ready to be decoded or cut into a clip.
//!
//! Invariants: the ring is empty or begins with a key packet; packets are in decoding order; no group of pictures has a hole
//! in it, since `interrupt` closes the last one and what follows is refused until the next key packet; one codec at a time.
//! Bounds: it holds `seconds` of video and at most one group of pictures beyond, never more than `bytes`. What leaves, leaves
//! as a whole group, oldest first, and is reported to the caller, who counts it.
//! Absent: locks, clocks and I/O. [`SharedRing`] is how stages share one.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::packet::Packet;
use crate::domain::time::Timestamp;

/// A ring as capture, decoder and evidence share it.
pub type SharedRing = Arc<Mutex<PacketRing>>;

/// How much a ring may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RingBounds {
    /// Video time that is kept, where bytes allow.
    pub seconds: Duration,
    /// Bytes of encoded pictures, never exceeded.
    pub bytes: usize,
}

/// The newest packets of one stream.
#[derive(Debug)]
pub struct PacketRing {
    bounds: RingBounds,
    packets: VecDeque<Packet>,
    groups: VecDeque<Group>,
    bytes: usize,
    newest: Timestamp,
    open: bool,
    /// Packets that have left.
    gone: u64,
}

/// Up to where somebody has read a ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place(u64);

/// A key packet and those that depend on it.
#[derive(Clone, Copy, Debug)]
struct Group {
    begins: Timestamp,
    packets: usize,
    bytes: usize,
}

/// What a push did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pushed {
    /// The packet was kept; false before the first key packet, and after an interruption until the next one.
    pub kept: bool,
    /// Packets that left because the ring holds enough time.
    pub outdated: usize,
    /// Packets that left because the ring holds enough bytes (also the pushed one, where one group alone is too big), or
    /// because the codec changed.
    pub overflowed: usize,
}

impl PacketRing {
    /// An empty ring.
    pub fn new(bounds: RingBounds) -> Self {
        let (packets, groups) = (VecDeque::new(), VecDeque::new());
        Self { bounds, packets, groups, bytes: 0, newest: Timestamp::default(), open: false, gone: 0 }
    }

    /// An empty ring to share.
    pub fn shared(bounds: RingBounds) -> SharedRing {
        Arc::new(Mutex::new(Self::new(bounds)))
    }

    /// Takes in the next packet in decoding order.
    pub fn push(&mut self, packet: Packet) -> Pushed {
        let mut pushed = Pushed::default();
        if packet.key {
            if self.packets.back().is_some_and(|last| last.codec != packet.codec) {
                pushed.overflowed += self.clear();
            }
            self.groups.push_back(Group { begins: packet.captured_at, packets: 0, bytes: 0 });
            self.open = true;
        }
        let Some(group) = self.groups.back_mut().filter(|_| self.open) else { return pushed };
        group.packets += 1;
        group.bytes += packet.data.len();
        self.bytes += packet.data.len();
        self.newest = if self.packets.is_empty() { packet.captured_at } else { self.newest.max(packet.captured_at) };
        self.packets.push_back(packet);
        pushed.kept = true;
        self.shrink(&mut pushed);
        pushed
    }

    fn shrink(&mut self, pushed: &mut Pushed) {
        while self.groups.get(1).is_some_and(|second| self.newest.since(second.begins) >= self.bounds.seconds) {
            pushed.outdated += self.drop_oldest();
        }
        while self.bytes > self.bounds.bytes {
            pushed.overflowed += self.drop_oldest();
        }
        if self.groups.is_empty() {
            // A group without its head cannot be decoded: wait for the next one.
            self.open = false;
            pushed.kept = false;
        }
    }

    fn drop_oldest(&mut self) -> usize {
        let Some(group) = self.groups.pop_front() else { return 0 };
        self.packets.drain(..group.packets);
        self.gone += group.packets as u64;
        self.bytes -= group.bytes;
        group.packets
    }

    /// Notes that packets are missing from here on (the connection broke): the next one kept is a key packet.
    pub fn interrupt(&mut self) {
        self.open = false;
    }

    /// Empties the ring; gives how many packets left.
    pub fn clear(&mut self) -> usize {
        let left = self.packets.len();
        self.gone += left as u64;
        self.packets.clear();
        self.groups.clear();
        self.bytes = 0;
        self.open = false;
        left
    }

    /// From the last key packet taken at or before `at` to the newest packet; from the oldest where `at` is before it.
    pub fn from_key_at_or_before(&self, at: Timestamp) -> impl Iterator<Item = &Packet> {
        self.packets.range(self.before_key(at)..)
    }

    /// The place before the last key packet taken at or before `at`.
    pub fn place_before(&self, at: Timestamp) -> Place {
        Place(self.gone + self.before_key(at) as u64)
    }

    /// What has come since that place, which moves on to the end. Where packets have left before they were read, it goes on with the oldest,
    /// which is a key packet.
    pub fn read_on(&self, place: &mut Place) -> Vec<Packet> {
        let from = usize::try_from(place.0.saturating_sub(self.gone)).unwrap_or(usize::MAX).min(self.packets.len());
        *place = Place(self.gone + self.packets.len() as u64);
        self.packets.range(from..).cloned().collect()
    }

    /// When the newest picture was taken; none where there is nothing.
    pub fn newest(&self) -> Option<Timestamp> {
        (!self.packets.is_empty()).then_some(self.newest)
    }

    /// How many packets stand before the last key packet taken at or before `at`.
    fn before_key(&self, at: Timestamp) -> usize {
        let later = self.groups.iter().skip(1).take_while(|group| group.begins <= at).count();
        let skipped: usize = self.groups.iter().take(later).map(|group| group.packets).sum();
        skipped.min(self.packets.len())
    }

    /// What a clip of `from..=to` needs: from the key packet at or before `from` to the last packet, in decoding order, of a
    /// picture taken at or before `to`. The packets share their bytes with the ring.
    pub fn slice(&self, from: Timestamp, to: Timestamp) -> Vec<Packet> {
        let mut packets: Vec<Packet> = self.from_key_at_or_before(from).cloned().collect();
        let wanted = packets.iter().rposition(|packet| packet.captured_at <= to).map_or(0, |last| last + 1);
        packets.truncate(wanted);
        packets
    }

    /// The oldest packets first.
    pub fn iter(&self) -> impl Iterator<Item = &Packet> {
        self.packets.iter()
    }

    /// Video time held.
    pub fn held(&self) -> Duration {
        self.groups.front().map_or(Duration::ZERO, |oldest| self.newest.since(oldest.begins))
    }

    /// Bytes held.
    pub const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Packets held.
    pub fn len(&self) -> usize {
        self.packets.len()
    }

    /// Whether it holds nothing.
    pub fn is_empty(&self) -> bool {
        self.packets.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use proptest::prelude::*;

    use super::*;
    use crate::pipeline::packet::{CaptureClock, ClockQuality, Codec};

    fn packet(at_ms: i64, key: bool, size: usize) -> Packet {
        Packet {
            codec: Codec::H264,
            captured_at: Timestamp::from_millis(at_ms),
            clock: ClockQuality { source: CaptureClock::Arrival, error_ms: None, offset_ms: None },
            received_at: Timestamp::from_millis(at_ms),
            pts: Duration::from_millis(at_ms.unsigned_abs()),
            key,
            data: Bytes::from(vec![0; size]),
        }
    }

    fn ring(seconds: u64, bytes: usize) -> PacketRing {
        PacketRing::new(RingBounds { seconds: Duration::from_secs(seconds), bytes })
    }

    fn millis<'a>(packets: impl IntoIterator<Item = &'a Packet>) -> Vec<i64> {
        packets.into_iter().map(|p| p.captured_at.as_millis()).collect()
    }

    #[test]
    fn begins_with_a_key_packet_and_keeps_its_seconds() {
        let mut ring = ring(2, 1_000_000);
        assert!(!ring.push(packet(0, false, 10)).kept);
        let outdated: usize = (1..60).map(|i| ring.push(packet(i * 100, i % 10 == 1, 10)).outdated).sum();
        assert_eq!((outdated, ring.len()), (30, 29));
        assert_eq!(ring.held(), Duration::from_millis(2800));
        assert_eq!(millis(ring.from_key_at_or_before(Timestamp::from_millis(5_099)))[0], 4_100);
        assert_eq!(millis(ring.from_key_at_or_before(Timestamp::from_millis(5_100)))[0], 5_100);
        assert_eq!(millis(ring.from_key_at_or_before(Timestamp::from_millis(0)))[0], 3_100);
    }

    #[test]
    fn a_group_larger_than_the_ring_is_given_up_until_the_next_key() {
        let mut ring = ring(60, 100);
        assert!(ring.push(packet(0, true, 60)).kept);
        assert_eq!(ring.push(packet(40, false, 60)), Pushed { kept: false, outdated: 0, overflowed: 2 });
        assert!(!ring.push(packet(80, false, 10)).kept && ring.is_empty() && ring.bytes() == 0);
        assert!(ring.push(packet(120, true, 60)).kept);
    }

    #[test]
    fn an_interruption_leaves_no_hole_within_a_group() {
        let mut ring = ring(60, 1_000);
        ring.push(packet(0, true, 1));
        ring.interrupt();
        assert!(!ring.push(packet(40, false, 1)).kept);
        assert!(ring.push(packet(80, true, 1)).kept);
        assert_eq!(millis(ring.iter()), [0, 80]);
    }

    #[test]
    fn a_slice_holds_all_that_its_last_picture_needs() {
        let mut ring = ring(60, 1_000);
        // Decoding order with B-frames: 0 300 100 200 | 400 700 500 600
        for (i, at) in [0, 300, 100, 200, 400, 700, 500, 600].into_iter().enumerate() {
            ring.push(packet(at, i % 4 == 0, 1));
        }
        let slice = ring.slice(Timestamp::from_millis(150), Timestamp::from_millis(500));
        assert_eq!(millis(&slice), [0, 300, 100, 200, 400, 700, 500]);
        assert!(ring.slice(Timestamp::from_millis(-10), Timestamp::from_millis(-5)).is_empty());
    }

    #[test]
    fn who_reads_on_gets_each_packet_once_and_goes_on_with_a_key_after_a_gap() {
        let mut ring = ring(2, 1_000);
        for i in 0..3 {
            ring.push(packet(i * 400, i % 2 == 0, 1));
        }
        let mut place = ring.place_before(Timestamp::from_millis(500));
        assert_eq!(millis(&ring.read_on(&mut place)), [0, 400, 800]);
        assert!(ring.read_on(&mut place).is_empty());
        ring.push(packet(1_200, false, 1));
        assert_eq!(millis(&ring.read_on(&mut place)), [1_200]);
        for i in 4..20 {
            ring.push(packet(i * 400, i % 2 == 0, 1));
        }
        let rest = ring.read_on(&mut place);
        assert!(rest[0].key && rest.last().is_some_and(|last| last.captured_at.as_millis() == 7_600));
        ring.clear();
        ring.push(packet(9_000, true, 1));
        assert_eq!(millis(&ring.read_on(&mut place)), [9_000]);
    }

    proptest! {
        #[test]
        fn laws_hold_for_any_stream(
            steps in prop::collection::vec((any::<bool>(), 1..300usize, 0..9_000i64, prop::bool::weighted(0.05)), 1..300),
            seconds in 0..20u64, bytes in 100..5_000usize, asked in 0..900_000i64,
        ) {
            let mut ring = ring(seconds, bytes);
            let (mut at, mut given, mut gone) = (0, 0, 0);
            for (key, size, step, broken) in steps {
                if broken {
                    ring.interrupt();
                }
                at += step;
                let pushed = ring.push(packet(at, key, size));
                gone += pushed.outdated + pushed.overflowed;
                // A packet that was refused was never in; one that overflowed at once was in and went.
                given += usize::from(pushed.kept || pushed.overflowed > 0);
                prop_assert!(ring.iter().next().is_none_or(|first| first.key));
                prop_assert!(ring.bytes() <= bytes);
                prop_assert_eq!(ring.bytes(), ring.iter().map(|p| p.data.len()).sum::<usize>());
                let second_key = ring.iter().skip(1).find(|p| p.key).map(|p| p.captured_at);
                let newest = ring.iter().map(|p| p.captured_at).max().unwrap_or_default();
                prop_assert!(second_key.is_none_or(|key| newest.since(key) < Duration::from_secs(seconds)));
            }
            prop_assert_eq!(given, gone + ring.len());
            let asked = Timestamp::from_millis(asked);
            let from: Vec<&Packet> = ring.from_key_at_or_before(asked).collect();
            if let (Some(first), Some(oldest)) = (from.first(), ring.iter().next()) {
                prop_assert!(first.key && (first.captured_at <= asked || first.captured_at == oldest.captured_at));
                prop_assert!(!from[1..].iter().any(|p| p.key && p.captured_at <= asked && p.captured_at > first.captured_at));
            }
        }
    }
}
