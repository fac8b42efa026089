//! Whether the camera still looks where its zones and lines were drawn.
//!
//! What stays of a view through light, weather, night and passing buses is where its edges are. A reference of edges is learned
//! slowly; the picture is compared with it block by block, by correlation, so that brightness and contrast do not matter. A view
//! has moved when hardly a block with structure shows its edges any more, and either one shift of the whole picture brings them
//! back, steadily (a bump), or the picture is another one, rich in structure and at rest, for long (a turn). Where there is
//! little structure, by nature, in the dark or because something stands before the lens, nothing can be told and nothing is.

use super::likeness::{Combed, Sums, moved, overlap};
use super::luma::SmallLuma;

/// The sides of a block, in pixels.
const BLOCK: usize = 12;
/// A block whose edges are weaker than this, on the mean, says nothing, in levels.
const LEAST_EDGE: f32 = 2.5;
/// Fewer blocks with structure than this say nothing.
const LEAST_BLOCKS: usize = 8;
/// A block that correlates so with the reference shows the same.
const SAME: f32 = 0.5;
/// With a smaller share of blocks that show the same, it may be another view altogether.
const DOUBTED: f64 = 0.2;
/// With such a share it is the view that is known; with less it may be shifted: long edges along the shift stay where they are.
const KNOWN: f64 = 0.7;
/// With such a share, and no shift that fits better, the view is back.
const BACK: f64 = 0.4;
/// A shift below this is a trembling mount, in pixels.
const LEAST_SHIFT: isize = 2;
/// The whole picture correlates so with the reference, when shifted.
const SHIFTED: f32 = 0.45;
/// A shift must stay the same for so long, in seconds.
const SHIFT_HOLDS: f64 = 3.0;
/// Another picture must be at rest for so long, in seconds: a bus has driven on before.
const OTHER_HOLDS: f64 = 40.0;
/// The view must be back for so long, in seconds.
const BACK_HOLDS: f64 = 2.0;
/// The first pictures only teach, in seconds.
const LEARNS: f64 = 5.0;
/// How slowly the reference follows, in seconds.
const MEMORY: f64 = 60.0;
/// How much slower where it does not fit.
const FOREIGN: f64 = 10.0;
/// A look after so long a gap begins the doubt anew, in seconds.
const GAP: f64 = 2.0;

/// Where the view is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ViewState {
    /// Where it was learned, or nothing speaks against it.
    Here,
    /// Elsewhere.
    Moved,
}

/// The edges of a picture.
#[derive(Clone, Debug)]
struct Edges {
    width: usize,
    height: usize,
    strength: Vec<f32>,
}

/// What is known of a camera's view.
#[derive(Clone, Debug, Default)]
pub(crate) struct ViewWatch {
    known: Option<Known>,
}

#[derive(Clone, Debug)]
struct Known {
    reference: Edges,
    last: Edges,
    age: f64,
    moved: bool,
    doubt: Option<Doubt>,
    searched: f64,
    shifted: bool,
    back_for: f64,
    moved_for: f64,
}

/// Since when the view is in doubt, and why.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Doubt {
    shift: Option<[isize; 2]>,
    for_s: f64,
}

impl ViewWatch {
    /// Takes the next picture, `step` seconds after the last; after `relearn` seconds elsewhere, elsewhere is here.
    pub(crate) fn look(&mut self, luma: &SmallLuma, step: f64, relearn: Option<f64>) -> ViewState {
        let edges = Edges::of(luma);
        let same_size = |k: &&mut Known| k.reference.width == edges.width && k.reference.height == edges.height;
        let Some(known) = self.known.as_mut().filter(same_size) else {
            self.known = Some(Known::new(edges));
            return ViewState::Here;
        };
        known.look(edges, step, relearn);
        if known.moved { ViewState::Moved } else { ViewState::Here }
    }

    /// The view is learned anew: zones and lines were drawn anew.
    pub(crate) fn forget(&mut self) {
        self.known = None;
    }
}

