use std::f64::consts::{FRAC_2_PI, FRAC_PI_2};

use serde::Serialize;

use super::Metric;
use crate::task::Noise;

/// What the arm's own noise leaves on average of a perfect correction: no policy is expected to do
/// better.
///
/// The mean of the placement error if nothing but the actuation noise is left: of its distance in x and y
/// a Rayleigh mean, `sqrt(pi / 2) sigma`, of its angle a half-normal mean, `sqrt(2 / pi) sigma`. The noise
/// is symmetric with one peak, so that correcting by anything else than the offset raises both.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Floor {
    pub translation_mm: f64,
    pub yaw_deg: f64,
}

impl Floor {
    pub fn of(actuation: Noise) -> Self {
        Self {
            translation_mm: actuation.mm * FRAC_PI_2.sqrt(),
            yaw_deg: actuation.deg * FRAC_2_PI.sqrt(),
        }
    }

    /// In the metric's unit; `None` for a metric that it does not bound.
    pub fn under(&self, metric: &Metric) -> Option<f64> {
        match metric.key {
            "translation_mm" => Some(self.translation_mm),
            "yaw_deg" => Some(self.yaw_deg),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::{Phase, Stream, Streams, TrialKey};
    use rand_distr::{Distribution, StandardNormal};

    #[test]
    fn the_floor_is_the_mean_of_the_noise() {
        let noise = Noise { mm: 0.2, deg: 0.3 };
        let key = TrialKey { phase: Phase::Train, index: 0 };
        let mut draw = Streams::new(1).draw(Stream::Explore, key);
        let mut normal = || -> f64 { StandardNormal.sample(&mut draw) };
        let n = 20_000;
        let (mut mm, mut deg) = (0.0, 0.0);
        for _ in 0..n {
            mm += noise.mm * normal().hypot(normal());
            deg += noise.deg * normal().abs();
        }
        let floor = Floor::of(noise);
        assert!((floor.translation_mm - mm / f64::from(n)).abs() < 0.004);
        assert!((floor.yaw_deg - deg / f64::from(n)).abs() < 0.004);
    }

    /// 1,000 trials with the true offsets as labels, 20 seeds: results/narrow.
    #[test]
    fn what_knows_the_truth_comes_near_the_floor_and_not_below_it() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/results/narrow/summary.json");
        let committed = std::fs::read_to_string(file).unwrap();
        let summary: serde_json::Value = serde_json::from_str(&committed).unwrap();
        let floor = Floor::of(Noise { mm: 0.2, deg: 0.2 });
        for (key, floor) in [("translation_mm", floor.translation_mm), ("yaw_deg", floor.yaw_deg)] {
            let of_reference = |m: &serde_json::Value| m[key]["iqm"].as_f64().unwrap();
            let all = summary["methods"].as_object().unwrap().values();
            let best = all.map(of_reference).fold(f64::INFINITY, f64::min);
            assert!((0.98..1.15).contains(&(best / floor)), "{key}: {best} of {floor}");
        }
    }
}
