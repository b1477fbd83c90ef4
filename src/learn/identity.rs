//! A task with a known optimum, without physics: the correction acts exactly on the offset, and
//! the best one is the offset itself. Every learner must solve it; methods are tuned on it
//! before they meet contact.

use rand::RngExt;
use rand_distr::{Distribution, StandardNormal};

use super::{Decision, Experience, LearnError, Method, Mode, View};
use crate::cell::Image;
use crate::task::{
    ActionGrid, ContextSignal, Feedback, Instances, Noise, Phase, Pose2, Reward, Setup, Stream,
    Streams, TaskSpec, TrialKey,
};

/// The cell and the training loop around it, for one seed.
#[derive(Clone, Debug)]
pub(super) struct Identity {
    spec: TaskSpec,
    streams: Streams,
    instances: Instances,
    reward: Reward,
}

/// Means over evaluation trials of the greedy policy.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Score {
    pub translation_mm: f64,
    pub yaw_deg: f64,
    pub success: f64,
}

/// Trials between two rounds of learning.
pub const BATCH: u64 = 20;

impl Identity {
    pub(super) fn new(spec: TaskSpec, streams: Streams) -> Self {
        let instances = Instances::draw(&spec, streams);
        let reward = Reward::new(spec.range);
        Self { spec, streams, instances, reward }
    }

    pub(super) fn grid(&self) -> ActionGrid {
        self.spec.grid()
    }

    /// Gathers prior trials if the method asks for them, then trains for so many trials.
    /// `change` may falsify what the method is told of a trial.
    pub(super) fn train(
        &self,
        method: &mut dyn Method,
        trials: u64,
        change: impl Fn(&mut Experience),
    ) -> Result<Vec<Experience>, LearnError> {
        let mut history = Vec::new();
        let prior = method.card().prior_trials;
        for (phase, count) in [(Phase::Prior, prior), (Phase::Train, trials)] {
            for first in (0..count).step_by(BATCH as usize) {
                let batch: Vec<_> = (first..count.min(first + BATCH))
                    .map(|index| TrialKey { phase, index })
                    .collect();
                let fresh = batch.len();
                let number = history.len() as u64;
                for (i, (setup, image, decision)) in
                    self.decide(method, &batch, Mode::Explore)?.into_iter().enumerate()
                {
                    let trial = number + i as u64;
                    let mut told = self.experience(method, trial, &setup, image, decision);
                    change(&mut told);
                    history.push(told);
                }
                if phase == Phase::Train {
                    let mut draw = self.streams.draw(Stream::Replay, batch[0]);
                    method.learn(&history, fresh, &mut draw)?;
                }
            }
            if phase == Phase::Prior && count > 0 {
                let key = TrialKey { phase, index: 0 };
                method.pretrain(&history, &mut self.streams.draw(Stream::Replay, key))?;
            }
        }
        Ok(history)
    }

    /// How well the greedy policy does, by the truth.
    pub(super) fn evaluate(
        &self,
        method: &mut dyn Method,
        phase: Phase,
        trials: u64,
    ) -> Result<Score, LearnError> {
        let keys: Vec<_> = (0..trials).map(|index| TrialKey { phase, index }).collect();
        let mut score = Score { translation_mm: 0.0, yaw_deg: 0.0, success: 0.0 };
        for (setup, _, decision) in self.decide(method, &keys, Mode::Greedy)? {
            let error = self.place(&setup, decision);
            score.translation_mm += error.translation_mm() / trials as f64;
            score.yaw_deg += error.yaw_deg.abs() / trials as f64;
            let good = error.axes().iter().all(|axis| axis.abs() < 1.0);
            score.success += f64::from(u8::from(good)) / trials as f64;
        }
        Ok(score)
    }

