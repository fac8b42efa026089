//! Where a camera of the street stands and how the world falls onto its picture: a pinhole, nothing else.
//!
//! World: metres, x to the right, y up, z away from the camera's wall. Picture: pixels, origin top-left.

/// A point of the world.
pub type P3 = [f32; 3];
/// A point of the picture, in pixels.
pub type P2 = [f32; 2];

/// Nothing nearer than this (metres) is drawn.
const NEAR: f32 = 0.25;

/// A camera.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct View {
    /// Picture width in pixels.
    pub width: usize,
    /// Picture height in pixels.
    pub height: usize,
    /// Focal length in picture heights.
    pub focal: f32,
    /// Where it hangs.
    pub eye: P3,
    /// How far it looks down, in radians.
    pub pitch: f32,
    /// How far it looks to the right, in radians.
    pub yaw: f32,
}

impl View {
    /// The same camera with another picture size.
    #[must_use]
    pub fn sized(self, width: usize, height: usize) -> Self {
        Self { width, height, ..self }
    }

    /// Pixels per metre at `depth`.
    pub fn scale(&self, depth: f32) -> f32 {
        self.focal * self.height as f32 / depth.max(NEAR)
    }

    /// Camera coordinates: right, up, depth.
    pub fn to_camera(&self, p: P3) -> P3 {
        let (dx, dy, dz) = (p[0] - self.eye[0], p[1] - self.eye[1], p[2] - self.eye[2]);
        let (sy, cy) = self.yaw.sin_cos();
        let (x, z) = (cy * dx - sy * dz, sy * dx + cy * dz);
        let (sp, cp) = self.pitch.sin_cos();
        [x, dy * cp + z * sp, z * cp - dy * sp]
    }

    /// Where a point falls, and how deep it lies; `None` behind the camera.
    pub fn project(&self, p: P3) -> Option<(P2, f32)> {
        let c = self.to_camera(p);
        (c[2] > NEAR).then(|| (self.on_picture(c), c[2]))
    }

    /// The outline of a flat polygon of the world, cut off where it passes behind the camera.
    pub fn outline(&self, points: &[P3]) -> Vec<P2> {
        let cam: Vec<P3> = points.iter().map(|&p| self.to_camera(p)).collect();
        let mut out = Vec::with_capacity(cam.len() + 2);
        for (i, &a) in cam.iter().enumerate() {
            let b = cam[(i + 1) % cam.len()];
            if a[2] > NEAR {
                out.push(self.on_picture(a));
            }
            if (a[2] > NEAR) != (b[2] > NEAR) {
                let t = (NEAR - a[2]) / (b[2] - a[2]);
                out.push(self.on_picture([a[0] + (b[0] - a[0]) * t, a[1] + (b[1] - a[1]) * t, NEAR + 1e-4]));
            }
        }
        out
    }

    /// The direction in the world in which a pixel looks.
    pub fn ray(&self, x: f32, y: f32) -> P3 {
        let f = self.focal * self.height as f32;
        let right = (x - self.width as f32 / 2.0) / f;
        let up = (self.height as f32 / 2.0 - y) / f;
        let (sp, cp) = self.pitch.sin_cos();
        let (dy, dz) = (up * cp - sp, up * sp + cp);
        let (sy, cy) = self.yaw.sin_cos();
        [cy * right + sy * dz, dy, cy * dz - sy * right]
    }

    fn on_picture(&self, c: P3) -> P2 {
        let f = self.focal * self.height as f32 / c[2];
        [self.width as f32 / 2.0 + c[0] * f, self.height as f32 / 2.0 - c[1] * f]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ray_goes_through_the_point_that_falls_on_its_pixel() {
        let view = View { width: 960, height: 540, focal: 1.1, eye: [0.5, 4.0, -1.0], pitch: 0.3, yaw: 0.2 };
        let p = [2.0, 0.7, 9.0];
        let ([x, y], _) = view.project(p).unwrap();
        let ray = view.ray(x, y);
        let k = (p[2] - view.eye[2]) / ray[2];
        for axis in 0..3 {
            assert!((view.eye[axis] + ray[axis] * k - p[axis]).abs() < 1e-3, "axis {axis}");
        }
    }
}