impl Known {
    fn new(edges: Edges) -> Self {
        let last = edges.clone();
        Self {
            reference: edges,
            last,
            age: 0.0,
            moved: false,
            doubt: None,
            searched: 0.0,
            shifted: true,
            back_for: 0.0,
            moved_for: 0.0,
        }
    }

    fn look(&mut self, edges: Edges, step: f64, relearn: Option<f64>) {
        let (gap, step) = (step > GAP, step.min(1.0));
        self.age += step;
        self.searched += step;
        let shares = self.reference.compare(&edges);
        let like = shares.as_ref().map(|blocks| share_of(blocks));
        // Asked only in doubt, for it costs as much as the comparison with the reference.
        let still = |last: &Edges| last.compare(&edges).is_some_and(|blocks| share_of(&blocks) > 0.6);
        match like {
            _ if gap => self.doubt = None,
            Some(like) if self.moved => {
                let still = still(&self.last);
                self.wait(&edges, like, still, step, relearn);
            }
            Some(like) if like < KNOWN && self.age > LEARNS => {
                let other = like < DOUBTED && still(&self.last);
                self.doubt_it(&edges, other, step);
            }
            _ => self.doubt = None,
        }
        let shifted = self.doubt.is_some_and(|doubt| doubt.shift.is_some());
        if !shifted && !self.moved {
            self.reference.follow(&edges, step / MEMORY.min(self.age.max(0.5)), shares.as_deref());
        }
        self.last = edges;
    }

    /// Whether the doubt becomes certainty.
    fn doubt_it(&mut self, edges: &Edges, still: bool, step: f64) {
        let mut doubt = self.doubt.unwrap_or(Doubt { shift: None, for_s: 0.0 });
        // The search costs some milliseconds: not with each look.
        if self.doubt.is_none() || self.searched >= 0.5 {
            self.searched = 0.0;
            let shift = self.reference.shift_to(edges);
            let near = |a: [isize; 2], b: [isize; 2]| (a[0] - b[0]).abs() <= 1 && (a[1] - b[1]).abs() <= 1;
            let steady = match (doubt.shift, shift) {
                (Some(a), Some(b)) => near(a, b),
                (None, None) => true,
                _ => false,
            };
            doubt = Doubt { shift, for_s: if steady { doubt.for_s } else { 0.0 } };
        }
        let rich = edges.structured() * 10 >= self.reference.structured() * 6;
        let holds = doubt.shift.is_some() || still && rich;
        doubt.for_s = if holds { doubt.for_s + step } else { 0.0 };
        let enough = if doubt.shift.is_some() { SHIFT_HOLDS } else { OTHER_HOLDS };
        self.doubt = Some(doubt);
        if doubt.for_s >= enough {
            (self.moved, self.back_for, self.moved_for, self.doubt) = (true, 0.0, 0.0, None);
        }
    }

    /// Whether the view is back, or accepted as it is.
    fn wait(&mut self, edges: &Edges, like: f64, still: bool, step: f64, relearn: Option<f64>) {
        // Not each look: the search costs some milliseconds.
        if self.searched >= 0.5 {
            self.searched = 0.0;
            self.shifted = self.reference.shift_to(edges).is_some();
        }
        let here = like >= BACK && !self.shifted;
        self.back_for = if here { self.back_for + step } else { 0.0 };
        self.moved_for = if still { self.moved_for + step } else { 0.0 };
        if self.back_for >= BACK_HOLDS {
            self.moved = false;
        } else if relearn.is_some_and(|after| self.moved_for >= after) {
            *self = Self::new(edges.clone());
        }
    }
}

