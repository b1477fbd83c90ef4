/// The x axis of a figure, in trials.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Axis {
    /// The first trial shown, and the last one.
    pub from: f64,
    pub to: f64,
    /// A factor of trials is a distance, as for who asks how many trials something takes.
    pub logarithmic: bool,
}

impl Axis {
    /// Where a trial is drawn.
    pub fn at(&self, trial: f64) -> f64 {
        if self.logarithmic { trial.max(self.from).ln() } else { trial }
    }

    /// The ends of the axis as drawn, with a little room at the right.
    pub fn range(&self) -> std::ops::Range<f64> {
        let (from, to) = (self.at(self.from), self.at(self.to));
        from..to + 0.01 * (to - from)
    }

    /// Is it shown?
    pub fn holds(&self, trial: f64) -> bool {
        (self.from..=self.to).contains(&trial)
    }

    /// Trials that are named below it.
    pub fn ticks(&self) -> Vec<f64> {
        if !self.logarithmic {
            return ticks(self.from, self.to, 6);
        }
        let decades = (0..8).map(|power| 10f64.powi(power));
        let all = decades.flat_map(|decade| [1.0, 2.0, 5.0].map(|digit| digit * decade));
        all.filter(|tick| self.holds(*tick)).collect()
    }
}

/// About `count` round numbers from one to the other: steps of 1, 2 or 5.
pub(super) fn ticks(from: f64, to: f64, count: usize) -> Vec<f64> {
    let raw = (to - from) / count.max(1) as f64;
    if raw.is_nan() || raw <= 0.0 {
        return vec![from];
    }
    let power = 10f64.powf(raw.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].map(|digit| digit * power);
    let step = step.into_iter().find(|step| *step >= 0.999 * raw).unwrap_or(raw);
    let first = (from / step - 1e-9).ceil() as i64;
    let last = (to / step + 1e-9).floor() as i64;
    (first..=last).map(|n| n as f64 * step).collect()
}

/// Of an axis: no figures that only rounding put there.
pub(super) fn number(value: f64) -> String {
    format!("{}", (value * 1e6).round() / 1e6 + 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_lie_within() {
        assert_eq!(ticks(0.0, 1000.0, 6), [0.0, 200.0, 400.0, 600.0, 800.0, 1000.0]);
        assert_eq!(ticks(-200.0, 1000.0, 6).first(), Some(&-200.0));
        assert_eq!(ticks(1.0, 1.0, 6), [1.0]);
        let fine: Vec<String> = ticks(0.0, 0.7, 7).into_iter().map(number).collect();
        assert_eq!(fine, ["0", "0.1", "0.2", "0.3", "0.4", "0.5", "0.6", "0.7"]);
        assert_eq!(number(-0.0), "0");
    }

    #[test]
    fn a_logarithmic_axis_begins_where_it_is_told() {
        let axis = Axis { from: 20.0, to: 1000.0, logarithmic: true };
        assert_eq!(axis.ticks(), [20.0, 50.0, 100.0, 200.0, 500.0, 1000.0]);
        assert_eq!(axis.at(0.0), axis.at(20.0));
        assert!(!axis.holds(0.0) && axis.holds(20.0));
    }
}
