//! The static-change cue: what has newly come to rest at a place, or has gone from it.
//!
//! Pixels that differ and are still gather into regions. A region that keeps its shape for a moment, while nothing moves at its
//! border, is judged once: did someone bring the change about (pixels that passed through other levels, motion that came and
//! went), or did it come at one stroke and smoothly, as light and shadow do; and is the thing on the new picture or on the old
//! one. What passes becomes a [`Change`] and is accepted as the new normal, so that the next change at this place is seen against
//! it. Each change keeps a patch of the picture before and after, and with each look says whether its outcome is still to be
//! seen, is hidden, or has been undone.

use super::ground::Ground;
use super::patch::{Patch, edge_owner};
use super::regions::{Region, regions};
use crate::domain::geometry::BBox;
use crate::domain::ids::TrackId;
use crate::domain::time::Timestamp;
use std::time::Duration;

/// A pixel must be still for so long to be part of a region, in seconds.
const STILL: f64 = 0.7;
/// Most of a region must be still for so long before it is judged, in seconds.
const SETTLED: f64 = 1.4;
/// Nothing must have moved at its border for so long, in seconds.
const CALM: f64 = 0.5;
/// A thing differs from what was there by so many tolerances, on the mean.
const LEAST_CONTRAST: f64 = 1.5;
/// Parts with fewer pixels are not even parts.
const SPECK: usize = 6;
/// Regions smaller than this share of the picture are specks.
const LEAST_SHARE: f64 = 0.0012;
/// Regions larger than this share are no things.
const MOST_SHARE: f64 = 0.35;
/// Changes kept at most; the oldest is forgotten.
const MAX_CHANGES: usize = 64;
/// Regions looked at in one look.
const MAX_REGIONS: usize = 64;
/// A change is kept for so long at most, in seconds.
const KEPT: f64 = 3600.0;
/// Parts of a thing come to rest within so long of each other, in seconds.
const PARTS_WITHIN: f64 = 4.0;
/// A hand lets go of what it put down within so long, in seconds.
const LETS_GO: f64 = 8.0;
/// The edges belong to one of the pictures when they do by so much beyond a half.
const EDGE_MARGIN: f64 = 0.06;

/// What a change is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeKind {
    /// Something has come to rest here.
    Appeared,
    /// Something that was here has gone.
    Removed,
    /// It cannot be told.
    Unclear,
}

/// A place that looks different since something happened there.
#[derive(Clone, Debug)]
pub struct Change {
    /// The number under which alerts quote it.
    pub id: TrackId,
    /// What it is.
    pub kind: ChangeKind,
    /// Where.
    pub bbox: BBox,
    /// Since when it looks so.
    pub since: Timestamp,
    /// For how long it had looked otherwise before.
    pub stood: Duration,
    /// For how long its outcome has been seen since.
    pub seen: Duration,
    /// Whether its outcome is to be seen at this look.
    pub visible: bool,
    /// The share of it that moves: some of one who stands, nothing of a thing.
    pub restless: f64,
    /// How plain it is, 0..=1.
    pub confidence: f32,
    before: Patch,
    after: Patch,
    undone_since: Option<f64>,
    born: f64,
}

/// Finds changes.
#[derive(Clone, Debug, Default)]
pub(super) struct ChangeFinder {
    changes: Vec<Change>,
}

impl ChangeFinder {
    pub(super) fn changes(&self) -> &[Change] {
        &self.changes
    }

    /// Nothing can be concluded from before.
    pub(super) fn forget(&mut self) {
        self.changes.clear();
    }

    /// The picture cannot be read at this look.
    pub(super) fn rest(&mut self) {
        for change in &mut self.changes {
            change.visible = false;
        }
    }

    /// One look; `explained` says of a box whether someone who lives stands before it. `begins` is the time of the first look.
    pub(super) fn look(
        &mut self,
        ground: &mut Ground,
        begins: Timestamp,
        explained: &dyn Fn(&BBox) -> bool,
        new_id: &mut dyn FnMut() -> TrackId,
    ) {
        for change in &mut self.changes {
            change.look(ground);
        }
        self.changes.retain(|c| c.undone_since.is_none_or(|at| ground.now - at < 1.0) && ground.now - c.born < KEPT);
        let still_for = |ground: &Ground, pixel: usize| ground.now - ground.still_since[pixel];
        let plain = |g: &Ground, p: usize| (g.fresh[p] - g.accepted[p]).abs() > g.tolerance(p);
        let pixels = ground.picture.len();
        let still: Vec<bool> =
            (0..pixels).map(|i| ground.differs[i] && still_for(ground, i) >= STILL && plain(ground, i)).collect();
        let least = ((pixels as f64 * LEAST_SHARE) as usize).max(9);
        let mut found = regions(&still, ground.width, SPECK, 2);
        found.truncate(MAX_REGIONS);
        for region in grouped(found, ground) {
            let settled = region.pixels.iter().filter(|&&p| still_for(ground, p) >= SETTLED).count();
            let size = region.pixels.len();
            let ripe = !region.is_narrow() && size >= least && settled * 10 >= size * 6;
            if ripe && !moves_at_border(ground, &region) && !explained(&region.bbox(ground.width, ground.height)) {
                self.judge(ground, begins, &region, new_id);
            }
        }
    }

