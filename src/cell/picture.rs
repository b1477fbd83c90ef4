use rand::RngExt;
use rand_distr::{Distribution, StandardNormal};

use crate::task::{Image, Setup, Stream, TaskSpec};

const PIXEL_MM: f64 = 2.5;
const HALF_PLATE_MM: [f64; 2] = [63.88, 42.74];
const NOTCH_MM: f64 = 8.0;

/// The plate of a setup from straight above, edges anti-aliased, one corner cut, in the task's light
/// and camera noise: what an [`IdealCell`](super::IdealCell) may see.
pub fn picture(task: &TaskSpec, setup: &Setup) -> Image {
    let mut light = setup.streams.draw(Stream::Lighting, setup.key);
    let gain = 1.0 + task.lighting * (2.0 * light.random::<f64>() - 1.0);
    let mut camera = setup.streams.draw(Stream::Camera, setup.key);
    let mut noise = || {
        let unit: f32 = StandardNormal.sample(&mut camera);
        task.camera * f64::from(unit)
    };
    let plate_from_camera = setup.offset.inverse();
    let (sin, cos) = libm::sincos(plate_from_camera.yaw_deg.to_radians());
    let middle = (Image::SIDE as f64 - 1.0) / 2.0;
    let mut pixels = Vec::with_capacity(Image::SIDE * Image::SIDE);
    for row in 0..Image::SIDE {
        for column in 0..Image::SIDE {
            let (x, y) = ((column as f64 - middle) * PIXEL_MM, (middle - row as f64) * PIXEL_MM);
            let x_plate = cos * x - sin * y + plate_from_camera.x_mm;
            let y_plate = sin * x + cos * y + plate_from_camera.y_mm;
            let edge = (HALF_PLATE_MM[0] - x_plate.abs()).min(HALF_PLATE_MM[1] - y_plate.abs());
            let corner = HALF_PLATE_MM[0] + HALF_PLATE_MM[1] - NOTCH_MM;
            let inside = edge.min((corner - (y_plate - x_plate)) * std::f64::consts::FRAC_1_SQRT_2);
            let coverage = (inside / PIXEL_MM + 0.5).clamp(0.0, 1.0);
            pixels.push((gain * (40.0 + 160.0 * coverage) + noise()).clamp(0.0, 255.0) as u8);
        }
    }
    // As many pixels as an image has, by construction.
    Image::new(pixels).unwrap_or_else(|| unreachable!())
}
