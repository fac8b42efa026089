//! What was decided while the store had no room, not even its reserve: kept in memory, sent from there, recorded when there is room.
//!
//! Each change is recorded or kept here, never both, and its bytes are settled the moment it is kept: what is sent from memory has an
//! epoch of its own and says so (`ce_durability`), and keeps that when it is recorded later. Bounded; what leaves at the bound is counted.
//! A process that ends loses what is here: this is outside the promise.

use std::collections::{HashSet, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::ports::{Fact, OutboxRecord, Recorded};
use crate::domain::time::Timestamp;

/// A fact that is not in the store.
#[derive(Clone, Debug)]
pub struct Kept {
    /// What happened.
    pub fact: Fact,
    /// When it would have been recorded; so it is said wherever it is told.
    pub recorded_at: Timestamp,
    /// What is shown of it; it has no row yet.
    pub shown: Option<Recorded>,
    /// What is sent of it; none where nothing is, or where the store has it already.
    pub record: Option<OutboxRecord>,
    /// When Kafka has acknowledged it.
    pub sent_at: Option<Timestamp>,
}

/// What had to go at the bound.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Evicted {
    /// Kafka has it; only the store will never.
    pub delivered: usize,
    /// Nobody has it.
    pub lost: usize,
}

/// The queue; between the record and the relay stage.
#[derive(Debug)]
pub struct Memory {
    bound: usize,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    /// In the order of keeping, each with its number, which grows.
    kept: VecDeque<(u64, Kept)>,
    next: u64,
}

impl Memory {
    /// Takes at most so many facts.
    pub fn new(bound: usize) -> Self {
        Self { bound, inner: Mutex::default() }
    }

    /// Keeps facts behind those that are kept already.
    pub fn keep(&self, facts: Vec<Kept>) -> Evicted {
        let mut inner = self.lock();
        for kept in facts {
            let number = inner.next;
            inner.next += 1;
            inner.kept.push_back((number, kept));
        }
        let mut evicted = Evicted::default();
        while inner.kept.len() > self.bound {
            // What is delivered goes first; then the oldest, since a later change of an alert says all that an earlier one did.
            if let Some(at) = inner.kept.iter().position(|(_, kept)| kept.sent_at.is_some()) {
                inner.kept.remove(at);
                evicted.delivered += 1;
            } else {
                inner.kept.pop_front();
                evicted.lost += 1;
            }
        }
        evicted
    }

    /// How many facts are kept.
    pub fn len(&self) -> usize {
        self.lock().kept.len()
    }

    /// Whether nothing is kept.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many records are kept and not sent.
    pub fn unsent_len(&self) -> usize {
        self.lock().kept.iter().filter(|(_, kept)| is_unsent(kept)).count()
    }

    /// The oldest facts, with the number of the last.
    pub fn oldest(&self, limit: usize) -> Option<(u64, Vec<Kept>)> {
        let inner = self.lock();
        let some: Vec<Kept> = inner.kept.iter().take(limit).map(|(_, kept)| kept.clone()).collect();
        let last = inner.kept.get(some.len().checked_sub(1)?)?.0;
        Some((last, some))
    }

    /// Forgets what the store has now: all up to a number.
    pub fn forget(&self, last: u64) {
        let mut inner = self.lock();
        while inner.kept.front().is_some_and(|(number, _)| *number <= last) {
            inner.kept.pop_front();
        }
    }

    /// Records that were not sent, oldest first, each with its number; none of the topics that are passed over.
    pub fn unsent(&self, limit: usize, pass_over: &HashSet<String>) -> Vec<(u64, OutboxRecord)> {
        let inner = self.lock();
        let unsent = inner.kept.iter().filter(|(_, kept)| is_unsent(kept));
        let records = unsent.filter_map(|(number, kept)| Some((*number, kept.record.clone()?)));
        records.filter(|(_, record)| !pass_over.contains(&record.topic)).take(limit).collect()
    }

    /// Notes that these were acknowledged; what the store has by now is no matter of this.
    pub fn mark_sent(&self, numbers: &[u64], at: Timestamp) {
        let numbers: HashSet<u64> = numbers.iter().copied().collect();
        for (number, kept) in &mut self.lock().kept {
            if numbers.contains(number) {
                kept.sent_at = Some(at);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Each write leaves the queue whole.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_unsent(kept: &Kept) -> bool {
    kept.record.is_some() && kept.sent_at.is_none()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::CameraId;

    fn kept(n: i64, topic: &str) -> Kept {
        let at = Timestamp::from_nanos(n);
        let record = OutboxRecord {
            row: 0,
            topic: topic.to_owned(),
            key: "gate".to_owned(),
            headers: Vec::new(),
            value: n.to_string().into_bytes(),
            captured_at: at,
            recorded_at: at,
        };
        let fact = Fact::SightedSince { camera: CameraId::parse("gate").unwrap(), at };
        Kept { fact, recorded_at: at, shown: None, record: Some(record), sent_at: None }
    }

    fn values(memory: &Memory, pass_over: &HashSet<String>) -> Vec<String> {
        let unsent = memory.unsent(100, pass_over);
        unsent.into_iter().map(|(_, record)| String::from_utf8(record.value).unwrap()).collect()
    }

    #[test]
    fn at_the_bound_what_is_delivered_goes_first_and_then_the_oldest() {
        let memory = Memory::new(4);
        assert_eq!(memory.keep((0..4).map(|n| kept(n, "alerts")).collect()), Evicted::default());
        memory.mark_sent(&[2], Timestamp::from_nanos(9));
        let evicted = memory.keep((4..6).map(|n| kept(n, "alerts")).collect());
        assert_eq!(evicted, Evicted { delivered: 1, lost: 1 });
        assert_eq!(values(&memory, &HashSet::new()), ["1", "3", "4", "5"]);
        assert_eq!((memory.len(), memory.unsent_len()), (4, 4));
    }

    #[test]
    fn what_the_store_has_is_forgotten_and_a_late_word_of_it_changes_nothing() {
        let memory = Memory::new(10);
        memory.keep((0..5).map(|n| kept(n, if n == 3 { "tracks" } else { "alerts" })).collect());
        let (last, oldest) = memory.oldest(2).unwrap();
        assert_eq!(oldest.len(), 2);
        memory.forget(last);
        memory.mark_sent(&[0, 1, 2], Timestamp::from_nanos(9));
        assert_eq!(values(&memory, &HashSet::from(["tracks".to_owned()])), ["4"]);
        assert_eq!(values(&memory, &HashSet::new()), ["3", "4"]);
        memory.forget(9);
        assert!(memory.is_empty() && memory.oldest(1).is_none());
    }
}
