//! The score: how right the alerts were, against what really happened. Measures; decides nothing.
//!
//! Truth and alerts come in as files of JSON lines, are checked whole (every mistake with file, line and field), and are
//! compared by time, camera and kind: one alert tells of one event. Knows nothing of the service's rules, tracks or zones,
//! since it judges them. The comparison is pure; `serde_json` stands at the door only.

pub mod event;
pub mod judge;
mod matching;
pub mod figures;
mod poisson;
pub mod compare;
pub mod mistake;
mod fields;
mod read_truth;
mod read_alerts;
pub mod report;
pub mod picture;

pub use compare::{Comparison, compare};
pub use event::{Event, Ignored, Told, Truth, Watched};
pub use figures::{Figures, Score};
pub use judge::{Patience, Verdict, judge};
pub use mistake::{Mistake, Mistakes};
pub use read_alerts::{AlertFile, read_alerts};
pub use read_truth::{Reading, camera_of_video, read_truth};
