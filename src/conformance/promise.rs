//! What is promised of records, each with a name that reports keep.

/// A promise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Promise {
    /// Headers are CloudEvents 1.0 in binary mode and follow their schema.
    Headers,
    /// The value is JSON and follows its schema.
    Data,
    /// `ce_id` is `{alert_id}.{revision}`.
    Id,
    /// The record's key is the camera's or the node's id.
    Key,
    /// Headers say what the data says.
    Agreement,
    /// The same `ce_source` and `ce_id` always carry the same bytes.
    SameBytes,
    /// `ce_sequence` counts up by one per source and epoch.
    Sequence,
    /// Revisions of an alert count up by one; it opens once, and only updates follow its end.
    Revisions,
}

impl Promise {
    /// All of them, in the order of reports.
    pub const ALL: [Self; 8] = [
        Self::Headers,
        Self::Data,
        Self::Id,
        Self::Key,
        Self::Agreement,
        Self::SameBytes,
        Self::Sequence,
        Self::Revisions,
    ];

    /// Its name in reports.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Headers => "headers",
            Self::Data => "data",
            Self::Id => "id",
            Self::Key => "key",
            Self::Agreement => "agreement",
            Self::SameBytes => "same_bytes",
            Self::Sequence => "sequence",
            Self::Revisions => "revisions",
        }
    }

    /// What it says, for people.
    pub const fn says(self) -> &'static str {
        match self {
            Self::Headers => "headers are CloudEvents in binary mode, by their schema",
            Self::Data => "the value is JSON, by its schema",
            Self::Id => "ce_id is alert_id.revision",
            Self::Key => "the key is the camera's or the node's id",
            Self::Agreement => "headers say what the data says",
            Self::SameBytes => "the same ce_source and ce_id carry the same bytes",
            Self::Sequence => "ce_sequence counts up by one per source and epoch",
            Self::Revisions => "revisions count up by one; opened once, after the end only updates",
        }
    }
}
