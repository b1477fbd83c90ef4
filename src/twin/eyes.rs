//! What the cell's eyes would tell of the table: image, plate poses, with their noise. A stand-in
//! until cameras come.

use nalgebra::Isometry3;
use rand_distr::{Distribution, StandardNormal};

use super::table::Table;
use crate::cell::Measured;
use crate::config::{Gaps, Scene};
use crate::sim::Camera;
use crate::task::{
    Dirt, Image, ImageSize, Noise, Phase, Pose2, Setup, Stream, Streams, TaskSpec, TrialKey,
    planar_noise,
};

/// Cameras over the pick place and over the target, and a measured placement; each look has noise
/// of its own.
pub struct TwinEyes {
    /// What the cameras look at: the scene seen from over the pick place, and from over the target.
    over: [Scene; 2],
    pick: Camera,
    target: Camera,
    task: TaskSpec,
    streams: Streams,
    /// How often it has looked: the noise hangs on this number.
    looks: u64,
}

/// Farther from where it should lie than this a plate is not found, mm.
const FIELD_MM: f64 = 80.0;

impl TwinEyes {
    pub fn new(scene: &Scene, gaps: &Gaps, task: &TaskSpec, streams: Streams) -> Self {
        let task = TaskSpec {
            measurement: gaps.eyes,
            camera: gaps.camera,
            lighting: gaps.lighting,
            dirt: Dirt::default(),
            drift: Vec::new(),
            ..task.clone()
        };
        let pick_from_view = scene.world_from_pick.inverse() * scene.world_from_view;
        let world_from_view = scene.world_from_place * pick_from_view;
        let over = [scene.clone(), Scene { world_from_view, ..scene.clone() }];
        let [pick, target] = over.each_ref().map(|scene| Camera::new(scene, task.image));
        Self { over, pick, target, task, streams, looks: 0 }
    }

    /// Noise comes from these streams from now on, as if it had looked so often.
    pub fn noise_from(&mut self, streams: Streams, looks: u64) {
        (self.streams, self.looks) = (streams, looks);
    }

    fn next(&mut self) -> TrialKey {
        self.looks += 1;
        TrialKey { phase: Phase::Train, index: self.looks }
    }

    /// Looks with images of this size from now on.
    pub fn resize(&mut self, image: ImageSize) {
        if image != self.task.image {
            self.task.image = image;
            [self.pick, self.target] = self.over.each_ref().map(|scene| Camera::new(scene, image));
        }
    }

    /// Image of the pick place, without a plate where it is lost.
    pub fn view(&mut self, table: &Table) -> Image {
        let (plate, setup) = self.look(table);
        self.pick.look(&plate, &setup, &self.task)
    }

    /// The same of the target.
    pub fn view_target(&mut self, table: &Table) -> Image {
        let (plate, setup) = self.look(table);
        self.target.look(&plate, &setup, &self.task)
    }

    fn look(&mut self, table: &Table) -> (Isometry3<f64>, Setup) {
        let key = self.next();
        let offset = Pose2::IDENTITY;
        let setup = Setup { streams: self.streams, key, instance: 0, offset, made: 0 };
        let away = Isometry3::translation(0.0, 10.0, 0.0);
        (table.world_from_plate().unwrap_or(away), setup)
    }

    /// The plate's offset at the pick place, if it lies there.
    pub fn pick(&mut self, table: &Table) -> Option<Pose2> {
        let noise = self.noise();
        let offset = table.offset()?;
        let seat = table.scene().world_from_pick.translation.z;
        let high = table.world_from_plate()?.translation.z - seat;
        let lies = offset.translation_mm() < FIELD_MM && high.abs() < 0.02;
        lies.then(|| offset.plus(noise))
    }

    /// Where the plate lies on its target, if it does.
    pub fn placement(&mut self, table: &Table) -> Option<Measured> {
        let (noise, height_mm, tilt_deg) = self.noises();
        let mut placement = table.placement()?;
        if placement.pose.translation_mm() > FIELD_MM || placement.z_mm > FIELD_MM {
            return None;
        }
        placement.pose = placement.pose.plus(noise);
        placement.z_mm += height_mm;
        // Leaning the other way is leaning as well.
        placement.tilt_deg = (placement.tilt_deg + tilt_deg).abs();
        let seated = table.scene().seat.holds(&placement);
        Some(Measured { placement, seated })
    }

    /// Of a look: in the plane, of the height in mm, of the lean in deg. Both of these are measured
    /// over all of the plate, and so four times better than a point in the plane.
    fn noises(&mut self) -> (Pose2, f64, f64) {
        let key = self.next();
        let mut draw = self.streams.draw(Stream::Measurement, key);
        let planar = planar_noise(self.task.measurement, &mut draw);
        let mut normal = || -> f64 { StandardNormal.sample(&mut draw) };
        let Noise { mm, deg } = self.task.measurement;
        (planar, normal() * mm / 4.0, normal() * deg / 4.0)
    }

    fn noise(&mut self) -> Pose2 {
        self.noises().0
    }
}
