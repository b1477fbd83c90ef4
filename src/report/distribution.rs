//! The trials of the last checkpoint one by one: errors with their sign, success against the tolerance, error
//! against offset, and how often a placement lies within what the method said.

use serde::Serialize;

use super::stats::quantile;
use super::{Evaluated, MethodResult};
use crate::task::{Outcome, Range};

/// Tolerances at which success is told, mm and deg.
pub const TOLERANCES: [f64; 6] = [0.25, 0.5, 0.75, 1.0, 1.5, 2.0];
/// Names of the axes.
pub const AXES: [&str; 3] = ["x_mm", "y_mm", "yaw_deg"];
/// Standard deviations within which a share is told, and the share that is wanted there.
pub const WITHIN: [(f64, f64); 2] = [(1.0, 0.68), (1.96, 0.95)];

/// In-scene, pooled over the runs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Distribution {
    /// Of x and y (mm) and yaw (deg).
    pub error: [AxisErrors; 3],
    /// Share of trials that are seated within the tolerance on every axis.
    pub within: Vec<Within>,
    /// By how large the offset was.
    pub by_offset: Vec<ByOffset>,
}

/// The signed errors of one axis.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct AxisErrors {
    pub axis: &'static str,
    /// With their sign: the bias.
    pub mean: f64,
    /// Of their size.
    pub p50: f64,
    pub p90: f64,
    pub p95: f64,
    pub max: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Within {
    /// mm, and as many deg.
    pub tolerance: f64,
    pub rate: f64,
}

/// Trials whose offset is a share of the range from one bound to the next.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct ByOffset {
    /// Share of the range, from 0; the last group has no end.
    pub from: f64,
    /// Mean error where the larger of |x| and |y| is so large; `None` without such a trial.
    pub translation_mm: Option<f64>,
    /// Mean error where |yaw| is so large.
    pub yaw_deg: Option<f64>,
}

/// Of the placements that a method said how sure it was of, the share within so many of its standard
/// deviations. One without a placement lies outside.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Coverage {
    /// Trials in which it said so.
    pub of: usize,
    pub axes: [Covered; 3],
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Covered {
    pub axis: &'static str,
    /// Mean of what it said.
    pub spread: f64,
    pub within_1: f64,
    pub within_1_96: f64,
}

impl Distribution {
    /// `None` without trials.
    pub(super) fn of(method: &MethodResult, range: Range) -> Option<Self> {
        let trials: Vec<&Evaluated> = evaluated(method, false).collect();
        if trials.is_empty() {
            return None;
        }
        let error = std::array::from_fn(|axis| {
            let signed: Vec<f64> = trials.iter().map(|t| t.judged.error.axes()[axis]).collect();
            let mut size: Vec<f64> = signed.iter().map(|error| error.abs()).collect();
            size.sort_by(f64::total_cmp);
            let at = |q| quantile(&size, q).unwrap_or(f64::NAN);
            AxisErrors {
                axis: AXES[axis],
                mean: signed.iter().sum::<f64>() / signed.len() as f64,
                p50: at(0.5),
                p90: at(0.9),
                p95: at(0.95),
                max: at(1.0),
            }
        });
        let within = |tolerance: f64| {
            let is_in = |t: &&&Evaluated| {
                let near = t.judged.error.axes().iter().all(|axis| axis.abs() < tolerance);
                near && t.judged.seated && t.judged.outcome == Outcome::Placed
            };
            let count = trials.iter().filter(is_in).count();
            Within { tolerance, rate: count as f64 / trials.len() as f64 }
        };
        let by_offset = |third: usize| {
            let group = |share: f64| ((3.0 * share) as usize).min(2) == third;
            let xy = |t: &Evaluated| t.offset.x_mm.abs().max(t.offset.y_mm.abs()) / range.mm;
            let yaw = |t: &Evaluated| t.offset.yaw_deg.abs() / range.deg;
            let mean = |of: &dyn Fn(&Evaluated) -> f64, share: &dyn Fn(&Evaluated) -> f64| {
                let all: Vec<f64> =
                    trials.iter().filter(|t| group(share(t))).map(|t| of(t)).collect();
                (!all.is_empty()).then(|| all.iter().sum::<f64>() / all.len() as f64)
            };
            ByOffset {
                from: third as f64 / 3.0,
                translation_mm: mean(&|t| t.judged.error.translation_mm(), &xy),
                yaw_deg: mean(&|t| t.judged.error.yaw_deg.abs(), &yaw),
            }
        };
        Some(Self {
            error,
            within: TOLERANCES.map(within).to_vec(),
            by_offset: (0..3).map(by_offset).collect(),
        })
    }
}

