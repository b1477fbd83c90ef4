use bevy::prelude::*;

/// Looks at a point from a direction and a distance; z stays up.
#[derive(Resource, Clone, Copy, Debug, PartialEq)]
pub struct Orbit {
    pub target: Vec3,
    /// Direction from which it looks, about z, from the -x axis (behind the gripper) to the right.
    pub azimuth: f32,
    /// Above the horizon.
    pub elevation: f32,
    /// Metres.
    pub distance: f32,
    /// Vertical field of view, radians.
    pub fov: f32,
}

/// The camera that the user moves.
#[derive(Component)]
pub struct MainCamera;

/// Straight down would leave no direction for up.
const STEEPEST: f32 = 1.5697;

impl Orbit {
    pub fn transform(&self) -> Transform {
        let elevation = self.elevation.clamp(-0.2, STEEPEST);
        let level = elevation.cos();
        let from =
            Vec3::new(-self.azimuth.cos() * level, -self.azimuth.sin() * level, elevation.sin());
        Transform::from_translation(self.target + from * self.distance)
            .looking_at(self.target, Vec3::Z)
    }

    /// Turns by a drag of this many points.
    pub fn turn(&mut self, drag: Vec2) {
        self.azimuth -= drag.x * 0.006;
        self.elevation = (self.elevation + drag.y * 0.006).clamp(-0.1, STEEPEST);
    }

    /// Moves the target with a drag of this many points in a view of this height.
    pub fn pan(&mut self, drag: Vec2, height: f32) {
        let a_point = 2.0 * self.distance * (self.fov / 2.0).tan() / height.max(1.0);
        let turned = self.transform().rotation;
        self.target += turned * Vec3::new(-drag.x, drag.y, 0.0) * a_point;
        self.target = self.target.clamp(Vec3::new(-1.0, -1.0, -0.1), Vec3::new(1.5, 1.0, 1.0));
    }

    /// Nearer for positive steps of a wheel.
    pub fn zoom(&mut self, steps: f32) {
        self.distance = (self.distance * (-0.12 * steps).exp()).clamp(0.06, 3.0);
    }
}

pub fn place_camera(
    orbit: Res<Orbit>,
    mut camera: Single<(&mut Transform, &mut Projection), With<MainCamera>>,
) {
    let (at, projection) = &mut *camera;
    at.set_if_neq(orbit.transform());
    if let Projection::Perspective(lens) = &mut **projection
        && lens.fov != orbit.fov
    {
        lens.fov = orbit.fov;
    }
}
