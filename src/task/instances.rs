use rand::RngExt;
use rand_distr::{Distribution, StandardNormal};

use super::{Noise, Phase, Pose2, Range, Stream, Streams, TaskSpec, TrialKey};

/// The initial states of one seed: those that training comes back to, and those held out.
#[derive(Clone, Debug, PartialEq)]
pub struct Instances {
    streams: Streams,
    jitter: Noise,
    train: Vec<Pose2>,
    held_out: Vec<Pose2>,
}

/// How a trial is to begin.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Setup {
    /// Seed of the run: keys the noise that a simulated cell draws.
    pub streams: Streams,
    pub key: TrialKey,
    /// The scene instance, numbered through training instances first, then held-out ones.
    pub instance: usize,
    /// Where the plate is to lie in the nominal pick frame: the instance's pose and its jitter.
    pub offset: Pose2,
    /// Physical trials that the run has made before: what drifts goes by it. In an evaluation,
    /// those before its checkpoint.
    pub made: u64,
}

impl Instances {
    pub fn draw(spec: &TaskSpec, streams: Streams) -> Self {
        let poses = |phase, count: usize| {
            let at = |index| uniform(spec.offsets(), &streams, TrialKey { phase, index });
            (0..count as u64).map(at).collect()
        };
        Self {
            streams,
            jitter: spec.jitter,
            train: poses(Phase::Train, spec.scene_instances),
            held_out: poses(Phase::HeldOut, spec.held_out_instances),
        }
    }

    /// The same instances, about which trials are jittered by these streams.
    pub fn drawing(&self, streams: Streams) -> Self {
        Self { streams, ..self.clone() }
    }

    /// How many instances training comes back to.
    pub fn trained(&self) -> usize {
        self.train.len()
    }

    /// The setup of a trial: instances round robin, jitter keyed by the trial. The shelf is
    /// shown on the training instances. `made` trials have been made before.
    pub fn setup(&self, key: TrialKey, made: u64) -> Setup {
        let (poses, first) = match key.phase {
            Phase::HeldOut => (&self.held_out, self.train.len()),
            _ => (&self.train, 0),
        };
        let turn = (key.index % poses.len() as u64) as usize;
        self.begun(poses[turn], first + turn, key, made)
    }

    /// The same in a training instance that somebody chose: all that the trial's key draws stays.
    ///
    /// # Panics
    /// Where there is no such instance.
    pub fn chosen(&self, instance: usize, key: TrialKey, made: u64) -> Setup {
        self.begun(self.train[instance], instance, key, made)
    }

    fn begun(&self, pose: Pose2, instance: usize, key: TrialKey, made: u64) -> Setup {
        let offset = jittered(pose, self.jitter, &self.streams, key);
        Setup { streams: self.streams, key, instance, offset, made }
    }
}

fn uniform(range: &Range, streams: &Streams, key: TrialKey) -> Pose2 {
    let mut draw = streams.draw(Stream::Instance, key);
    let mut axis = |half: f64| (draw.random::<f64>() * 2.0 - 1.0) * half;
    Pose2 { x_mm: axis(range.mm), y_mm: axis(range.mm), yaw_deg: axis(range.deg) }
}

fn jittered(pose: Pose2, jitter: Noise, streams: &Streams, key: TrialKey) -> Pose2 {
    let noise = planar_noise(jitter, &mut streams.draw(Stream::Jitter, key));
    Pose2::from_axes(std::array::from_fn(|axis| pose.axes()[axis] + noise.axes()[axis]))
}

/// A Gaussian planar error.
pub(crate) fn planar_noise(noise: Noise, draw: &mut super::Draw) -> Pose2 {
    let mut axis = |sigma: f64| {
        let unit: f64 = StandardNormal.sample(draw);
        sigma * unit
    };
    Pose2 { x_mm: axis(noise.mm), y_mm: axis(noise.mm), yaw_deg: axis(noise.deg) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec() -> TaskSpec {
        TaskSpec {
            scene_instances: 5,
            held_out_instances: 3,
            jitter: Noise { mm: 0.3, deg: 0.3 },
            ..TaskSpec::exact(Range { mm: 3.0, deg: 2.0 })
        }
    }

    fn key(phase: Phase, index: u64) -> TrialKey {
        TrialKey { phase, index }
    }

    #[test]
    fn training_returns_to_each_instance_in_turn_with_fresh_jitter() {
        let instances = Instances::draw(&spec(), Streams::new(1));
        let first = instances.setup(key(Phase::Train, 2), 2);
        let again = instances.setup(key(Phase::Train, 7), 7);
        assert_eq!(first.instance, again.instance);
        assert_ne!(first.offset, again.offset);
        assert!((first.offset.x_mm - again.offset.x_mm).abs() < 3.0);
    }

    #[test]
    fn an_instance_that_was_chosen_has_the_jitter_of_the_trial_in_which_it_comes() {
        let instances = Instances::draw(&spec(), Streams::new(1));
        let (in_turn, key) = (instances.setup(key(Phase::Train, 2), 2), key(Phase::Train, 2));
        assert_eq!(instances.chosen(2, key, 2), in_turn);
        let other = instances.chosen(4, key, 2);
        let moved = |setup: &Setup| setup.offset.x_mm - instances.train[setup.instance].x_mm;
        assert_eq!(other.instance, 4);
        assert!((moved(&other) - moved(&in_turn)).abs() < 1e-12);
    }

    #[test]
    fn held_out_instances_are_none_of_the_trained_ones() {
        let instances = Instances::draw(&spec(), Streams::new(1));
        for index in 0..6 {
            let setup = instances.setup(key(Phase::HeldOut, index), 0);
            assert!(setup.instance >= instances.trained());
            assert!(instances.train.iter().all(|p| *p != setup.offset));
        }
    }

    #[test]
    fn instances_lie_in_the_range_and_depend_on_the_seed() {
        let spec = TaskSpec { scene_instances: 200, ..spec() };
        let a = Instances::draw(&spec, Streams::new(1));
        let b = Instances::draw(&spec, Streams::new(2));
        assert_ne!(a.train, b.train);
        assert!(a.train.iter().all(|p| p.x_mm.abs() <= 3.0 && p.yaw_deg.abs() <= 2.0));
        assert!(a.train.iter().any(|p| p.x_mm > 2.0) && a.train.iter().any(|p| p.x_mm < -2.0));
    }
}
