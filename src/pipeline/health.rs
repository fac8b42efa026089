//! Whether a stage can do its work: what `/readyz` asks.

/// A stage's health, as it says itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum StageHealth {
    /// Has not done anything yet.
    #[default]
    Starting,
    /// Works.
    Ready,
    /// Does not work now; it goes on trying.
    Failing {
        /// Why, in a word that a page can translate: `unreachable`, `topic_missing`, `store`.
        reason: &'static str,
        /// What happened and what to do, without credentials.
        message: String,
    },
}

impl StageHealth {
    /// Whether it works.
    pub const fn is_ready(&self) -> bool {
        matches!(self, Self::Ready)
    }
}
