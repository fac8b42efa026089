//! The one waiting frame of a camera between decoder and detector.

use std::fmt;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use super::frame::Frame;

/// A place for one frame. Live, a newer frame replaces an unread one (the caller counts it); in a replay the writer waits,
/// so that nothing is dropped.
#[derive(Debug, Default)]
pub struct FrameSlot {
    state: Mutex<SlotState>,
    emptied: Condvar,
}

#[derive(Debug, Default)]
struct SlotState {
    frame: Option<Frame>,
    closed: bool,
    watcher: Option<Watcher>,
}

/// Hears, outside of the slot's lock, that a frame was put in, and whether it replaced an unread one.
#[derive(Clone)]
struct Watcher(Arc<dyn Fn(bool) + Send + Sync>);

impl fmt::Debug for Watcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Watcher")
    }
}

impl FrameSlot {
    /// An empty slot.
    pub fn new() -> Self {
        Self::default()
    }

    /// Puts a frame in; gives back the unread one that it replaces.
    pub fn replace(&self, frame: Frame) -> Option<Frame> {
        let mut state = self.lock();
        let replaced = state.frame.replace(frame);
        let watcher = state.watcher.clone();
        drop(state);
        if let Some(Watcher(hear)) = watcher {
            hear(replaced.is_some());
        }
        replaced
    }

    /// Puts a frame in once the slot is empty; false when the slot was closed meanwhile.
    pub fn put_when_empty(&self, frame: Frame) -> bool {
        let mut state = self.lock();
        while state.frame.is_some() && !state.closed {
            state = self.emptied.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        let open = !state.closed;
        if open {
            state.frame = Some(frame);
            let watcher = state.watcher.clone();
            drop(state);
            if let Some(Watcher(hear)) = watcher {
                hear(false);
            }
        }
        open
    }

    /// Takes the waiting frame.
    pub fn take(&self) -> Option<Frame> {
        let frame = self.lock().frame.take();
        if frame.is_some() {
            self.emptied.notify_all();
        }
        frame
    }

    /// Whether a frame waits.
    pub fn is_waiting(&self) -> bool {
        self.lock().frame.is_some()
    }

    /// Calls `hear` after each frame put in, with whether it replaced an unread one; `None` ends it. How the reader is woken.
    pub fn watch(&self, hear: Option<Arc<dyn Fn(bool) + Send + Sync>>) {
        self.lock().watcher = hear.map(Watcher);
    }

    /// Lets waiting writers go; the frame that waits may still be taken.
    pub fn close(&self) {
        self.lock().closed = true;
        self.emptied.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, SlotState> {
        // A slot holds no invariant that a panic could break.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