impl Edges {
    fn of(luma: &SmallLuma) -> Self {
        let (width, height, pixels) = (luma.width(), luma.height(), luma.pixels());
        let mut strength = vec![0.0; pixels.len()];
        for y in 1..height.saturating_sub(1) {
            for x in 1..width.saturating_sub(1) {
                let at = |dx: usize, dy: usize| f32::from(pixels[(y + dy - 1) * width + x + dx - 1]);
                strength[y * width + x] = ((at(2, 1) - at(0, 1)).abs() + (at(1, 2) - at(1, 0)).abs()) * 0.5;
            }
        }
        Self { width, height, strength }
    }

    /// For each block with structure, in order: whether the other's shows the same, within a pixel. `None` where too few have.
    fn compare(&self, other: &Self) -> Option<Vec<(usize, bool)>> {
        let (columns, rows) = (self.width / BLOCK, self.height / BLOCK);
        let structured: Vec<usize> =
            (0..columns * rows).filter(|&b| self.mean(b % columns, b / columns) >= LEAST_EDGE).collect();
        // In the dark, in fog or behind a hand there is nothing to compare with.
        let blind = other.structured() * 4 < structured.len();
        if structured.len() < LEAST_BLOCKS || blind {
            return None;
        }
        let compared = structured.iter().map(|&b| {
            let place = [(b % columns) * BLOCK, (b / columns) * BLOCK];
            let shifts = [[0, 0], [1, 0], [-1, 0], [0, 1], [0, -1]];
            (b, shifts.into_iter().any(|shift| self.correlation(other, place, [BLOCK; 2], shift) >= SAME))
        });
        Some(compared.collect())
    }

    /// How many blocks have structure.
    fn structured(&self) -> usize {
        let (columns, rows) = (self.width / BLOCK, self.height / BLOCK);
        (0..columns * rows).filter(|&b| self.mean(b % columns, b / columns) >= LEAST_EDGE).count()
    }

    fn mean(&self, column: usize, row: usize) -> f32 {
        let rows = (row * BLOCK..(row + 1) * BLOCK).map(|y| y * self.width + column * BLOCK);
        rows.map(|from| self.strength[from..from + BLOCK].iter().sum::<f32>()).sum::<f32>() / (BLOCK * BLOCK) as f32
    }

    /// How the window of `size` at `place` correlates with the other's window `shift` away.
    fn correlation(&self, other: &Self, place: [usize; 2], size: [usize; 2], shift: [isize; 2]) -> f32 {
        let mut sums = Sums::default();
        let columns = overlap(place[0], (place[0] + size[0]).min(self.width), shift[0], other.width);
        for y in overlap(place[1], (place[1] + size[1]).min(self.height), shift[1], other.height) {
            let here = y * self.width + columns.start;
            let there = moved(y, shift[1]) * other.width + moved(columns.start, shift[0]);
            sums.add(&self.strength[here..here + columns.len()], &other.strength[there..there + columns.len()]);
        }
        sums.correlation()
    }

    /// The shift that brings the other's edges onto these, if one does plainly.
    fn shift_to(&self, other: &Self) -> Option<[isize; 2]> {
        let best = self.combed().best_shift(&other.combed());
        let whole = |shift: [isize; 2]| self.correlation(other, [0, 0], [self.width, self.height], shift);
        let far = best[0].abs() >= LEAST_SHIFT || best[1].abs() >= LEAST_SHIFT;
        let fit = whole(best);
        (far && fit >= SHIFTED && fit > whole([0, 0]) + 0.15).then_some(best)
    }

    fn combed(&self) -> Combed {
        Combed::of(&self.strength, self.width)
    }

    /// Learns from the other, slower where it does not fit.
    fn follow(&mut self, other: &Self, share: f64, blocks: Option<&[(usize, bool)]>) {
        let columns = self.width / BLOCK;
        let mut slow = vec![false; (columns + 1) * (self.height / BLOCK + 1)];
        for (block, same) in blocks.unwrap_or_default() {
            slow[(block / columns) * (columns + 1) + block % columns] = !same;
        }
        for y in 0..self.height {
            for x in 0..self.width {
                let foreign = slow[(y / BLOCK) * (columns + 1) + x / BLOCK];
                let share = (if foreign { share / FOREIGN } else { share }).min(0.5) as f32;
                let i = y * self.width + x;
                self.strength[i] += share * (other.strength[i] - self.strength[i]);
            }
        }
    }
}

