//! Painted pictures for tests: a street without anybody, its light and its weather, and things in it.

use super::luma::SmallLuma;

pub(super) const WIDTH: usize = 160;
pub(super) const HEIGHT: usize = 90;

/// Levels of a picture, before noise.
#[derive(Clone)]
pub(super) struct Canvas(pub(super) Vec<f32>);

/// Noise that is the same in each run.
fn mixed(mut seed: u64) -> u64 {
    seed = (seed ^ (seed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    seed = (seed ^ (seed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    seed ^ (seed >> 31)
}

/// A street: sky, houses with windows, a pavement with slabs, a road with a marking.
pub(super) fn street() -> Canvas {
    wide_street(0, 0)
}

/// The part of an endless street that a camera shifted so sees.
fn wide_street(dx: isize, dy: isize) -> Canvas {
    let mut levels = Vec::with_capacity(WIDTH * HEIGHT);
    for y in 0..HEIGHT as isize {
        for x in 0..WIDTH as isize {
            let (u, v) = (x - dx, y - dy);
            let house = u.div_euclid(37);
            let wall = 90.0 + (mixed(house as u64 ^ 0x51) % 60) as f32;
            let window = u.rem_euclid(37) % 12 > 5
                && v.rem_euclid(14) > 7
                && !mixed((house * 31 + v.div_euclid(14)) as u64).is_multiple_of(4);
            let slab = u.rem_euclid(19) == 0 || v.rem_euclid(9) == 0;
            let marking = (71..73).contains(&v) && u.rem_euclid(22) < 13;
            let grain = (mixed((u.div_euclid(3) * 977 + v.div_euclid(2)) as u64) % 9) as f32;
            levels.push(match v {
                v if v < 8 => 200.0,
                v if v < 46 => {
                    if window {
                        45.0
                    } else {
                        wall
                    }
                }
                v if v < 60 => {
                    if slab {
                        118.0
                    } else {
                        140.0 + grain
                    }
                }
                _ if marking => 190.0,
                _ => 80.0 + grain,
            });
        }
    }
    Canvas(levels)
}

impl Canvas {
    /// The street as seen by a camera that was turned by so many pixels.
    pub(super) fn shifted(by: [isize; 2]) -> Self {
        wide_street(by[0], by[1])
    }

    /// Another place: the same left and right changed, and further on.
    pub(super) fn mirrored() -> Self {
        let other = wide_street(4011, 23);
        Self(other.0.chunks_exact(WIDTH).flat_map(|row| row.iter().rev().copied()).collect())
    }

    /// In another light.
    pub(super) fn lit(mut self, gain: f32, offset: f32) -> Self {
        self.0.iter_mut().for_each(|level| *level = *level * gain + offset);
        self
    }

    /// By infrared at night: dark where it was bright far off, bright near, and no sky.
    pub(super) fn infrared(mut self) -> Self {
        for (i, level) in self.0.iter_mut().enumerate() {
            let near = (i / WIDTH) as f32 / HEIGHT as f32;
            *level = if i / WIDTH < 8 { 20.0 } else { 25.0 + (230.0 - *level) * (0.3 + 0.4 * near) };
        }
        self
    }

    /// With a bus before the lens.
    pub(super) fn behind_a_bus(mut self) -> Self {
        for y in 0..HEIGHT {
            for x in 0..WIDTH {
                let glass = (15..45).contains(&y) && x % 50 > 4;
                self.0[y * WIDTH + x] = if glass { 50.0 + (x % 50) as f32 * 0.6 } else { 170.0 };
            }
        }
        self
    }

    /// With a filled rectangle, its levels `level` and a pattern of `contrast`.
    pub(super) fn with_box(mut self, at: [usize; 4], level: f32, contrast: f32) -> Self {
        for y in at[1]..(at[1] + at[3]).min(HEIGHT) {
            for x in at[0]..(at[0] + at[2]).min(WIDTH) {
                let check = if (x / 2 + y / 3) % 2 == 0 { contrast } else { -contrast };
                self.0[y * WIDTH + x] = level + check;
            }
        }
        self
    }

    /// With a part in another light, its border soft over some pixels.
    pub(super) fn shaded(mut self, at: [f32; 4], gain: f32) -> Self {
        for y in 0..HEIGHT {
            for x in 0..WIDTH {
                let out = |v: usize, from: f32, len: f32| (from - v as f32).max(v as f32 - from - len).max(0.0);
                let far = out(x, at[0], at[2]).max(out(y, at[1], at[3]));
                let share = (1.0 - far / 4.0).clamp(0.0, 1.0);
                self.0[y * WIDTH + x] *= 1.0 + share * (gain - 1.0);
            }
        }
        self
    }
}

/// Takes pictures of canvases, with noise.
pub(super) struct Painter {
    seed: u64,
    noise: f32,
}

impl Painter {
    pub(super) const fn new(seed: u64) -> Self {
        Self { seed, noise: 1.5 }
    }

    /// With other noise from now on, in levels.
    pub(super) fn noisy(&mut self, noise: f32) -> &mut Self {
        self.noise = noise;
        self
    }

    /// A number from 0 to below 1.
    pub(super) fn draw(&mut self) -> f32 {
        self.seed = self.seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        (mixed(self.seed) >> 40) as f32 / (1u64 << 24) as f32
    }

    pub(super) fn shot(&mut self, canvas: &Canvas) -> SmallLuma {
        let mut pixels = Vec::with_capacity(WIDTH * HEIGHT);
        for &level in &canvas.0 {
            // Two draws are near enough to a bell.
            let bell = (self.draw() + self.draw() - 1.0) * 2.45;
            pixels.push((level + bell * self.noise).round().clamp(0.0, 255.0) as u8);
        }
        SmallLuma::new(WIDTH as u16, HEIGHT as u16, pixels).unwrap()
    }
}