    fn judge(&mut self, ground: &mut Ground, begins: Timestamp, region: &Region, new_id: &mut dyn FnMut() -> TrackId) {
        let bbox = region.bbox(ground.width, ground.height);
        let before = Patch::of(&region.pixels, &ground.accepted);
        let after = Patch::of(&region.pixels, &ground.fresh);
        let share = region.pixels.len() as f64 / ground.picture.len() as f64;
        let verdict = Verdict::of(ground, region);
        let owner = edge_owner(region, ground.width, &ground.accepted, &ground.fresh);
        let middle = |values: &[f64]| {
            let mut of_region: Vec<f64> = region.pixels.iter().map(|&p| values[p]).collect();
            let half = of_region.len() / 2;
            *of_region.select_nth_unstable_by(half, f64::total_cmp).1
        };
        let (since, stood_since) = (middle(&ground.still_since), middle(&ground.accepted_since));
        let at = |seconds: f64| begins.plus(Duration::from_secs_f64(seconds.max(0.0)));
        // A hand that held the thing has let go: a part of the place looks again as before the change.
        let is_part = self
            .changes
            .iter()
            .filter(|c| ground.now - c.born < LETS_GO)
            .any(|c| after.len() * 10 < c.before.len() * 7 && c.before.share_of(&after, ground) > 0.8);
        for &pixel in &region.pixels {
            ground.accept(pixel);
        }
        if !verdict.is_a_thing() || share > MOST_SHARE || is_part {
            return;
        }
        let kind = match owner {
            o if o > 0.5 + EDGE_MARGIN => ChangeKind::Appeared,
            o if o < 0.5 - EDGE_MARGIN => ChangeKind::Removed,
            _ => ChangeKind::Unclear,
        };
        // A thing may come to rest in parts, the last when the hand has left it.
        if let Some(change) = self.changes.iter_mut().find(|c| c.is_joined_by(kind, &bbox, at(since))) {
            change.join(&bbox, before, after);
            return;
        }
        // What happens at a place takes the place of what happened there before.
        self.changes.retain(|c| c.bbox.iou(&bbox) < 0.4);
        if self.changes.len() >= MAX_CHANGES {
            self.changes.remove(0);
        }
        self.changes.push(Change {
            id: new_id(),
            kind,
            bbox,
            since: at(since),
            stood: Duration::from_secs_f64((since - stood_since).max(0.0)),
            seen: Duration::from_secs_f64((ground.now - since).max(0.0)),
            visible: true,
            restless: 0.0,
            confidence: verdict.confidence(),
            before,
            after,
            undone_since: None,
            born: ground.now,
        });
    }
}

impl Change {
    /// Whether what came to rest at `bbox` is another part of the same thing.
    fn is_joined_by(&self, kind: ChangeKind, bbox: &BBox, since: Timestamp) -> bool {
        let apart = self.since.seconds_from(since).abs();
        let (margin_x, margin_y) = (0.15 * self.bbox.w + 0.02, 0.15 * self.bbox.h + 0.02);
        let around = BBox::new(
            self.bbox.x - margin_x,
            self.bbox.y - margin_y,
            self.bbox.w + 2.0 * margin_x,
            self.bbox.h + 2.0 * margin_y,
        );
        self.kind == kind && apart <= PARTS_WITHIN && around.intersection(bbox) >= 0.2 * bbox.area()
    }

    fn join(&mut self, bbox: &BBox, before: Patch, after: Patch) {
        let (x0, y0) = (self.bbox.x.min(bbox.x), self.bbox.y.min(bbox.y));
        let x1 = (self.bbox.x + self.bbox.w).max(bbox.x + bbox.w);
        let y1 = (self.bbox.y + self.bbox.h).max(bbox.y + bbox.h);
        self.bbox = BBox::from_corners(x0, y0, x1, y1);
        self.before.join(before);
        self.after.join(after);
    }

    fn look(&mut self, ground: &Ground) {
        let like_after = self.after.share_like(ground);
        let like_before = self.before.share_like(ground);
        let alike = |patch: &Patch| patch.likeness(&ground.picture).is_some_and(|likeness| likeness > 0.8);
        self.visible = like_after >= 0.7 || like_after > like_before && alike(&self.after);
        let share = (ground.step / 8.0).min(0.3);
        if self.visible {
            self.seen = self.seen.saturating_add(Duration::from_secs_f64(ground.step.min(1.0)));
            self.restless += share * (self.after.share_moving(ground) - self.restless);
        }
        let undone = !self.visible && like_before >= 0.8;
        self.undone_since = undone.then(|| self.undone_since.unwrap_or(ground.now));
    }
}

