//! The one waiting frame of a camera between decoder and detector.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

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
}

impl FrameSlot {
    /// An empty slot.
    pub fn new() -> Self {
        Self::default()
    }

    /// Puts a frame in; gives back the unread one that it replaces.
    pub fn replace(&self, frame: Frame) -> Option<Frame> {
        self.lock().frame.replace(frame)
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
