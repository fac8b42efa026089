//! Lines, boxes and words on a picture in 4:2:0.

use super::letters;
use crate::camera::Canvas;

/// A colour as luma and chroma (BT.601).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Colour(pub(super) u8, pub(super) u8, pub(super) u8);

pub(super) const WHITE: Colour = Colour(235, 128, 128);
pub(super) const BLACK: Colour = Colour(16, 128, 128);
pub(super) const GREEN: Colour = Colour(173, 42, 26);
pub(super) const AMBER: Colour = Colour(180, 35, 165);
pub(super) const RED: Colour = Colour(95, 95, 235);
pub(super) const BLUE: Colour = Colour(120, 190, 80);
pub(super) const GREY: Colour = Colour(140, 128, 128);

/// Draws with coordinates of 0..1.
pub(super) struct Pen<'a, 'b> {
    canvas: &'a mut Canvas<'b>,
}

impl<'a, 'b> Pen<'a, 'b> {
    pub(super) const fn new(canvas: &'a mut Canvas<'b>) -> Self {
        Self { canvas }
    }

    /// How thick a line is, in pixels.
    fn breadth(&self) -> i64 {
        (self.canvas.width as i64 / 480).max(1) + 1
    }

    /// How large a point of a letter is, in pixels.
    pub(super) fn dot(&self) -> i64 {
        (self.canvas.width as i64 / 480).max(1) + 1
    }

    fn pixel(&self, (x, y): (f64, f64)) -> (i64, i64) {
        let place = |share: f64, size: usize| (share.clamp(-1.0, 2.0) * size as f64) as i64;
        (place(x, self.canvas.width), place(y, self.canvas.height))
    }

    fn dab(&mut self, x: i64, y: i64, Colour(luma, cb, cr): Colour) {
        let (Ok(x), Ok(y)) = (usize::try_from(x), usize::try_from(y)) else { return };
        if x >= self.canvas.width || y >= self.canvas.height {
            return;
        }
        let [(ys, y_row), (us, u_row), (vs, v_row)] = &mut self.canvas.planes;
        for (plane, row, x, y, value) in [
            (&mut **ys, *y_row, x, y, luma),
            (&mut **us, *u_row, x / 2, y / 2, cb),
            (&mut **vs, *v_row, x / 2, y / 2, cr),
        ] {
            if let Some(byte) = plane.get_mut(y * row + x) {
                *byte = value;
            }
        }
    }

    fn fill(&mut self, (x, y): (i64, i64), (w, h): (i64, i64), colour: Colour) {
        for row in y..y + h {
            for column in x..x + w {
                self.dab(column, row, colour);
            }
        }
    }

    /// A line.
    pub(super) fn line(&mut self, from: (f64, f64), to: (f64, f64), colour: Colour) {
        let ((x0, y0), (x1, y1)) = (self.pixel(from), self.pixel(to));
        let steps = (x1 - x0).abs().max((y1 - y0).abs()).max(1);
        let breadth = self.breadth();
        for step in 0..=steps {
            let place = |a: i64, b: i64| a + (b - a) * step / steps;
            self.fill((place(x0, x1), place(y0, y1)), (breadth, breadth), colour);
        }
    }

    /// A line through points, closed where asked.
    pub(super) fn outline(&mut self, points: &[(f64, f64)], closed: bool, colour: Colour) {
        for pair in points.windows(2) {
            self.line(pair[0], pair[1], colour);
        }
        if let (true, Some(first), Some(last)) = (closed, points.first(), points.last()) {
            self.line(*last, *first, colour);
        }
    }

    /// Words on a dark ground, their upper left corner at a place, moved so that they stay in the picture; gives their height.
    pub(super) fn words(&mut self, at: (f64, f64), text: &str, colour: Colour) -> f64 {
        let dot = self.dot();
        let (across, down) = (letters::SIZE.0 as i64 + 1, letters::SIZE.1 as i64);
        let (w, h) = (text.len() as i64 * across * dot + dot, (down + 2) * dot);
        let (x, y) = self.pixel(at);
        let x = x.min(self.canvas.width as i64 - w).max(0);
        let y = y.min(self.canvas.height as i64 - h).max(0);
        self.fill((x, y), (w, h), BLACK);
        for (index, letter) in text.bytes().enumerate() {
            let points = letters::points(letter);
            for bit in 0..15_i64 {
                if points >> (14 - bit) & 1 == 1 {
                    let (px, py) = (bit % 3, bit / 3);
                    self.fill((x + dot + (index as i64 * across + px) * dot, y + dot + py * dot), (dot, dot), colour);
                }
            }
        }
        h as f64 / self.canvas.height as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_drawn_outside_whatever_is_asked() {
        let (mut y, mut u, mut v) = (vec![0; 64 * 48], vec![0; 32 * 24], vec![0; 32 * 24]);
        let mut canvas = Canvas { width: 64, height: 48, planes: [(&mut y, 64), (&mut u, 32), (&mut v, 32)] };
        let mut pen = Pen::new(&mut canvas);
        pen.line((-9.0, f64::NAN), (f64::INFINITY, 0.5), RED);
        pen.outline(&[(0.1, 0.1), (0.9, 0.1), (0.9, 0.9)], true, GREEN);
        pen.words((0.95, 0.95), "person #12 \u{4e2d}", WHITE);
        assert!(y.contains(&WHITE.0) && y.contains(&GREEN.0));
    }
}
