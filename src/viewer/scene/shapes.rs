use bevy::asset::RenderAssetUsages;
use bevy::math::{Vec2, Vec3};
use bevy::mesh::{Indices, Mesh, PrimitiveTopology};

/// Collects flat-shaded faces.
#[derive(Debug, Default)]
pub struct MeshBuilder {
    positions: Vec<[f32; 3]>,
    normals: Vec<[f32; 3]>,
    indices: Vec<u32>,
}

impl MeshBuilder {
    /// A triangle, anticlockwise seen from outside.
    pub fn triangle(&mut self, corners: [Vec3; 3]) {
        let [a, b, c] = corners;
        self.smooth_triangle(corners, [(b - a).cross(c - a).normalize_or_zero(); 3]);
    }

    pub fn smooth_triangle(&mut self, corners: [Vec3; 3], normals: [Vec3; 3]) {
        let first = self.positions.len() as u32;
        self.positions.extend(corners.map(|c| c.to_array()));
        self.normals.extend(normals.map(|n| n.to_array()));
        self.indices.extend([first, first + 1, first + 2]);
    }

    /// A flat quadrilateral, anticlockwise seen from outside.
    pub fn quad(&mut self, [a, b, c, d]: [Vec3; 4]) {
        self.triangle([a, b, c]);
        self.triangle([a, c, d]);
    }

    /// The wall over a closed outline (anticlockwise seen from above) between two heights,
    /// looking outwards.
    pub fn wall(&mut self, outline: &[Vec2], low: f32, high: f32) {
        for (a, b) in edges(outline) {
            let corners = [a.extend(low), b.extend(low), b.extend(high), a.extend(high)];
            self.quad(corners);
        }
    }

    /// The wall of a hole with a round outline, looking inwards and shaded as round.
    pub fn well(&mut self, centre: Vec2, outline: &[Vec2], low: f32, high: f32) {
        for (a, b) in edges(outline) {
            let inward = |p: Vec2| (centre - p).extend(0.0).normalize_or_zero();
            let (na, nb) = (inward(a), inward(b));
            let [al, ah, bl, bh] = [a.extend(low), a.extend(high), b.extend(low), b.extend(high)];
            self.smooth_triangle([bl, al, ah], [nb, na, na]);
            self.smooth_triangle([bl, ah, bh], [nb, na, nb]);
        }
    }

    /// A convex face at a height, looking up or down.
    pub fn cap(&mut self, outline: &[Vec2], height: f32, up: bool) {
        let Some((first, rest)) = outline.split_first() else { return };
        for pair in rest.windows(2) {
            let [a, b, c] = [*first, pair[0], pair[1]].map(|p| p.extend(height));
            self.triangle(if up { [a, b, c] } else { [a, c, b] });
        }
    }

    /// A flat band between two closed outlines of as many points, looking up.
    pub fn band(&mut self, outer: &[Vec2], inner: &[Vec2], height: f32) {
        for ((a, b), (c, d)) in edges(outer).zip(edges(inner)) {
            self.quad([a, b, d, c].map(|p| p.extend(height)));
        }
    }

    pub fn build(self) -> Mesh {
        Mesh::new(PrimitiveTopology::TriangleList, RenderAssetUsages::default())
            .with_inserted_attribute(Mesh::ATTRIBUTE_POSITION, self.positions)
            .with_inserted_attribute(Mesh::ATTRIBUTE_NORMAL, self.normals)
            .with_inserted_indices(Indices::U32(self.indices))
    }
}

/// A circle, anticlockwise, its first point at this angle.
pub fn circle(centre: Vec2, radius: f32, points: usize, first: f32) -> Vec<Vec2> {
    let step = std::f32::consts::TAU / points as f32;
    (0..points).map(|i| centre + radius * Vec2::from_angle(first + i as f32 * step)).collect()
}

/// Where rays from the centre at as many angles meet a rectangle of these half sides.
pub fn rectangle_at_angles(centre: Vec2, half: Vec2, points: usize, first: f32) -> Vec<Vec2> {
    circle(Vec2::ZERO, 1.0, points, first)
        .into_iter()
        .map(|way| centre + way * (half.x / way.x.abs()).min(half.y / way.y.abs()))
        .collect()
}

fn edges(outline: &[Vec2]) -> impl Iterator<Item = (Vec2, Vec2)> {
    outline.iter().copied().zip(outline.iter().copied().cycle().skip(1))
}