/// What speaks for a thing, and what for light.
#[derive(Clone, Copy, Debug)]
struct Verdict {
    /// The share of the region that passed through other levels before it came to rest.
    handled: f64,
    /// Pixels around it that moved and are as before, as a share of its size.
    passed: f64,
    /// The share of it whose structure has changed, and not only its brightness.
    structure: f64,
    /// The same in pixels.
    rough: f64,
    /// How far the levels differ, in tolerances.
    contrast: f64,
}

impl Verdict {
    fn of(ground: &Ground, region: &Region) -> Self {
        let count = region.pixels.len() as f64;
        let share = |which: &dyn Fn(usize) -> bool| region.pixels.iter().filter(|&&p| which(p)).count() as f64 / count;
        let handled = share(&|p| ground.still_since[p] - ground.differs_since[p] > 0.3);
        let structure = structure(ground, region);
        let contrast: f64 = region
            .pixels
            .iter()
            .map(|&p| f64::from((ground.fresh[p] - ground.accepted[p]).abs() / ground.tolerance(p)))
            .sum();
        Self {
            handled,
            passed: passers(ground, region) / count,
            structure,
            rough: structure * count,
            contrast: contrast / count,
        }
    }

    fn is_a_thing(&self) -> bool {
        let touched = self.handled > 0.2 || self.passed > 0.25;
        self.contrast > LEAST_CONTRAST && touched && (self.structure > 0.15 || self.rough >= 12.0)
    }

    fn confidence(&self) -> f32 {
        (0.4 + 0.1 * (self.contrast - 1.0).clamp(0.0, 3.0) + 0.2 * self.structure.min(1.0)) as f32
    }
}

/// Parts that came to rest together and lie near each other are one thing: what is as bright as the floor behind it shows its cap
/// and its foot only.
fn grouped(mut parts: Vec<Region>, ground: &Ground) -> Vec<Region> {
    let mut groups: Vec<Region> = Vec::new();
    while let Some(mut group) = parts.pop() {
        while let Some(i) = parts.iter().position(|part| belong(&group, part, ground)) {
            group.join(parts.swap_remove(i));
        }
        groups.push(group);
    }
    groups
}

/// Whether two parts are near, for their size, and came to rest within a moment of each other.
fn belong(a: &Region, b: &Region, ground: &Ground) -> bool {
    let gap = |axis: usize| a.from[axis].max(b.from[axis]).saturating_sub(a.to[axis].min(b.to[axis]));
    let side = |r: &Region| (r.to[0] - r.from[0]).max(r.to[1] - r.from[1]) + 1;
    let reach = (side(a).max(side(b)) / 3).clamp(3, 14);
    let rest = |r: &Region| r.pixels.iter().map(|&p| ground.still_since[p]).sum::<f64>() / r.pixels.len() as f64;
    gap(0) <= reach && gap(1) <= reach && (rest(a) - rest(b)).abs() <= 1.2
}

/// Whether anything moves within the region or around its border at this look.
fn moves_at_border(ground: &Ground, region: &Region) -> bool {
    let moving = around(ground, region, 2).filter(|&p| ground.now - ground.moved_at[p] < CALM).count();
    moving * 12 > region.pixels.len().max(24)
}

/// Pixels around the region that moved lately, differ no more, and so saw someone pass.
fn passers(ground: &Ground, region: &Region) -> f64 {
    let since = region.pixels.iter().map(|&p| ground.still_since[p]).fold(f64::INFINITY, f64::min);
    let side = (region.to[0] - region.from[0]).max(region.to[1] - region.from[1]);
    let lately = |p: &usize| (since - 3.0..=ground.now).contains(&ground.moved_at[*p]) && !ground.differs[*p];
    around(ground, region, (side / 2).clamp(3, 20)).filter(lately).count() as f64
}

/// All pixels of the region's box widened by `margin`.
fn around<'a>(ground: &'a Ground, region: &Region, margin: usize) -> impl Iterator<Item = usize> + use<'a> {
    let (x0, x1) = (region.from[0].saturating_sub(margin), (region.to[0] + margin + 1).min(ground.width));
    let (y0, y1) = (region.from[1].saturating_sub(margin), (region.to[1] + margin + 1).min(ground.height));
    let width = ground.width;
    (y0..y1).flat_map(move |y| (x0..x1).map(move |x| y * width + x))
}

/// The share of the region's pixels where the ratio of new to old is not smooth: light and shadow scale what is there, a thing
/// replaces it.
fn structure(ground: &Ground, region: &Region) -> f64 {
    let rough = region.pixels.iter().filter(|&&pixel| ground.is_rough(&ground.fresh, pixel));
    rough.count() as f64 / region.pixels.len() as f64
}