/// The share of blocks that show the same.
fn share_of(blocks: &[(usize, bool)]) -> f64 {
    blocks.iter().filter(|(_, same)| *same).count() as f64 / blocks.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Canvas, Painter, street};
    use super::*;

    const STEP: f64 = 0.2;

    /// Shows `seconds` of what `paint` paints; gives the moments at which the view was elsewhere.
    fn watch(
        view: &mut ViewWatch,
        seconds: f64,
        relearn: Option<f64>,
        mut paint: impl FnMut(f64) -> SmallLuma,
    ) -> Vec<f64> {
        let looks = (seconds / STEP) as u32;
        let moments = (0..looks).map(|i| f64::from(i) * STEP);
        moments.filter(|&t| view.look(&paint(t), STEP, relearn) == ViewState::Moved).collect()
    }

    fn learned() -> (ViewWatch, Painter) {
        let (mut view, mut painter) = (ViewWatch::default(), Painter::new(3));
        assert!(watch(&mut view, 20.0, None, |_| painter.shot(&street())).is_empty());
        (view, painter)
    }

    #[test]
    fn a_bump_is_seen_within_seconds_and_so_is_the_way_back() {
        for shift in [[3, 0], [-9, 4], [0, 6], [20, -8]] {
            let (mut view, mut painter) = learned();
            let moved = watch(&mut view, 10.0, None, |_| painter.shot(&Canvas::shifted(shift)));
            assert!(moved.first().is_some_and(|first| *first < 5.0), "{shift:?}: {moved:?}");
            let after = watch(&mut view, 10.0, None, |_| painter.shot(&street()));
            assert!(after.last().is_some_and(|last| *last < 4.0), "{shift:?}: {after:?}");
        }
    }

    #[test]
    fn another_view_is_accepted_when_that_was_asked_for() {
        let (mut view, mut painter) = learned();
        let elsewhere = Canvas::mirrored();
        let moved = watch(&mut view, 100.0, Some(20.0), |_| painter.shot(&elsewhere));
        let (first, last) = (moved.first().copied().unwrap_or(-1.0), moved.last().copied().unwrap_or(-1.0));
        assert!((35.0..50.0).contains(&first) && (15.0..25.0).contains(&(last - first)), "{first} {last}");
    }

    #[test]
    fn light_night_noise_and_darkness_are_no_other_view() {
        type Change = fn(&mut Painter, f64) -> SmallLuma;
        let changes: [(&str, Change); 5] = [
            ("lamps off", |p, _| p.shot(&street().lit(0.45, 10.0))),
            ("dusk", |p, t| p.shot(&street().lit(1.0 - 0.012 * t as f32, 0.0))),
            ("infrared", |p, _| p.shot(&street().infrared())),
            ("noise", |p, _| p.noisy(12.0).shot(&street())),
            ("dark", |p, _| p.shot(&street().lit(0.02, 16.0))),
        ];
        for (name, change) in changes {
            let (mut view, mut painter) = learned();
            assert!(watch(&mut view, 60.0, None, |t| change(&mut painter, t)).is_empty(), "{name}");
        }
    }

    #[test]
    fn a_bus_that_fills_the_picture_and_a_trembling_mount_are_no_other_view() {
        let (mut view, mut painter) = learned();
        assert!(watch(&mut view, 30.0, None, |_| painter.shot(&street().behind_a_bus())).is_empty());
        assert!(watch(&mut view, 20.0, None, |_| painter.shot(&street())).is_empty());
        let trembling = |t: f64| [isize::from((t * 5.0) as i32 % 2 == 0), 0];
        assert!(watch(&mut view, 30.0, None, |t| painter.shot(&Canvas::shifted(trembling(t)))).is_empty());
    }
}
