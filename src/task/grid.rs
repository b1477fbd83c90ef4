use super::{Correction, Range};

/// The discrete corrections: the same number of bins on x, y and yaw, their centres spread
/// evenly from minus the range to plus the range.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ActionGrid {
    range: Range,
    bins: usize,
}

impl ActionGrid {
    /// # Panics
    /// With fewer than two bins: such an experiment is refused first.
    pub fn new(range: Range, bins: usize) -> Self {
        assert!(bins >= 2, "an action grid needs at least two bins an axis");
        Self { range, bins }
    }

    /// Bins an axis.
    pub fn bins(&self) -> usize {
        self.bins
    }

    /// Distance between bin centres on x, y (mm) and yaw (deg).
    pub fn step(&self) -> [f64; 3] {
        self.half_widths().map(|half| 2.0 * half / (self.bins - 1) as f64)
    }

    /// The correction at the centre of these bins.
    pub fn correction(&self, bins: [usize; 3]) -> Correction {
        self.at(bins.map(|b| b as f64))
    }

    /// The correction at fractional bin positions, for instance the expectation of a
    /// distribution over bins. Positions are kept inside the grid.
    pub fn at(&self, positions: [f64; 3]) -> Correction {
        let (half, step, last) = (self.half_widths(), self.step(), (self.bins - 1) as f64);
        Correction::from_axes(std::array::from_fn(|axis| {
            positions[axis].clamp(0.0, last) * step[axis] - half[axis]
        }))
    }

    /// Fractional bin positions of a correction, kept inside the grid.
    pub fn positions(&self, correction: Correction) -> [f64; 3] {
        let (half, step, axes) = (self.half_widths(), self.step(), correction.axes());
        let last = (self.bins - 1) as f64;
        std::array::from_fn(|axis| ((axes[axis] + half[axis]) / step[axis]).clamp(0.0, last))
    }

    /// The bins whose centres are nearest to a correction.
    pub fn nearest(&self, correction: Correction) -> [usize; 3] {
        self.positions(correction).map(|p| p.round() as usize)
    }

    fn half_widths(&self) -> [f64; 3] {
        [self.range.mm, self.range.mm, self.range.deg]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn grid() -> impl Strategy<Value = ActionGrid> {
        (0.5..50.0f64, 0.5..45.0f64, 2usize..60)
            .prop_map(|(mm, deg, bins)| ActionGrid::new(Range { mm, deg }, bins))
    }

    proptest! {
        #[test]
        fn every_bin_survives_the_way_to_metric_and_back(g in grid(), pick in any::<[prop::sample::Index; 3]>()) {
            let bins = pick.map(|i| i.index(g.bins()));
            prop_assert_eq!(g.nearest(g.correction(bins)), bins);
        }

        #[test]
        fn the_nearest_bin_is_at_most_half_a_step_away(g in grid(), u in any::<[u16; 3]>()) {
            let half = g.half_widths();
            let wanted = std::array::from_fn(|a| (f64::from(u[a]) / 65535.0 * 2.0 - 1.0) * half[a]);
            let got = g.correction(g.nearest(Correction::from_axes(wanted))).axes();
            for axis in 0..3 {
                prop_assert!((got[axis] - wanted[axis]).abs() <= g.step()[axis] / 2.0 + 1e-9);
            }
        }

        #[test]
        fn corrections_stay_inside_the_range(g in grid(), p in any::<[i16; 3]>()) {
            let c = g.at(p.map(f64::from)).axes();
            for (value, half) in c.iter().zip(g.half_widths()) {
                prop_assert!(value.abs() <= half + 1e-9);
            }
        }
    }

    #[test]
    fn narrow_bins_are_whole_millimetres_and_degrees() {
        let grid = ActionGrid::new(Range { mm: 3.0, deg: 3.0 }, 7);
        assert_eq!(grid.correction([0, 3, 6]), Correction::new(-3.0, 0.0, 3.0));
        assert_eq!(grid.step(), [1.0, 1.0, 1.0]);
    }
}
