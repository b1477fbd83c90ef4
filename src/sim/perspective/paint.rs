use nalgebra::{Isometry3, Matrix3, Point2, Point3};

use super::Slab;
use super::silhouette::Silhouette;
use super::step::Step;
use super::view::Rays;
use crate::eyes::Lens;

/// Draws slabs into a frame of light.
pub(super) struct Painter<'a> {
    lens: &'a Lens,
    rays: &'a Rays,
    /// Of what is there already, metres along z.
    depth: &'a [f32],
    /// Standard deviation of what a pixel gathers, pixels.
    blur: f32,
    light: &'a mut [f32],
    step: Step,
}

/// Furniture hides what lies so much deeper, metres: not what lies on it.
const BEHIND: f32 = 1e-3;
/// Pixels around a slab that its blur may reach.
const MARGIN: f64 = 6.0;
/// Nearer than this to the camera nothing is drawn, metres.
const NEAREST: f64 = 0.02;

impl<'a> Painter<'a> {
    pub fn new(
        lens: &'a Lens,
        rays: &'a Rays,
        depth: &'a [f32],
        blur: f32,
        light: &'a mut [f32],
    ) -> Self {
        Self { lens, rays, depth, blur, light, step: Step::new() }
    }

    /// Sides first, then the face over them. What reaches behind the camera is not drawn.
    pub fn paint(&mut self, slab: &Slab, camera_from_face: &Isometry3<f64>) {
        let corners = slab.face.corners();
        let project = |below: f64| -> Option<Vec<Point2<f64>>> {
            let point = |at: &Point2<f64>| {
                let point = camera_from_face * Point3::new(at.x / 1e3, at.y / 1e3, -below);
                if point.z < NEAREST { None } else { self.lens.project(&point) }
            };
            corners.iter().map(point).collect()
        };
        let (Some(top), Some(bottom)) = (project(0.0), project(slab.thickness)) else { return };
        let plane = Plane::new(camera_from_face);
        // What looks away shows its sides and its dark underside.
        let faces_us = plane.as_ref().is_some_and(|plane| plane.faces_us);
        let sides_show = !faces_us
            || Silhouette::around(top.clone())
                .is_none_or(|face| bottom.iter().any(|at| face.distance(at.x, at.y) > -1.0));
        if sides_show && let Some(all) = Silhouette::around([&top[..], &bottom].concat()) {
            let deepest = camera_from_face.translation.z as f32;
            let frame = self.around(top.iter().chain(&bottom));
            self.sides(&all, slab.face.side_light(), deepest, frame);
        }
        if let Some(plane) = plane.filter(|plane| plane.faces_us) {
            let frame = self.around(top.iter());
            self.face(slab, &plane, frame);
        }
    }

    /// Columns and rows of the frame that these points may reach.
    fn around<'p>(&self, points: impl Iterator<Item = &'p Point2<f64>>) -> [usize; 4] {
        let empty = [f64::INFINITY, f64::NEG_INFINITY, f64::INFINITY, f64::NEG_INFINITY];
        let [left, right, top, bottom] = points
            .fold(empty, |[l, r, t, b], at| [l.min(at.x), r.max(at.x), t.min(at.y), b.max(at.y)]);
        // A cast saturates at 0.
        let low = |at: f64, most: usize| ((at - MARGIN) as usize).min(most);
        let high = |at: f64, most: usize| ((at + MARGIN + 1.0) as usize).min(most);
        let (width, height) = self.rays.size();
        [low(left, width), high(right, width), low(top, height), high(bottom, height)]
    }

    fn sides(&mut self, hull: &Silhouette, light: f32, depth: f32, frame: [usize; 4]) {
        let [left, right, top, bottom] = frame;
        let width = self.rays.size().0;
        for row in top..bottom {
            for column in left..right {
                let at = row * width + column;
                if self.depth[at] + BEHIND < depth {
                    continue;
                }
                let distance = hull.distance(column as f64, row as f64) as f32;
                let share = self.step.at(-distance / self.blur);
                self.light[at] += (light - self.light[at]) * share;
            }
        }
    }

    fn face(&mut self, slab: &Slab, plane: &Plane, frame: [usize; 4]) {
        let [left, right, top, bottom] = frame;
        let width = self.rays.size().0;
        let mm_per_m = 1e3 / self.lens.fx.min(self.lens.fy) as f32 * self.blur;
        for row in top..bottom {
            for column in left..right {
                let at = row * width + column;
                let Some((x, y, depth)) = plane.meet(self.rays.at(column as f32, row as f32))
                else {
                    continue;
                };
                if self.depth[at] + BEHIND < depth {
                    continue;
                }
                let blur = mm_per_m * depth;
                let share = slab.face.covers(self.step, x, y, blur);
                if share > 0.0 {
                    let light = slab.face.light(self.step, x, y, blur);
                    self.light[at] += (light - self.light[at]) * share;
                }
            }
        }
    }
}

/// A face's plane as the camera sees it.
struct Plane {
    /// From a ray (z = 1) to x, y (mm) and 1, all over the depth (metres).
    face_from_ray: [[f32; 3]; 3],
    faces_us: bool,
}

impl Plane {
    /// `None` for a plane through the camera.
    fn new(camera_from_face: &Isometry3<f64>) -> Option<Self> {
        let turn = camera_from_face.rotation.to_rotation_matrix();
        let (x, y, z) = (
            turn * nalgebra::Vector3::x(),
            turn * nalgebra::Vector3::y(),
            turn * nalgebra::Vector3::z(),
        );
        let at = camera_from_face.translation.vector;
        let inverse = Matrix3::from_columns(&[x / 1e3, y / 1e3, at]).try_inverse()?;
        let row = |row: usize| std::array::from_fn(|column| inverse[(row, column)] as f32);
        Some(Self { face_from_ray: [row(0), row(1), row(2)], faces_us: z.dot(&at) < 0.0 })
    }

    /// Where the ray meets the plane, mm, and at which depth, metres.
    fn meet(&self, [right, down]: [f32; 2]) -> Option<(f32, f32, f32)> {
        let [x, y, over] = self.face_from_ray.map(|row| row[0] * right + row[1] * down + row[2]);
        (over > 1e-6).then(|| (x / over, y / over, 1.0 / over))
    }
}
