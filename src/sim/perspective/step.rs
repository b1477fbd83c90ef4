use std::sync::OnceLock;

/// Steps of the table on each side of the edge.
const STEPS: usize = 256;
/// Beyond so many standard deviations all light is from one side.
const FAR: f32 = 4.0;

/// The normal distribution up to here, by a table: how much of a blurred pixel lies beyond an edge that
/// is `at` standard deviations away. Within 2e-6.
#[derive(Clone, Copy)]
pub(super) struct Step(&'static [f32]);

impl Step {
    pub fn new() -> Self {
        static TABLE: OnceLock<Vec<f32>> = OnceLock::new();
        let entry = |i: usize| {
            let at = (i as f32 / STEPS as f32 - 1.0) * FAR;
            0.5 * libm::erfcf(-at * std::f32::consts::FRAC_1_SQRT_2)
        };
        Self(TABLE.get_or_init(|| (0..=2 * STEPS + 1).map(entry).collect()))
    }

    pub fn at(self, at: f32) -> f32 {
        if at <= -FAR {
            return 0.0;
        }
        if at >= FAR {
            return 1.0;
        }
        let place = (at / FAR + 1.0) * STEPS as f32;
        let index = place as usize;
        let (low, high) = (self.0[index], self.0[index + 1]);
        low + (high - low) * (place - index as f32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_normal_distribution() {
        let step = Step::new();
        for (at, wanted) in
            [(-5.0, 0.0), (-1.0, 0.158_655), (0.0, 0.5), (1.0, 0.841_345), (9.0, 1.0)]
        {
            assert!((step.at(at) - wanted).abs() < 2e-5, "{at}: {}", step.at(at));
        }
        assert!(
            (-1000..1000).all(|i| step.at(i as f32 / 200.0) <= step.at((i + 1) as f32 / 200.0))
        );
    }
}
