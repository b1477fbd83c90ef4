use nalgebra::{Isometry3, Vector3};

use super::Block;
use super::view::Rays;

/// Light where no furniture is, 0 to 1.
const FLOOR_LIGHT: f32 = 0.2;
/// How much darker what looks sideways is.
const SIDE: f32 = 0.7;
/// Looks along each side of a pixel where surfaces meet.
const LOOKS: usize = 4;

/// What a ray meets first.
#[derive(Clone, Copy, PartialEq)]
struct Met {
    /// Number of the block and of its side; `None` for the floor.
    surface: Option<(usize, usize)>,
    light: f32,
    /// Along the camera's z, metres.
    depth: f32,
}

/// A block as the camera has it: where the camera is in the block's frame, and its turn.
struct Seen {
    block_from_camera: Isometry3<f64>,
    half: Vector3<f64>,
    light: f32,
}

impl Seen {
    /// Depth at which the ray (camera frame, z = 1) enters the block, and through which side.
    fn meet(&self, ray: &Vector3<f64>) -> Option<(f64, usize)> {
        let from = self.block_from_camera.translation.vector;
        let along = self.block_from_camera.rotation * ray;
        let (mut enter, mut leave, mut side) = (0.0, f64::INFINITY, 0);
        for axis in 0..3 {
            let inverse = 1.0 / along[axis];
            let at = |face: f64| (face - from[axis]) * inverse;
            let (a, b) = (at(-self.half[axis]), at(self.half[axis]));
            let (near, far) = if a < b { (a, b) } else { (b, a) };
            if near > enter {
                (enter, side) = (near, axis);
            }
            leave = leave.min(far);
        }
        (enter > 0.0 && enter <= leave).then_some((enter, side))
    }
}

/// Light and depth of the furniture, pixel by pixel, not yet blurred.
pub(super) fn draw(
    blocks: &[Block],
    camera_from_world: &Isometry3<f64>,
    rays: &Rays,
) -> (Vec<f32>, Vec<f32>) {
    let seen: Vec<Seen> = blocks
        .iter()
        .map(|block| Seen {
            block_from_camera: (camera_from_world * block.world_from_block).inverse(),
            half: block.half,
            light: block.light,
        })
        .collect();
    let look = |x: f32, y: f32| -> Met {
        let [right, down] = rays.at(x, y);
        let ray = Vector3::new(f64::from(right), f64::from(down), 1.0);
        let meets = seen.iter().enumerate();
        let meets = meets.filter_map(|(i, block)| block.meet(&ray).map(|(z, side)| (z, i, side)));
        match meets.min_by(|a, b| a.0.total_cmp(&b.0)) {
            None => Met { surface: None, light: FLOOR_LIGHT, depth: f32::INFINITY },
            Some((z, i, side)) => {
                let shade = if side == 2 { 1.0 } else { SIDE };
                let light = seen[i].light * shade;
                Met { surface: Some((i, side)), light, depth: z as f32 }
            }
        }
    };
    let (width, height) = rays.size();
    let mut met = Vec::with_capacity(width * height);
    for row in 0..height {
        met.extend((0..width).map(|column| look(column as f32, row as f32)));
    }
    let is_edge = |row: usize, column: usize| {
        let here = met[row * width + column].surface;
        let rows = row.saturating_sub(1)..=(row + 1).min(height - 1);
        rows.into_iter().any(|row| {
            let columns = column.saturating_sub(1)..=(column + 1).min(width - 1);
            columns.into_iter().any(|column| met[row * width + column].surface != here)
        })
    };
    let mean = |row: usize, column: usize| {
        let at = |i: usize| (i as f32 + 0.5) / LOOKS as f32 - 0.5;
        let looks = (0..LOOKS * LOOKS).map(|i| (at(i % LOOKS), at(i / LOOKS)));
        let sum: f32 = looks.map(|(dx, dy)| look(column as f32 + dx, row as f32 + dy).light).sum();
        sum / (LOOKS * LOOKS) as f32
    };
    let mut light = Vec::with_capacity(met.len());
    for row in 0..height {
        for column in 0..width {
            let edge = is_edge(row, column);
            light.push(if edge { mean(row, column) } else { met[row * width + column].light });
        }
    }
    (light, met.iter().map(|met| met.depth).collect())
}

/// A Gaussian blur of this standard deviation (pixels) by rows, then by columns; at the borders the last
/// pixel goes on.
pub(super) fn blur(image: &mut [f32], width: usize, sigma: f32) {
    if sigma <= 0.0 || image.is_empty() {
        return;
    }
    let reach = libm::ceilf(3.5 * sigma) as usize;
    let bell = |k: usize| {
        let at = (k as f32 - reach as f32) / sigma;
        libm::expf(-0.5 * at * at)
    };
    let mut weights: Vec<f32> = (0..=2 * reach).map(bell).collect();
    let sum: f32 = weights.iter().sum();
    weights.iter_mut().for_each(|weight| *weight /= sum);
    let mut padded = vec![0.0; width + 2 * reach];
    for row in image.chunks_exact_mut(width) {
        padded[..reach].fill(row[0]);
        padded[reach..reach + width].copy_from_slice(row);
        padded[reach + width..].fill(row[width - 1]);
        row.fill(0.0);
        for (k, weight) in weights.iter().enumerate() {
            row.iter_mut().zip(&padded[k..]).for_each(|(to, from)| *to += weight * from);
        }
    }
    let height = image.len() / width;
    let from = image.to_vec();
    for (row, to) in image.chunks_exact_mut(width).enumerate() {
        to.fill(0.0);
        for (k, weight) in weights.iter().enumerate() {
            let at = (row + k).saturating_sub(reach).min(height - 1);
            let line = &from[at * width..][..width];
            to.iter_mut().zip(line).for_each(|(to, from)| *to += weight * from);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blur_keeps_the_light_and_spreads_it_by_its_deviation() {
        let (width, height, sigma) = (31, 21, 1.3);
        let mut image = vec![0.0; width * height];
        image[10 * width + 15] = 1.0;
        blur(&mut image, width, sigma);
        let sum: f32 = image.iter().sum();
        let square = |i: usize| (i % width) as f32 - 15.0;
        let variance: f32 = image.iter().enumerate().map(|(i, l)| l * square(i).powi(2)).sum();
        assert!((sum - 1.0).abs() < 1e-5 && (variance.sqrt() - sigma).abs() < 0.02, "{variance}");
        let mut level = vec![0.7; width * height];
        blur(&mut level, width, sigma);
        assert!(level.iter().all(|light| (light - 0.7).abs() < 1e-5), "borders too");
    }
}
