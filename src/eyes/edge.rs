use std::f64::consts::{FRAC_1_SQRT_2, PI};

/// How much of its light a pixel gets from one side of a straight edge, and how that changes.
///
/// A pixel gathers light over its square, and a lens blurs the edge before that by a Gaussian. A square
/// seen along any direction has the variance of a box of its own width, so that a box stands for it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Share {
    /// From 1, far inside (negative distance), to 0.
    pub inside: f64,
    /// Its change with the distance, 1/mm.
    pub by_distance: f64,
    /// Its change with the blur, 1/mm.
    pub by_blur: f64,
}

impl Share {
    /// `distance` of the pixel's centre from the edge, positive outside; `blur`, the lens's standard
    /// deviation, above 0; both mm.
    pub fn new(distance: f64, blur: f64, mm_per_px: f64) -> Self {
        let half = mm_per_px / 2.0;
        let (far, near) = ((half - distance) / blur, (-half - distance) / blur);
        let ((a, bell_a), (b, bell_b)) = (normal(far), normal(near));
        Self {
            inside: blur * (far * a + bell_a - near * b - bell_b) / mm_per_px,
            by_distance: (b - a) / mm_per_px,
            by_blur: (bell_a - bell_b) / mm_per_px,
        }
    }
}

/// The normal distribution up to here, and its density.
fn normal(at: f64) -> (f64, f64) {
    // Beyond, both are constant to more digits than a pixel has.
    match at {
        at if at > 6.0 => (1.0, 0.0),
        at if at < -6.0 => (0.0, 0.0),
        at => (
            0.5 * libm::erfc(-at * FRAC_1_SQRT_2),
            libm::exp(-0.5 * at * at) * FRAC_1_SQRT_2 / PI.sqrt(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn without_blur_it_is_the_part_of_the_pixel_that_lies_inside() {
        for distance in [-2.0, -0.6, 0.0, 1.0, 2.0] {
            let share = Share::new(distance, 1e-4, 3.0);
            let inside = (0.5 - distance / 3.0f64).clamp(0.0, 1.0);
            assert!((share.inside - inside).abs() < 1e-4, "{distance}: {share:?}");
        }
    }

    proptest! {
        #[test]
        fn its_slopes_are_its_differences(d in -4.0..4.0f64, blur in 0.2..3.0f64, px in 0.3..3.0f64) {
            let h = 1e-5;
            // Where the tail is cut off, a thousand-millionth high, there is no slope.
            let cut = |edge: f64| (((edge - d) / blur).abs() - 6.0).abs() < 1e-3;
            prop_assume!(!cut(px / 2.0) && !cut(-px / 2.0));
            let (share, at) = (Share::new(d, blur, px), |d, blur| Share::new(d, blur, px).inside);
            let by_distance = (at(d + h, blur) - at(d - h, blur)) / (2.0 * h);
            let by_blur = (at(d, blur + h) - at(d, blur - h)) / (2.0 * h);
            prop_assert!((share.by_distance - by_distance).abs() < 1e-6);
            prop_assert!((share.by_blur - by_blur).abs() < 1e-6);
            prop_assert!((share.inside + Share::new(-d, blur, px).inside - 1.0).abs() < 1e-9);
        }
    }
}
