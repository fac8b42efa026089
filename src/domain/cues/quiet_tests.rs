//! What happens in a street where nothing happens: nothing. And what happens is seen.

use super::testing::{Canvas, Painter, WIDTH, street};
use super::*;
use crate::domain::detection::Detection;

const STEP: f64 = 0.2;

/// What the cues made of a film.
#[derive(Default)]
struct Seen {
    changes: Vec<(f64, ChangeKind, BBox)>,
    moving: Vec<(f64, Detection)>,
}

/// Shows `seconds` of film after twenty seconds of the empty street.
fn film(seconds: f64, mut shot: impl FnMut(&mut Painter, f64) -> SmallLuma) -> Seen {
    let (mut cues, mut painter, mut seen) = (Cues::default(), Painter::new(11), Seen::default());
    let mut next = 0u64;
    let mut known = std::collections::BTreeSet::new();
    for i in -100..(seconds / STEP) as i64 {
        let t = i as f64 * STEP;
        let luma = if t < 0.0 { painter.shot(&street()) } else { shot(&mut painter, t) };
        let at = Timestamp::from_millis(1_700_000_000_000 + (t * 1000.0).round() as i64);
        let mut number = || {
            next += 1;
            TrackId(next)
        };
        cues.look(at, &luma, &|_| false, &mut number);
        seen.moving.extend(cues.moving().into_iter().map(|blob| (t, blob)));
        let new = cues.changes().iter().filter(|change| known.insert(change.id));
        // No rule speaks of what is unclear.
        let new = new.filter(|change| change.kind != ChangeKind::Unclear);
        seen.changes.extend(new.map(|change| (t, change.kind, change.bbox)));
    }
    seen
}

/// What is wrong with a film in which nothing happens.
fn complaint(name: &str, seen: &Seen) -> Option<String> {
    // A blob of a moment is nobody: a track wants two, near each other.
    let pairs = seen.moving.windows(2).filter(|w| w[1].0 - w[0].0 < 0.45 && w[0].1.bbox.iou(&w[1].1.bbox) > 0.1);
    let (pairs, first) = (pairs.count(), seen.moving.first().map(|(t, blob)| (*t, blob.bbox)));
    let quiet = seen.changes.is_empty() && pairs == 0;
    (!quiet).then(|| format!("{name}: {pairs} pairs of blobs, the first {first:?}; changes {:?}", seen.changes))
}

/// A man who walks in from the left until `at` seconds, bends over `x`, and walks out again.
fn visitor(canvas: Canvas, t: f64, at: f64, x: f64) -> Canvas {
    let place = if t < at {
        x - 14.0 * (at - t)
    } else if t < at + 1.5 {
        x
    } else {
        x + 14.0 * (t - at - 1.5)
    };
    // Nobody stands like a stone.
    let place = place + if (t * 5.0) as i64 % 3 == 0 { 1.0 } else { 0.0 };
    if place < -8.0 || place > WIDTH as f64 {
        return canvas;
    }
    let (left, width) = (place.max(0.0) as usize, if place < 0.0 { (8.0 + place) as usize } else { 8 });
    canvas.with_box([left, 40, width, 30], 60.0, 18.0)
}

const BAG: [usize; 4] = [84, 62, 9, 8];

#[test]
fn an_empty_street_is_quiet_in_any_weather_and_light() {
    type Shot = fn(&mut Painter, f64) -> SmallLuma;
    let films: [(&str, Shot); 8] = [
        ("noise", |p, _| p.noisy(6.0).shot(&street())),
        ("lamps switched", |p, t| p.shot(&street().lit(if (8.0..20.0).contains(&t) { 0.55 } else { 1.0 }, 12.0))),
        ("clouds", |p, t| p.shot(&street().lit(0.8 + 0.2 * (t / 3.0).cos() as f32, 0.0))),
        ("a creeping shadow", |p, t| p.shot(&street().shaded([0.0, 20.0, 20.0 + t as f32 * 0.15, 50.0], 0.6))),
        ("a lamp on the wall", |p, t| {
            p.shot(&street().shaded([30.0, 10.0, 40.0, 30.0], if t > 6.0 { 1.35 } else { 1.0 }))
        }),
        ("a trembling mount", |p, t| {
            let by = [(t * 5.0) as isize % 2, (t * 2.5) as isize % 2];
            p.shot(&Canvas::shifted(by))
        }),
        ("rain", |p, _| {
            let mut canvas = street();
            for _ in 0..40 {
                let (x, y) = ((p.draw() * 159.0) as usize, (p.draw() * 80.0) as usize);
                canvas = canvas.with_box([x, y, 1, 4], 190.0, 0.0);
            }
            p.shot(&canvas)
        }),
        ("headlamps far off", |p, t| {
            let glow = 1.0 + 0.3 * (0.5 - 0.5 * (t * 0.8).cos()) as f32;
            p.shot(&street().lit(0.35, 12.0).shaded([40.0, 55.0, 70.0, 30.0], glow))
        }),
    ];
    let complaints: Vec<String> =
        films.into_iter().filter_map(|(name, shot)| complaint(name, &film(40.0, shot))).collect();
    assert!(complaints.is_empty(), "{complaints:#?}");
}

