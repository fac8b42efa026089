//! Where a picture stands in a model's input, and the way back for boxes.

use crate::domain::geometry::BBox;

/// How a picture is fitted into the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Resize {
    /// Keeps proportions, picture in the top left corner, sizes rounded down (YOLOX).
    Letterbox,
    /// Keeps proportions, picture in the middle, sizes rounded (`YOLOv5`, v7, v8 and their kin).
    LetterboxCentered,
    /// Fills the input, proportions are lost (SSD, DETR).
    Stretch,
}

/// Where a picture stands in the input tensor.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Placement {
    /// Tensor pixels per full width and height of the picture, and the offset of its top left corner.
    size: (f64, f64),
    offset: (f64, f64),
}

/// The part of the tensor that the picture fills, in whole pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Inner {
    pub(super) left: usize,
    pub(super) top: usize,
    pub(super) width: usize,
    pub(super) height: usize,
}

impl Placement {
    /// Fits a picture of `source` pixels into a tensor of `target` pixels.
    pub(super) fn fit(source: (usize, usize), target: (usize, usize), resize: Resize) -> (Self, Inner) {
        let (sw, sh) = (source.0 as f64, source.1 as f64);
        let (tw, th) = (target.0 as f64, target.1 as f64);
        if resize == Resize::Stretch {
            let placement = Self { size: (tw, th), offset: (0.0, 0.0) };
            return (placement, Inner { left: 0, top: 0, width: target.0, height: target.1 });
        }
        let ratio = (tw / sw).min(th / sh);
        // A hair more before rounding down: 640 * (416 / 640) must not become 415.
        let whole = |length: f64| if resize == Resize::Letterbox { (length + 1e-9).floor() } else { length.round() };
        let inside = |length: f64, most: usize| (whole(length) as usize).clamp(1, most);
        let (width, height) = (inside(sw * ratio, target.0), inside(sh * ratio, target.1));
        let (left, top) = match resize {
            // The models' own scripts give the odd pixel to the right and the bottom.
            Resize::LetterboxCentered => ((target.0 - width) / 2, (target.1 - height) / 2),
            Resize::Letterbox | Resize::Stretch => (0, 0),
        };
        // Boxes go back by the exact ratio, as those scripts do, not by the rounded size.
        let placement = Self { size: (sw * ratio, sh * ratio), offset: (left as f64, top as f64) };
        (placement, Inner { left, top, width, height })
    }

    /// A box in tensor pixels as a box in the picture, normalized, not clipped.
    pub fn to_picture(&self, [x0, y0, x1, y1]: [f32; 4]) -> BBox {
        let x = |x: f32| (f64::from(x) - self.offset.0) / self.size.0;
        let y = |y: f32| (f64::from(y) - self.offset.1) / self.size.1;
        BBox::from_corners(x(x0), y(y0), x(x1), y(y1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letterbox_stands_top_left_or_centred() {
        let (placement, inner) = Placement::fit((1920, 1080), (416, 416), Resize::Letterbox);
        assert_eq!(inner, Inner { left: 0, top: 0, width: 416, height: 234 });
        assert_eq!(placement.to_picture([0.0, 0.0, 416.0, 234.0]), BBox::new(0.0, 0.0, 1.0, 1.0));
        let (placement, inner) = Placement::fit((1920, 1080), (416, 416), Resize::LetterboxCentered);
        assert_eq!(inner, Inner { left: 0, top: 91, width: 416, height: 234 });
        assert_eq!(placement.to_picture([208.0, 91.0, 416.0, 208.0]), BBox::new(0.5, 0.0, 0.5, 0.5));
    }

    #[test]
    fn a_whole_ratio_loses_no_pixel() {
        for (w, h) in [(640, 427), (500, 375), (427, 640), (1, 1), (1921, 1081)] {
            let (_, inner) = Placement::fit((w, h), (416, 416), Resize::Letterbox);
            assert_eq!(inner.width.max(inner.height), 416, "{w}x{h}");
        }
    }

    #[test]
    fn stretch_maps_axes_apart() {
        let (placement, inner) = Placement::fit((100, 50), (300, 300), Resize::Stretch);
        assert_eq!(inner, Inner { left: 0, top: 0, width: 300, height: 300 });
        assert_eq!(placement.to_picture([150.0, 150.0, 300.0, 300.0]), BBox::new(0.5, 0.5, 0.5, 0.5));
    }

    #[test]
    fn a_sliver_still_has_a_pixel() {
        let (_, inner) = Placement::fit((4000, 2), (416, 416), Resize::Letterbox);
        assert_eq!((inner.width, inner.height), (416, 1));
    }
}