    fn decide(
        &self,
        method: &mut dyn Method,
        keys: &[TrialKey],
        mode: Mode,
    ) -> Result<Vec<(Setup, Image, Decision)>, LearnError> {
        let setups: Vec<_> = keys.iter().map(|key| self.instances.setup(*key, 0)).collect();
        let images: Vec<_> = setups.iter().map(|setup| self.picture(setup)).collect();
        let card = method.card().clone();
        let view = |(setup, image)| self.view(&card, setup, image);
        let views: Vec<_> = setups.iter().zip(&images).map(view).collect();
        let mut draws: Vec<_> =
            keys.iter().map(|key| self.streams.draw(Stream::Explore, *key)).collect();
        let decisions = method.act(&views, mode, &mut draws)?;
        Ok(setups.into_iter().zip(images).zip(decisions).map(|((s, i), d)| (s, i, d)).collect())
    }

    fn view<'a>(&self, card: &super::Card, setup: &Setup, image: &'a Image) -> View<'a> {
        View {
            image,
            instance: (card.context == ContextSignal::SceneId).then_some(setup.instance),
            pose: (card.context == ContextSignal::Pose).then_some(setup.offset),
            truth: card.sees_truth.then_some(setup.offset),
        }
    }

    fn experience(
        &self,
        method: &dyn Method,
        trial: u64,
        setup: &Setup,
        image: Image,
        decision: Decision,
    ) -> Experience {
        let noise = self.noise(self.spec.measurement, Stream::Measurement, setup.key);
        let truth = self.place(setup, decision);
        let axes = std::array::from_fn(|axis| truth.axes()[axis] + noise.axes()[axis]);
        let reward = self.reward.of(Pose2::from_axes(axes));
        let View { instance, pose, truth, .. } = self.view(method.card(), setup, &image);
        let feedback = Feedback { reward, unsigned: None, signed: None };
        Experience { trial, instance, pose, truth, image, decision, feedback }
    }

    /// The placement's true error.
    fn place(&self, setup: &Setup, decision: Decision) -> Pose2 {
        let noise = self.noise(self.spec.actuation, Stream::Actuation, setup.key);
        let correction = decision.correction.axes();
        let executed = std::array::from_fn(|axis| correction[axis] + noise.axes()[axis]);
        Pose2::from_axes(executed).inverse().compose(setup.offset)
    }

    fn noise(&self, noise: Noise, stream: Stream, key: TrialKey) -> Pose2 {
        let mut draw = self.streams.draw(stream, key);
        let mut axis = |sigma: f64| {
            let unit: f64 = StandardNormal.sample(&mut draw);
            sigma * unit
        };
        Pose2 { x_mm: axis(noise.mm), y_mm: axis(noise.mm), yaw_deg: axis(noise.deg) }
    }

    fn picture(&self, setup: &Setup) -> Image {
        let mut light = self.streams.draw(Stream::Lighting, setup.key);
        let gain = 1.0 + self.spec.lighting * (2.0 * light.random::<f64>() - 1.0);
        let mut camera = self.streams.draw(Stream::Camera, setup.key);
        picture(setup.offset, gain, |level| {
            let unit: f32 = StandardNormal.sample(&mut camera);
            level + self.spec.camera * f64::from(unit)
        })
    }
}

const PIXEL_MM: f64 = 2.5;
const HALF_PLATE_MM: [f64; 2] = [63.88, 42.74];
const NOTCH_MM: f64 = 8.0;

/// A plate at this offset seen from above, edges anti-aliased, one corner cut. `noise` is applied
/// to each pixel's grey level.
pub(super) fn picture(offset: Pose2, gain: f64, mut noise: impl FnMut(f64) -> f64) -> Image {
    let plate_from_camera = offset.inverse();
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
            pixels.push(noise(gain * (40.0 + 160.0 * coverage)).clamp(0.0, 255.0) as u8);
        }
    }
    // As many pixels as an image has, by construction.
    Image::new(pixels).unwrap_or_else(|| unreachable!())
}

#[cfg(test)]
pub(crate) fn trial(instance: usize, reward: f64) -> Experience {
    Experience {
        trial: 0,
        image: picture(Pose2::IDENTITY, 1.0, |level| level),
        instance: Some(instance),
        pose: None,
        truth: None,
        decision: Decision { correction: Pose2::IDENTITY, bins: None, log_prob: None },
        feedback: Feedback { reward, unsigned: None, signed: None },
    }
}
