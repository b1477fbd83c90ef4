use std::sync::OnceLock;

use nalgebra::{Isometry3, Point2};
use rand::RngExt;

use super::paint::Painter;
use super::{Block, Slab, backdrop};
use crate::eyes::Lens;
use crate::task::{Draw, Phase, Stream, Streams, TrialKey};

/// A camera where it stands, with all that never moves drawn once.
pub struct View {
    lens: Lens,
    camera_from_world: Isometry3<f64>,
    rays: Rays,
    /// Light of what never moves, row by row, 0 to 1, blurred.
    behind: Vec<f32>,
    /// Its depth along the camera's z, metres.
    depth: Vec<f32>,
    /// Of the lens, standard deviation, pixels.
    blur: f32,
}

/// How one frame is taken.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shot {
    /// Grey levels of a white surface in the middle of the frame; 255 is the most that a pixel holds.
    pub gain: f32,
    /// How the light changes from the middle to the right and to the lower border, shares.
    pub slope: [f32; 2],
    /// Share of the light that is missing in the corners.
    pub vignette: f32,
    /// Standard deviation of a pixel, grey levels.
    pub noise: f32,
}

impl View {
    /// A lens that passed its check, at `world_from_camera` (metres; x right, y down, z forward), with
    /// blocks and slabs that never move; `blur` in pixels.
    pub fn new(
        lens: Lens,
        world_from_camera: &Isometry3<f64>,
        blocks: &[Block],
        slabs: &[Slab],
        blur: f32,
    ) -> Self {
        let camera_from_world = world_from_camera.inverse();
        let rays = Rays::new(&lens);
        let (mut behind, depth) = backdrop::draw(blocks, &camera_from_world, &rays);
        backdrop::blur(&mut behind, lens.width, blur);
        let mut view = Self { lens, camera_from_world, rays, behind: Vec::new(), depth, blur };
        view.paint(slabs, &mut behind);
        view.behind = behind;
        view
    }

    pub fn lens(&self) -> &Lens {
        &self.lens
    }

    /// A frame with these slabs in it, row by row from the top. Slabs hide one another in their order, the
    /// last on top; furniture hides what lies behind it.
    pub fn shoot(&self, slabs: &[Slab], shot: &Shot, draw: &mut Draw) -> Vec<u8> {
        let mut light = self.behind.clone();
        self.paint(slabs, &mut light);
        self.expose(&light, shot, draw)
    }

    fn paint(&self, slabs: &[Slab], light: &mut [f32]) {
        let (lens, rays, depth) = (&self.lens, &self.rays, &self.depth[..]);
        // A pixel is a square; its variance adds to that of the lens.
        let blur = (self.blur * self.blur + 1.0 / 12.0).sqrt();
        let mut painter = Painter::new(lens, rays, depth, blur, light);
        for slab in slabs {
            painter.paint(slab, &(self.camera_from_world * slab.world_from_face));
        }
    }

    fn expose(&self, light: &[f32], shot: &Shot, draw: &mut Draw) -> Vec<u8> {
        let (width, height) = (self.lens.width, self.lens.height);
        // From -1 to 1.
        let across = |at: usize, pixels: usize| (2 * at + 1) as f32 / pixels as f32 - 1.0;
        let fall = |along: f32, slope: f32| slope * along - shot.vignette / 2.0 * along * along;
        let column = |at| shot.gain * (1.0 + fall(across(at, width), shot.slope[0]));
        let columns: Vec<f32> = (0..width).map(column).collect();
        let tile = tile();
        let mut pixels = Vec::with_capacity(width * height);
        for (row, line) in light.chunks_exact(width).enumerate() {
            let below = shot.gain * fall(across(row, height), shot.slope[1]);
            let from = draw.random::<u32>() as usize % TILE;
            let noise = tile[from..].iter().chain(tile.iter().cycle());
            let lit = line.iter().zip(&columns).zip(noise);
            // A cast saturates and takes NaN to 0.
            pixels.extend(
                lit.map(|((l, gain), n)| (l * (gain + below) + shot.noise * n + 0.5) as u8),
            );
        }
        pixels
    }
}

/// Directions of all pixels: exact at every fourth, straight in between (within 0.002 pixels for a lens
/// that distorts as cameras do).
pub(super) struct Rays {
    width: usize,
    height: usize,
    columns: usize,
    grid: Vec<[f32; 2]>,
}

const EVERY: usize = 4;

impl Rays {
    fn new(lens: &Lens) -> Self {
        let (columns, rows) = (lens.width / EVERY + 3, lens.height / EVERY + 3);
        let at = |i: usize| (i as f64 - 1.0) * EVERY as f64;
        let ray = |i: usize| {
            let ray = lens.ray(Point2::new(at(i % columns), at(i / columns)));
            [ray.x as f32, ray.y as f32]
        };
        let grid = (0..columns * rows).map(ray).collect();
        Self { width: lens.width, height: lens.height, columns, grid }
    }

    pub fn size(&self) -> (usize, usize) {
        (self.width, self.height)
    }

    /// x/z and y/z of what is seen at this point of the frame, pixels, half a pixel beyond its border at
    /// most.
    pub fn at(&self, x: f32, y: f32) -> [f32; 2] {
        let (x, y) = (x / EVERY as f32 + 1.0, y / EVERY as f32 + 1.0);
        let (column, row) = (x as usize, y as usize);
        let (right, below) = (x - column as f32, y - row as f32);
        let at = row * self.columns + column;
        let (upper, lower) = (&self.grid[at..at + 2], &self.grid[at + self.columns..][..2]);
        std::array::from_fn(|axis| {
            let above = upper[0][axis] + (upper[1][axis] - upper[0][axis]) * right;
            let under = lower[0][axis] + (lower[1][axis] - lower[0][axis]) * right;
            above + (under - above) * below
        })
    }
}

/// Numbers in the tile of noise.
const TILE: usize = 1 << 16;

/// Normal numbers, drawn once: a sum of twelve uniform ones, which has the same bits everywhere.
fn tile() -> &'static [f32] {
    static NUMBERS: OnceLock<Vec<f32>> = OnceLock::new();
    NUMBERS.get_or_init(|| {
        let key = TrialKey { phase: Phase::Train, index: 0 };
        let mut draw = Streams::new(0).draw(Stream::Camera, key);
        let mut normal = || (0..12).map(|_| draw.random::<f32>()).sum::<f32>() - 6.0;
        (0..TILE).map(|_| normal()).collect()
    })
}
