use bevy::math::Vec2;
use bevy::mesh::Mesh;
use nalgebra::Vector3;

use super::shapes::{MeshBuilder, circle, rectangle_at_angles};

// ANSI/SLAS 1-2004 and 4-2004, metres; as in the software camera.
const CORNER_RADIUS: f32 = 3.18e-3;
const A1_COLUMN: f32 = 14.38e-3;
const A1_ROW: f32 = 11.24e-3;
const PITCH: f32 = 9e-3;
/// Typical of a 96-well plate.
const WELL_RADIUS: f32 = 3.3e-3;
const WELL_FLOOR: f32 = 2.5e-3;
/// Side of the corner that is cut off at A1 (-x, +y).
const NOTCH: f32 = 8e-3;
const COLUMNS: usize = 12;
const ROWS: usize = 8;
/// Points of a well's rim: with the first at an eighth of a turn, one falls on each corner of its
/// square.
const RIM: usize = 16;

/// A 96-well plate with wells and notch, inside the box that the physics knows. Its frame is the
/// centre of its bottom.
pub fn plate_mesh(size: &Vector3<f64>) -> Mesh {
    let mut mesh = MeshBuilder::default();
    let half = half_sides(size);
    let top = size.z as f32;
    let outline = plate_outline(size);
    mesh.wall(&outline, 0.0, top);
    mesh.cap(&outline, 0.0, false);

    let first = std::f32::consts::FRAC_PI_4;
    for (column, row) in (0..COLUMNS).flat_map(|c| (0..ROWS).map(move |r| (c, r))) {
        let centre = Vec2::new(
            -half.x + A1_COLUMN + column as f32 * PITCH,
            half.y - A1_ROW - row as f32 * PITCH,
        );
        let rim = circle(centre, WELL_RADIUS, RIM, first);
        let square = rectangle_at_angles(centre, Vec2::splat(PITCH / 2.0), RIM, first);
        mesh.band(&square, &rim, top);
        mesh.well(centre, &rim, WELL_FLOOR, top);
        mesh.cap(&rim, WELL_FLOOR, true);
    }
    frame(&mut mesh, &outline, half, top);
    mesh.build()
}

/// The plate's outline seen from above, anticlockwise.
pub fn plate_outline(size: &Vector3<f64>) -> Vec<Vec2> {
    let half = half_sides(size);
    let mut outline = Vec::new();
    for (corner, (x, y)) in [(1.0, 1.0), (-1.0, 1.0), (-1.0, -1.0), (1.0, -1.0)].iter().enumerate()
    {
        if corner == 1 {
            outline.push(Vec2::new(-half.x + NOTCH, half.y));
            outline.push(Vec2::new(-half.x, half.y - NOTCH));
            continue;
        }
        let centre = Vec2::new(x * (half.x - CORNER_RADIUS), y * (half.y - CORNER_RADIUS));
        for step in 0..=4 {
            let angle = (corner as f32 + step as f32 / 4.0) * std::f32::consts::FRAC_PI_2;
            outline.push(centre + CORNER_RADIUS * Vec2::from_angle(angle));
        }
    }
    outline
}

/// The top between the outline and the block of wells: each point of the outline joined to the
/// nearest of the block. The outline's corners are near enough to the block's that each of those
/// is met too.
fn frame(mesh: &mut MeshBuilder, outline: &[Vec2], half: Vec2, top: f32) {
    let low = Vec2::new(-half.x + A1_COLUMN - PITCH / 2.0, half.y - A1_ROW - 7.5 * PITCH);
    let high = low + PITCH * Vec2::new(COLUMNS as f32, ROWS as f32);
    let inner: Vec<Vec2> = outline.iter().map(|p| p.clamp(low, high)).collect();
    mesh.band(outline, &inner, top);
}

fn half_sides(size: &Vector3<f64>) -> Vec2 {
    Vec2::new(size.x as f32, size.y as f32) / 2.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use bevy::math::Vec3;

    fn positions(mesh: &Mesh) -> Vec<Vec3> {
        let values = mesh.attribute(Mesh::ATTRIBUTE_POSITION).unwrap().as_float3().unwrap();
        values.iter().copied().map(Vec3::from_array).collect()
    }

    #[test]
    fn the_drawn_plate_fills_the_box_that_the_physics_knows() {
        let size = Vector3::new(0.12776, 0.08548, 0.01435);
        let mesh = plate_mesh(&size);
        let all = positions(&mesh);
        let low = all.iter().copied().reduce(Vec3::min).unwrap();
        let high = all.iter().copied().reduce(Vec3::max).unwrap();
        assert!(low.distance(Vec3::new(-0.06388, -0.04274, 0.0)) < 1e-6, "{low}");
        assert!(high.distance(Vec3::new(0.06388, 0.04274, 0.01435)) < 1e-6, "{high}");
    }

    /// Seen from above, faces that look up must cover the outline exactly once.
    #[test]
    fn the_top_has_no_holes_and_no_overlaps() {
        let size = Vector3::new(0.12776, 0.08548, 0.01435);
        let all = positions(&plate_mesh(&size));
        let area = |p: &[Vec2]| {
            let pairs = p.iter().zip(p.iter().cycle().skip(1));
            pairs.map(|(a, b)| a.perp_dot(*b) / 2.0).sum::<f32>()
        };
        let up: f32 = all
            .chunks(3)
            .map(|t| area(&[t[0].truncate(), t[1].truncate(), t[2].truncate()]))
            .filter(|a| *a > 0.0)
            .sum();
        let whole = area(&plate_outline(&size));
        assert!((up - whole).abs() < 1e-6 + 1e-3 * whole, "{up} of {whole}");
    }
}
