use rand::RngExt;
use rand_distr::{Distribution, StandardNormal};

use crate::task::{Image, Setup, Stream, TaskSpec};

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
    let size = task.image;
    let (middle, pixel) = (size.middle_px(), size.mm_per_px());
    Image::of(size, |i| {
        let (row, column) = ((i / size.px) as f64, (i % size.px) as f64);
        let (x, y) = ((column - middle) * pixel, (middle - row) * pixel);
        let x_plate = cos * x - sin * y + plate_from_camera.x_mm;
        let y_plate = sin * x + cos * y + plate_from_camera.y_mm;
        let edge = (HALF_PLATE_MM[0] - x_plate.abs()).min(HALF_PLATE_MM[1] - y_plate.abs());
        let corner = HALF_PLATE_MM[0] + HALF_PLATE_MM[1] - NOTCH_MM;
        let inside = edge.min((corner - (y_plate - x_plate)) * std::f64::consts::FRAC_1_SQRT_2);
        let coverage = (inside / pixel + 0.5).clamp(0.0, 1.0);
        (gain * (40.0 + 160.0 * coverage) + noise()).clamp(0.0, 255.0) as u8
    })
}
