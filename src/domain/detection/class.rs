//! The object classes of the contract. Classes of things only; never attributes, never identities.

/// What an object is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "the names are the contract's own words")]
pub enum ObjectClass {
    Person,
    Bicycle,
    Motorcycle,
    Car,
    Bus,
    Truck,
    Van,
    Animal,
    Bag,
    Boat,
    Fire,
    Smoke,
    /// Something the model knows and the contract does not; the label says what.
    Other,
    /// Something that a cue saw and no detector named.
    Unknown,
}

impl ObjectClass {
    /// All classes, in the contract's order.
    pub const ALL: [Self; 14] = [
        Self::Person,
        Self::Bicycle,
        Self::Motorcycle,
        Self::Car,
        Self::Bus,
        Self::Truck,
        Self::Van,
        Self::Animal,
        Self::Bag,
        Self::Boat,
        Self::Fire,
        Self::Smoke,
        Self::Other,
        Self::Unknown,
    ];

    /// The contract's word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Bicycle => "bicycle",
            Self::Motorcycle => "motorcycle",
            Self::Car => "car",
            Self::Bus => "bus",
            Self::Truck => "truck",
            Self::Van => "van",
            Self::Animal => "animal",
            Self::Bag => "bag",
            Self::Boat => "boat",
            Self::Fire => "fire",
            Self::Smoke => "smoke",
            Self::Other => "other",
            Self::Unknown => "unknown",
        }
    }

    /// The class of that name, if there is one.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.as_str() == name)
    }
}
