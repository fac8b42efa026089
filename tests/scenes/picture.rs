//! Draws a scene as the docs show it: what is drawn on the picture, the paths that were tracked, and when which alert came.
//!
//! Everything comes from playing the script, so a picture cannot say what the rules do not do.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use lightbar::domain::alert::{AlertChange, Phase};
use lightbar::domain::geometry::{BBox, Point};
use lightbar::domain::ids::TrackId;
use lightbar::domain::rules::{RuleSpec, WrongWay};
use lightbar::domain::time::Timestamp;

use crate::play::{EPOCH_MS, play_before};
use crate::script::Script;

const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 360.0;
const TITLE: f64 = 34.0;
const ROW: f64 = 24.0;
const LEFT: f64 = 150.0;

/// The colours: what is watched, who is told of, who is not.
const WATCHED: &str = "#b3261e";
const TOLD: &str = "#d9660b";
const OTHERS: &str = "#7a8794";

type Paths = BTreeMap<TrackId, Vec<(f64, BBox)>>;

/// The picture of a script's first rule.
pub(crate) fn draw(script: &Script) -> String {
    let mut paths = Paths::new();
    let fps = script.fps.iter().copied().find(|fps| *fps >= 5.0).unwrap_or(5.0);
    let changes = play_before(script, fps, (0, 0), &mut |t, scene| {
        for object in scene.objects().iter().filter(|object| object.seen) {
            paths.entry(object.track).or_default().push((t, object.bbox));
        }
    });
    let rule = &script.config.rules[0];
    let told: Vec<&AlertChange> = changes.iter().filter(|c| c.rule.as_ref().is_some_and(|r| r.id == rule.id)).collect();
    let opened = told.iter().filter(|c| c.phase == Phase::Opened).count();
    let whole = TITLE + HEIGHT + ROW * opened as f64 + 66.0;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{whole}\" viewBox=\"0 0 {WIDTH} {whole}\" font-family=\"sans-serif\" font-size=\"12\">\n"
    );
    let kind = rule.spec.kind().as_str();
    let (chinese, english) = names(kind);
    put(&mut svg, &format!("<rect width=\"{WIDTH}\" height=\"{whole}\" fill=\"#ffffff\"/>"));
    put(
        &mut svg,
        &format!(
            "<text x=\"8\" y=\"22\" font-size=\"15\">{chinese} · {english} <tspan fill=\"{OTHERS}\">{kind}</tspan></text>"
        ),
    );
    put(&mut svg, &format!("<svg x=\"0\" y=\"{TITLE}\" width=\"{WIDTH}\" height=\"{HEIGHT}\">"));
    put(&mut svg, &format!("<rect width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"#eef1f4\"/>"));
    ground(&mut svg, script);
    ways(&mut svg, &paths, &told);
    put(&mut svg, "</svg>");
    timeline(&mut svg, script.until, &told);
    svg + "</svg>\n"
}

fn put(svg: &mut String, line: &str) {
    svg.push_str(line);
    svg.push('\n');
}

fn names(kind: &str) -> (&'static str, &'static str) {
    match kind {
        "line_cross" => ("越线", "line crossed"),
        "zone_enter" => ("进入区域", "zone entered"),
        "zone_exit" => ("离开区域", "zone left"),
        "zone_presence" => ("区域内有目标", "zone occupied"),
        "loitering" => ("徘徊", "loitering"),
        "wrong_way" => ("逆行", "wrong way"),
        "crowd" => ("聚集", "crowd"),
        "vehicle_stopped" => ("车辆停留", "vehicle stopped"),
        "object_present" => ("目标出现", "object present"),
        "fast_move" => ("快速移动", "fast movement"),
        "object_removed" => ("物品被移走", "object removed"),
        "object_abandoned" => ("物品遗留", "object abandoned"),
        _ => ("规则", "rule"),
    }
}

fn at(p: Point) -> (i64, i64) {
    ((p.x * WIDTH).round() as i64, (p.y * HEIGHT).round() as i64)
}

fn list(points: impl Iterator<Item = Point>) -> String {
    points.map(at).map(|(x, y)| format!("{x},{y}")).collect::<Vec<_>>().join(" ")
}

/// Zones, lines and directions.
fn ground(svg: &mut String, script: &Script) {
    for zone in &script.config.zones {
        for part in zone.shape.polygons() {
            let points = list(part.points().iter().copied());
            put(
                svg,
                &format!(
                    "<polygon points=\"{points}\" fill=\"{WATCHED}\" fill-opacity=\"0.10\" stroke=\"{WATCHED}\" stroke-dasharray=\"6 3\"/>"
                ),
            );
        }
        for hole in zone.shape.holes() {
            put(
                svg,
                &format!(
                    "<polygon points=\"{}\" fill=\"#eef1f4\" stroke=\"{WATCHED}\"/>",
                    list(hole.points().iter().copied())
                ),
            );
        }
        if let Some((x, y)) = zone.shape.polygons()[0].points().first().copied().map(at) {
            label(svg, (x + 6, y + 16), WATCHED, &format!("区域 zone {}", zone.id));
        }
    }
    for named in &script.config.lines {
        let points = named.line.points();
        put(
            svg,
            &format!(
                "<polyline points=\"{}\" fill=\"none\" stroke=\"{WATCHED}\" stroke-width=\"3\"/>",
                list(points.iter().copied())
            ),
        );
        let (first, last) = (points[0], points[points.len() - 1]);
        arrow(svg, points[points.len() - 2], last, WATCHED);
        let (x, y) = at(first);
        label(svg, (x + 8, y - 8), WATCHED, &format!("1 界线 line {}", named.id));
        let (x, y) = at(last);
        label(svg, (x + 8, y + 14), WATCHED, "2");
        sides(svg, first, last);
    }
    if let RuleSpec::WrongWay(WrongWay::InZone { allowed, .. }) = &script.config.rules[0].spec {
        put(
            svg,
            &format!(
                "<polyline points=\"{}\" fill=\"none\" stroke=\"#2e7d4f\" stroke-width=\"3\"/>",
                list([allowed.from, allowed.to].into_iter())
            ),
        );
        arrow(svg, allowed.from, allowed.to, "#2e7d4f");
        let (x, y) = at(allowed.to);
        label(svg, (x + 10, y + 14), "#2e7d4f", "允许方向 allowed");
    }
}

/// Which side of a line is which.
fn sides(svg: &mut String, first: Point, last: Point) {
    let (dx, dy) = ((last.x - first.x) * WIDTH, (last.y - first.y) * HEIGHT);
    let length = dx.hypot(dy).max(1.0);
    let (x, y) = (f64::midpoint(first.x, last.x) * WIDTH, f64::midpoint(first.y, last.y) * HEIGHT);
    for (name, side) in [("左 left", 46.0), ("右 right", -46.0)] {
        let place = ((x + side * dy / length - 18.0).round() as i64, (y - side * dx / length).round() as i64 - 40);
        label(svg, place, WATCHED, name);
    }
}

/// A path without the tremble of what stands.
fn thinned(path: &[(f64, BBox)]) -> Vec<Point> {
    let mut out: Vec<Point> = Vec::new();
    for (_, bbox) in path {
        let p = bbox.bottom_centre();
        let near = |q: &Point| ((p.x - q.x) * WIDTH).hypot((p.y - q.y) * HEIGHT) < 6.0;
        if !out.last().is_some_and(near) {
            out.push(p);
        }
    }
    out
}

/// The paths of all tracks, with a dot each second, and the boxes of those that were told of, when they were.
fn ways(svg: &mut String, paths: &Paths, told: &[&AlertChange]) {
    let concerned = |track: &TrackId| told.iter().any(|c| c.objects.iter().any(|o| o.track == *track));
    for (track, path) in paths {
        let colour = if concerned(track) { TOLD } else { OTHERS };
        let feet = |(_, bbox): &(f64, BBox)| bbox.bottom_centre();
        put(
            svg,
            &format!(
                "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"1.5\"/>",
                list(thinned(path).into_iter())
            ),
        );
        let mut dots: Vec<(i64, i64)> =
            path.iter().filter(|(t, _)| (t - t.round()).abs() < 1e-6).map(|step| at(feet(step))).collect();
        dots.dedup_by(|a, b| (a.0 - b.0).abs() + (a.1 - b.1).abs() < 5);
        for (x, y) in dots {
            put(svg, &format!("<circle cx=\"{x}\" cy=\"{y}\" r=\"2\" fill=\"{colour}\"/>"));
        }
        if let [first, .., last] = path.as_slice() {
            arrow(svg, path.get(path.len().saturating_sub(4)).map_or_else(|| feet(first), feet), feet(last), colour);
        }
    }
    for (number, change) in told.iter().filter(|c| c.phase == Phase::Opened).enumerate() {
        for object in &change.objects {
            let ((x, y), b) = (at(Point::new(object.bbox.x, object.bbox.y)), object.bbox);
            let (w, h) = at(Point::new(b.w, b.h));
            put(
                svg,
                &format!(
                    "<rect x=\"{x}\" y=\"{y}\" width=\"{w}\" height=\"{h}\" fill=\"none\" stroke=\"{TOLD}\" stroke-width=\"2.5\"/>"
                ),
            );
        }
        if let Some(first) = change.objects.first() {
            let (x, y) = at(Point::new(first.bbox.x, first.bbox.y));
            label(svg, (x.clamp(4, 560), (y - 5).max(12)), TOLD, &format!("告警 alert {}", number + 1));
        }
    }
}

/// When each alert began, opened, was updated and ended.
fn timeline(svg: &mut String, until: f64, told: &[&AlertChange]) {
    let x = |t: f64| (LEFT + t / until * (WIDTH - LEFT - 24.0)).round();
    let top = TITLE + HEIGHT + 22.0;
    for (row, opened) in told.iter().filter(|c| c.phase == Phase::Opened).enumerate() {
        let y = top + ROW * row as f64;
        let life: Vec<&&AlertChange> = told.iter().filter(|c| c.id == opened.id).collect();
        let (began, raised) = (in_scene(opened.started_at), in_scene(opened.captured_at));
        let ended = life.last().and_then(|c| c.ended_at).map(in_scene);
        let over = ended.unwrap_or(until).max(raised);
        put(svg, &format!("<text x=\"8\" y=\"{}\" fill=\"{TOLD}\">告警 alert {}</text>", y + 4.0, row + 1));
        put(
            svg,
            &format!(
                "<line x1=\"{}\" x2=\"{}\" y1=\"{y}\" y2=\"{y}\" stroke=\"{TOLD}\" stroke-width=\"2\" stroke-dasharray=\"3 2\"/>",
                x(began),
                x(raised)
            ),
        );
        put(
            svg,
            &format!(
                "<line x1=\"{}\" x2=\"{}\" y1=\"{y}\" y2=\"{y}\" stroke=\"{TOLD}\" stroke-width=\"8\"/>",
                x(raised),
                x(over)
            ),
        );
        for update in life.iter().filter(|c| c.phase == Phase::Updated) {
            put(
                svg,
                &format!(
                    "<circle cx=\"{}\" cy=\"{y}\" r=\"4\" fill=\"#ffffff\" stroke=\"{TOLD}\"/>",
                    x(in_scene(update.captured_at))
                ),
            );
        }
    }
    let rows = told.iter().filter(|c| c.phase == Phase::Opened).count() as f64;
    let axis = top + ROW * rows - 4.0;
    put(svg, &format!("<line x1=\"{LEFT}\" x2=\"{}\" y1=\"{axis}\" y2=\"{axis}\" stroke=\"{OTHERS}\"/>", x(until)));
    let step = [1.0, 2.0, 5.0, 10.0, 20.0, 60.0].into_iter().find(|step| until / step <= 10.0).unwrap_or(120.0);
    let mut t = 0.0;
    while t <= until {
        put(
            svg,
            &format!("<line x1=\"{0}\" x2=\"{0}\" y1=\"{axis}\" y2=\"{1}\" stroke=\"{OTHERS}\"/>", x(t), axis + 4.0),
        );
        put(
            svg,
            &format!(
                "<text x=\"{}\" y=\"{}\" fill=\"{OTHERS}\" text-anchor=\"middle\">{t} s</text>",
                x(t),
                axis + 18.0
            ),
        );
        t += step;
    }
    put(
        svg,
        &format!(
            "<text x=\"8\" y=\"{}\" fill=\"{OTHERS}\">┄ 情况开始 since the condition began　▬ 告警持续 alert open　○ 更新 updated</text>",
            axis + 38.0
        ),
    );
}

fn in_scene(at: Timestamp) -> f64 {
    (at.as_millis() - EPOCH_MS) as f64 / 1000.0
}

fn label(svg: &mut String, (x, y): (i64, i64), colour: &str, text: &str) {
    put(
        svg,
        &format!(
            "<text x=\"{x}\" y=\"{y}\" fill=\"{colour}\" stroke=\"#ffffff\" stroke-width=\"3\" paint-order=\"stroke\">{text}</text>"
        ),
    );
}

/// A head at `to`, pointing away from `from`.
fn arrow(svg: &mut String, from: Point, to: Point, colour: &str) {
    let (dx, dy) = ((to.x - from.x) * WIDTH, (to.y - from.y) * HEIGHT);
    let length = dx.hypot(dy);
    if length < 1.0 {
        return;
    }
    let ((ux, uy), (x, y)) = ((dx / length, dy / length), (to.x * WIDTH, to.y * HEIGHT));
    let corner = |back: f64, side: f64| format!("{:.0},{:.0}", x - back * ux - side * uy, y - back * uy + side * ux);
    let mut points = format!("{:.0},{:.0}", x + 4.0 * ux, y + 4.0 * uy);
    for side in [-5.0, 5.0] {
        write!(points, " {}", corner(7.0, side)).expect("a text takes all");
    }
    put(svg, &format!("<polygon points=\"{points}\" fill=\"{colour}\"/>"));
}
