//! Which decoded frames are analysed: by time, never by counting, because frames come irregularly and get lost.

use std::time::Duration;

/// Picks frames at a target rate out of a stream of any rate.
#[derive(Debug)]
pub struct Pacer {
    interval: Duration,
    next_due: Option<Duration>,
}

impl Pacer {
    /// At most `per_second` frames a second (0.1 to 60; `config/` checks).
    pub fn new(per_second: f64) -> Self {
        Self { interval: Duration::from_secs_f64(1.0 / per_second), next_due: None }
    }

    /// Whether the frame with this presentation time is due. Keeps to a grid, so that the average rate holds where the
    /// stream's interval does not divide ours; a gap or a jump back starts a new grid.
    pub fn due(&mut self, pts: Duration) -> bool {
        // Half a millisecond of grace: a 10 fps stream stamped in 90 kHz ticks is not late for a grid of 200 ms.
        let grace = Duration::from_micros(500);
        match self.next_due {
            Some(due) if pts + grace < due && due.saturating_sub(pts) <= self.interval => false,
            Some(due) if pts + grace >= due && pts < due + self.interval => {
                self.next_due = Some(due + self.interval);
                true
            }
            _ => {
                self.next_due = Some(pts + self.interval);
                true
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(pacer: &mut Pacer, pts_ms: impl IntoIterator<Item = u64>) -> Vec<u64> {
        pts_ms.into_iter().filter(|&ms| pacer.due(Duration::from_millis(ms))).collect()
    }

    #[test]
    fn keeps_the_rate_where_intervals_do_not_divide() {
        let pts: Vec<u64> = (0..300).map(|i| i * 1000 / 30).collect();
        assert_eq!(chosen(&mut Pacer::new(4.0), pts).len(), 40);
    }

    #[test]
    fn takes_all_of_a_slower_stream() {
        assert_eq!(chosen(&mut Pacer::new(5.0), (0..10).map(|i| i * 500)).len(), 10);
    }

    #[test]
    fn goes_on_after_a_jump_back_and_after_a_gap() {
        let mut pacer = Pacer::new(5.0);
        assert_eq!(
            chosen(&mut pacer, [0, 100, 200, 90_000, 90_100, 90_200, 0, 100, 200]),
            [0, 200, 90_000, 90_200, 0, 200]
        );
    }
}