#[test]
fn a_swaying_tree_is_learned() {
    let tree = |p: &mut Painter, t: f64| {
        let sway = 3.0 + 3.0 * (t * 2.4).sin();
        p.shot(&street().with_box([100 + sway as usize, 12, 14, 30], 60.0, 14.0))
    };
    let (mut cues, mut painter) = (Cues::default(), Painter::new(5));
    let (mut late, mut next) = (Vec::new(), 0u64);
    for i in 0..400 {
        let t = f64::from(i) * STEP;
        let luma = tree(&mut painter, t);
        let mut number = || {
            next += 1;
            TrackId(next)
        };
        cues.look(Timestamp::from_millis((t * 1000.0) as i64), &luma, &|_| false, &mut number);
        if t > 40.0 {
            late.extend(cues.moving());
        }
    }
    assert_eq!(next, 0, "{:?}", cues.changes().iter().map(|c| (c.kind, c.bbox)).collect::<Vec<_>>());
    // At the ends of its way it is still seen now and then; no track comes of one look in ten.
    assert!(late.len() <= 20, "{} blobs in 200 looks after it should be known", late.len());
}

#[test]
fn what_is_put_down_appears_and_what_is_taken_is_removed() {
    for (level, contrast) in [(40.0, 10.0), (200.0, 8.0), (130.0, 6.0)] {
        let seen = film(40.0, |p, t| {
            let bag = (5.0..25.0).contains(&t);
            let canvas = if bag { street().with_box(BAG, level, contrast) } else { street() };
            p.shot(&visitor(visitor(canvas, t, 4.5, 84.0), t, 24.5, 84.0))
        });
        let kinds: Vec<ChangeKind> = seen.changes.iter().map(|change| change.1).collect();
        assert_eq!(kinds, [ChangeKind::Appeared, ChangeKind::Removed], "{level}: {:?}", seen.changes);
        let place = BBox::new(84.0 / 160.0, 62.0 / 90.0, 9.0 / 160.0, 8.0 / 90.0);
        assert!(seen.changes.iter().all(|change| change.2.iou(&place) > 0.5), "{:?}", seen.changes);
        assert!((6.0..12.0).contains(&seen.changes[0].0) && (26.0..32.0).contains(&seen.changes[1].0));
    }
}

#[test]
fn who_passes_moves_and_changes_nothing() {
    let seen = film(20.0, |p, t| p.shot(&visitor(street(), t, 6.0, 80.0)));
    assert!(seen.changes.is_empty(), "{:?}", seen.changes);
    assert!(seen.moving.len() > 30, "{}", seen.moving.len());
    assert!(seen.moving.iter().all(|(_, blob)| (0.2..0.5).contains(&blob.bbox.h)), "{:?}", seen.moving);
}

#[test]
fn pictures_of_any_size_are_borne() {
    let mut cues = Cues::default();
    for (i, (width, height)) in [(1u16, 1u16), (2, 160), (160, 3), (5, 5), (160, 160), (1, 160)].into_iter().enumerate()
    {
        for k in 0..12u8 {
            let pixels =
                (0..usize::from(width) * usize::from(height)).map(|p| (p * 37 + usize::from(k) * 91) as u8).collect();
            let luma = SmallLuma::new(width, height, pixels).unwrap();
            let at = Timestamp::from_millis((i * 12 + usize::from(k)) as i64 * 200);
            cues.look(at, &luma, &|_| false, &mut || TrackId(0));
            assert!(cues.moving().len() <= 64 && cues.changes().len() <= 64);
        }
    }
}
