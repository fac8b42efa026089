//! The contract's words for states, actions, roles and dispositions.

macro_rules! worded {
    ($(#[$doc:meta])* $name:ident { $($(#[$about:meta])* $variant:ident => $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$about])* $variant),+ }

        impl $name {
            /// All of them, in the contract's order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The contract's word for it.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }

            /// The one with this word.
            pub fn from_word(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|known| known.as_str() == word)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

worded! {
    /// Where an alert stands with people.
    State {
        /// Nobody has done anything yet.
        New => "new",
        /// Somebody looks at it.
        Acknowledged => "acknowledged",
        /// Somebody has seen that it is true.
        Verified => "verified",
        /// A patrol was asked to go.
        Dispatched => "dispatched",
        /// A patrol has said that it will.
        Accepted => "accepted",
        /// It is on its way.
        EnRoute => "en_route",
        /// It is there.
        OnScene => "on_scene",
        /// It has done what was to be done.
        Resolved => "resolved",
        /// Nothing is left to do.
        Closed => "closed",
        /// Nothing was to be done.
        Dismissed => "dismissed",
        /// Others do it.
        Transferred => "transferred",
        /// It was thought done, and is not.
        Reopened => "reopened",
        /// The service itself told nobody: a duplicate, a storm, a drill.
        Suppressed => "suppressed",
        /// Nobody did anything until it was too old.
        Expired => "expired",
    }
}

worded! {
    /// What is done with an alert.
    Action {
        /// "I look at it."
        Acknowledge => "acknowledge",
        /// "It is true."
        Verify => "verify",
        /// "Somebody goes there."
        Dispatch => "dispatch",
        /// The patrol will go.
        Accept => "accept",
        /// The patrol is on its way.
        Depart => "depart",
        /// The patrol is there.
        Arrive => "arrive",
        /// The patrol is done.
        Resolve => "resolve",
        /// The patrol will not go.
        Refuse => "refuse",
        /// "There is nothing to do", and why.
        Dismiss => "dismiss",
        /// Takes a dismissal back.
        Undo => "undo",
        /// Others do it.
        Transfer => "transfer",
        /// Nothing is left to do.
        Close => "close",
        /// It was thought done, and is not.
        Reopen => "reopen",
        /// Writes something down; changes nothing.
        Note => "note",
        /// The service itself tells nobody.
        Suppress => "suppress",
        /// It is too old.
        Expire => "expire",
    }
}

worded! {
    /// With what right somebody acts.
    Role {
        /// Watches alerts.
        Operator => "operator",
        /// Answers for operators.
        Supervisor => "supervisor",
        /// Sends patrols.
        Dispatcher => "dispatcher",
        /// Goes there.
        Patrol => "patrol",
        /// The service itself.
        System => "system",
    }
}

worded! {
    /// What became of it.
    Disposition {
        /// Done.
        Handled => "handled",
        /// Done, with a report.
        ReportTaken => "report_taken",
        /// Done, without one.
        NoReport => "no_report",
        /// Not true: light, weather, an animal.
        FalseEnvironment => "false_environment",
        /// Not true: the detector was wrong.
        FalseModel => "false_model",
        /// Told already.
        Duplicate => "duplicate",
        /// Over when the patrol came.
        GoneOnArrival => "gone_on_arrival",
        /// Others do it.
        Referred => "referred",
        /// The patrol was called back.
        CancelledBeforeArrival => "cancelled_before_arrival",
        /// An exercise.
        Drill => "drill",
    }
}

impl Action {
    /// Whether a patrol says it of itself.
    pub const fn is_answer(self) -> bool {
        matches!(self, Self::Accept | Self::Depart | Self::Arrive | Self::Resolve | Self::Refuse)
    }

    /// The word of a dispatch answer for it.
    pub const fn answer(self) -> Option<&'static str> {
        match self {
            Self::Accept => Some("accepted"),
            Self::Depart => Some("en_route"),
            Self::Arrive => Some("on_scene"),
            Self::Resolve => Some("resolved"),
            Self::Refuse => Some("refused"),
            _ => None,
        }
    }

    /// What a dispatch answer of this word does.
    pub fn of_answer(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|action| action.answer() == Some(word))
    }
}