impl Coverage {
    /// `None` from a method that never says how sure it is.
    pub(super) fn of(method: &MethodResult, held_out: bool) -> Option<Self> {
        let said: Vec<(&Evaluated, [f64; 3])> =
            evaluated(method, held_out).filter_map(|t| Some((t, t.spread?))).collect();
        if said.is_empty() {
            return None;
        }
        let of = said.len() as f64;
        let axes = std::array::from_fn(|axis| {
            let share = |deviations: f64| {
                let lies_in = |(t, spread): &&(&Evaluated, [f64; 3])| {
                    let error = t.measured.map(|measured| measured.axes()[axis].abs());
                    error.is_some_and(|error| error <= deviations * spread[axis])
                };
                said.iter().filter(lies_in).count() as f64 / of
            };
            Covered {
                axis: AXES[axis],
                spread: said.iter().map(|(_, spread)| spread[axis]).sum::<f64>() / of,
                within_1: share(WITHIN[0].0),
                within_1_96: share(WITHIN[1].0),
            }
        });
        Some(Self { of: said.len(), axes })
    }
}

fn evaluated(method: &MethodResult, held_out: bool) -> impl Iterator<Item = &Evaluated> {
    method.runs.iter().flat_map(|run| &run.evaluated).filter(move |t| t.held_out == held_out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::synthetic;
    use crate::task::Pose2;

    const RANGE: Range = Range { mm: 3.0, deg: 3.0 };

    /// A method with these trials, in-scene.
    fn method(errors: &[Pose2]) -> MethodResult {
        let mut method = synthetic::experiment(1).methods.remove(0);
        let like = method.runs[0].evaluated[0];
        let trial = |error: &Pose2| Evaluated {
            judged: crate::report::Judged { error: *error, ..like.judged },
            measured: Some(*error),
            spread: Some([0.5; 3]),
            ..like
        };
        method.runs[0].evaluated = errors.iter().map(trial).collect();
        method
    }

    #[test]
    fn errors_keep_their_sign_and_their_tails_do_not() {
        let errors: Vec<Pose2> = (1..=5).map(|i| Pose2::new(f64::from(-i), 0.0, 0.0)).collect();
        let told = Distribution::of(&method(&errors), RANGE).unwrap();
        let [x, y, _] = told.error;
        assert_eq!((x.mean, x.p50, x.max), (-3.0, 3.0, 5.0));
        assert!((x.p90 - 4.6).abs() < 1e-12, "as numpy interpolates");
        assert_eq!((y.mean, y.max), (0.0, 0.0));
    }

    #[test]
    fn success_falls_as_the_tolerance_does_and_wants_the_seat() {
        let mut method = method(&[Pose2::new(0.3, 0.0, 0.0), Pose2::new(0.0, 0.0, -1.2)]);
        let rates = |method: &MethodResult| -> Vec<f64> {
            let told = Distribution::of(method, RANGE).unwrap();
            told.within.iter().map(|within| within.rate).collect()
        };
        assert_eq!(rates(&method), [0.0, 0.5, 0.5, 0.5, 1.0, 1.0]);
        method.runs[0].evaluated[0].judged.seated = false;
        assert_eq!(rates(&method), [0.0, 0.0, 0.0, 0.0, 0.5, 0.5]);
    }

    #[test]
    fn errors_are_grouped_by_the_size_of_the_offset() {
        let mut method = method(&[Pose2::new(0.1, 0.0, 0.3), Pose2::new(0.7, 0.0, 0.4)]);
        method.runs[0].evaluated[0].offset = Pose2::new(0.2, -0.5, 3.2);
        method.runs[0].evaluated[1].offset = Pose2::new(0.2, -2.5, 1.5);
        let told = Distribution::of(&method, RANGE).unwrap().by_offset;
        let mm: Vec<_> = told.iter().map(|group| group.translation_mm).collect();
        let deg: Vec<_> = told.iter().map(|group| group.yaw_deg).collect();
        assert_eq!(mm, [Some(0.1), None, Some(0.7)]);
        assert_eq!(deg, [None, Some(0.4), Some(0.3)], "beyond the range is the last group");
    }

    #[test]
    fn a_placement_counts_as_covered_within_the_spread_and_a_lost_one_does_not() {
        let mut method = method(&[
            Pose2::new(0.4, 0.9, 0.0),
            Pose2::new(-0.6, 1.0, 0.0),
            Pose2::new(0.0, 0.0, 0.0),
            Pose2::new(0.0, 0.0, 0.0),
        ]);
        method.runs[0].evaluated[2].measured = None;
        method.runs[0].evaluated[3].spread = None;
        let told = Coverage::of(&method, false).unwrap();
        assert_eq!(told.of, 3);
        let [x, y, _] = told.axes;
        assert_eq!((x.within_1, x.within_1_96), (1.0 / 3.0, 2.0 / 3.0));
        assert_eq!((y.within_1, y.within_1_96), (0.0, 1.0 / 3.0));
        assert_eq!(Coverage::of(&method, true), None);
    }
}
