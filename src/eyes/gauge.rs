use super::Reading;

/// A look at a plate that nobody moves, or that is lifted and put down between looks.
#[derive(Clone, Debug, PartialEq)]
pub struct Look {
    /// Since the study began, by the camera's time stamps, seconds.
    pub at_s: f64,
    /// What was read; none where it was lost.
    pub reading: Option<Reading>,
    /// Mean light of the frame, grey levels.
    pub light: f64,
}

/// How well a sensor repeats itself: a gauge study of one kind (AIAG, Measurement Systems Analysis, 4th ed.: equipment
/// variation).
#[derive(Clone, Debug, PartialEq)]
pub struct Repeatability {
    pub looks: usize,
    pub lost: usize,
    /// Standard deviations of x, y (mm) and yaw (deg) about their means.
    pub sd: [f64; 3],
    /// Half of the range that 95 % of readings lie in: 1.96 standard deviations.
    pub range95: [f64; 3],
    /// Straight-line drift of x, y (mm per minute) and yaw (deg per minute), and its standard error.
    pub drift: [f64; 3],
    pub drift_sd: [f64; 3],
    /// Drift of the frames' light, grey levels per minute, and its standard error: exposure that is not fixed.
    pub light_drift: f64,
    pub light_drift_sd: f64,
    /// Standard deviation that readings said of themselves, mean: mm, deg.
    pub said: [f64; 2],
}

/// What the task needs of its eyes, as standard deviations.
pub const NEEDED_MM: f64 = 0.2;
pub const NEEDED_DEG: f64 = 0.2;
/// A sensor that loses more of its looks does not serve.
pub const MOST_LOST: f64 = 0.05;
/// Light that changes faster is not fixed, grey levels per minute.
pub const MOST_LIGHT_DRIFT: f64 = 2.0;
const LEAST_READINGS: usize = 10;
/// A drift counts that is beyond so many standard errors.
const SURE: f64 = 3.0;

/// One thing that a study found wrong.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum Fault {
    #[error("{readings} readings: at least {LEAST_READINGS} are needed")]
    TooFew { readings: usize },
    #[error("{axis} varies by {sd:.3} {unit} (standard deviation), {needed} {unit} are needed")]
    Varies { axis: &'static str, sd: f64, unit: &'static str, needed: f64 },
    #[error(
        "{axis} drifts by {per_minute:.3} {unit} a minute, at most {needed} {unit} in ten minutes are fine"
    )]
    Drifts { axis: &'static str, per_minute: f64, unit: &'static str, needed: f64 },
    #[error("{:.0} % of looks are lost, at most {:.0} % are fine", 100.0 * share, 100.0 * MOST_LOST)]
    Lost { share: f64 },
    #[error(
        "the light drifts by {per_minute:.1} grey levels a minute: fix exposure and gain, shade the window"
    )]
    Light { per_minute: f64 },
}

impl Fault {
    /// Needs minutes to be told, not looks.
    pub fn is_drift(&self) -> bool {
        matches!(self, Self::Drifts { .. } | Self::Light { .. })
    }
}

const AXES: [(&str, &str, f64); 3] =
    [("x", "mm", NEEDED_MM), ("y", "mm", NEEDED_MM), ("yaw", "deg", NEEDED_DEG)];
/// Between two teachings or checks a drift may use up what is needed.
const MINUTES: f64 = 10.0;

impl Repeatability {
    /// Of looks in the order of their time. Needs two readings at different times for a drift; without, it is 0.
    pub fn of(looks: &[Look]) -> Self {
        let read: Vec<(f64, [f64; 3], &Reading)> = looks
            .iter()
            .filter_map(|look| {
                let reading = look.reading.as_ref()?;
                Some((look.at_s / 60.0, reading.placement.pose.axes(), reading))
            })
            .collect();
        let (mut sd, mut drift, mut drift_sd) = ([0.0; 3], [0.0; 3], [0.0; 3]);
        for axis in 0..3 {
            let points: Vec<_> = read.iter().map(|(at, axes, _)| (*at, axes[axis])).collect();
            sd[axis] = deviation(&points);
            (drift[axis], drift_sd[axis]) = slope(&points);
        }
        let light: Vec<_> = looks.iter().map(|look| (look.at_s / 60.0, look.light)).collect();
        let (light_drift, light_drift_sd) = slope(&light);
        let mean = |of: &dyn Fn(&Reading) -> f64| {
            read.iter().map(|(.., reading)| of(reading)).sum::<f64>() / read.len().max(1) as f64
        };
        Self {
            looks: looks.len(),
            lost: looks.len() - read.len(),
            sd,
            range95: sd.map(|sd| 1.96 * sd),
            drift,
            drift_sd,
            light_drift,
            light_drift_sd,
            said: [mean(&|reading| reading.sd_mm), mean(&|reading| reading.sd_deg)],
        }
    }

    /// What is wrong, against what the task needs. A drift, of the light too, counts only where it is beyond
    /// doubt: three standard errors.
    pub fn faults(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        let readings = self.looks - self.lost;
        if readings < LEAST_READINGS {
            faults.push(Fault::TooFew { readings });
        }
        let share = self.lost as f64 / self.looks.max(1) as f64;
        if share > MOST_LOST {
            faults.push(Fault::Lost { share });
        }
        for (at, (axis, unit, needed)) in AXES.into_iter().enumerate() {
            if self.sd[at] > needed {
                faults.push(Fault::Varies { axis, sd: self.sd[at], unit, needed });
            }
            let per_minute = self.drift[at];
            let sure = per_minute.abs() > SURE * self.drift_sd[at];
            if sure && per_minute.abs() * MINUTES > needed {
                faults.push(Fault::Drifts { axis, per_minute, unit, needed });
            }
        }
        let sure = self.light_drift.abs() > SURE * self.light_drift_sd;
        if sure && self.light_drift.abs() > MOST_LIGHT_DRIFT {
            faults.push(Fault::Light { per_minute: self.light_drift });
        }
        faults
    }
}

fn mean(of: impl Iterator<Item = f64> + Clone) -> f64 {
    of.clone().sum::<f64>() / of.count().max(1) as f64
}

fn deviation(points: &[(f64, f64)]) -> f64 {
    if points.len() < 2 {
        return 0.0;
    }
    let middle = mean(points.iter().map(|point| point.1));
    let squares: f64 = points.iter().map(|point| (point.1 - middle).powi(2)).sum();
    (squares / (points.len() - 1) as f64).sqrt()
}

/// Slope of the line through points, and its standard error.
fn slope(points: &[(f64, f64)]) -> (f64, f64) {
    let (at, value) = (mean(points.iter().map(|p| p.0)), mean(points.iter().map(|p| p.1)));
    let spread: f64 = points.iter().map(|p| (p.0 - at).powi(2)).sum();
    if points.len() < 3 || spread <= 0.0 {
        return (0.0, 0.0);
    }
    let slope = points.iter().map(|p| (p.0 - at) * (p.1 - value)).sum::<f64>() / spread;
    let left: f64 = points.iter().map(|p| (p.1 - value - slope * (p.0 - at)).powi(2)).sum::<f64>();
    (slope, (left / (points.len() - 2) as f64 / spread).sqrt())
}

#[cfg(test)]
mod tests {
    use rand_distr::{Distribution, StandardNormal};

    use super::*;
    use crate::eyes::drawn::draw;
    use crate::task::{Placement, Pose2};

    /// A look a second, with noise, a drift of x and of the light a minute, every n-th look lost.
    fn looks(count: usize, sd: f64, drift: f64, light: f64, lost: usize) -> Vec<Look> {
        let mut draw = draw(5);
        let mut noise = || -> f64 {
            sd * <StandardNormal as Distribution<f64>>::sample(&StandardNormal, &mut draw)
        };
        (0..count)
            .map(|at| {
                let minutes = at as f64 / 60.0;
                let pose = Pose2::new(3.0 + noise() + drift * minutes, noise(), noise());
                let placement = Placement { pose, z_mm: 0.0, tilt_deg: 0.0 };
                let reading = Reading {
                    placement,
                    sd_mm: 0.02,
                    sd_deg: 0.03,
                    tags: 6,
                    residual_px: 0.05,
                    camera_mm: 0.0,
                };
                let reading = (lost == 0 || at % lost != 0).then_some(reading);
                Look { at_s: at as f64, reading, light: 100.0 + light * minutes }
            })
            .collect()
    }

    #[test]
    fn noise_is_told_from_drift_and_the_verdict_knows_what_is_needed() {
        let good = Repeatability::of(&looks(200, 0.03, 0.0, 0.0, 0));
        assert!(good.sd.iter().all(|sd| (0.025..0.035).contains(sd)), "{good:?}");
        assert!((good.range95[0] / good.sd[0] - 1.96).abs() < 1e-9);
        assert!((good.said[0] - 0.02).abs() < 1e-9 && (good.said[1] - 0.03).abs() < 1e-9);
        assert_eq!(good.faults(), []);
        let rough = Repeatability::of(&looks(200, 0.3, 0.0, 0.0, 0)).faults();
        assert!(
            rough.len() == 3 && rough.iter().all(|f| matches!(f, Fault::Varies { .. })),
            "{rough:?}"
        );
    }

    #[test]
    fn a_drift_beyond_doubt_counts_and_its_rate_is_told() {
        let drifting = Repeatability::of(&looks(300, 0.02, 0.05, 0.0, 0));
        assert!((drifting.drift[0] - 0.05).abs() < 4.0 * drifting.drift_sd[0], "{drifting:?}");
        let faults = drifting.faults();
        assert!(matches!(faults[..], [Fault::Drifts { axis: "x", .. }]), "{faults:?}");
        assert!(faults[0].to_string().contains("x drifts by 0.0"), "{}", faults[0]);
        // As fast, but as likely noise.
        assert_eq!(Repeatability::of(&looks(12, 0.1, 0.05, 0.0, 0)).faults(), []);
    }

    #[test]
    fn lost_looks_few_looks_and_drifting_light_are_faults() {
        let lost = Repeatability::of(&looks(100, 0.02, 0.0, 0.0, 10));
        assert_eq!((lost.looks, lost.lost), (100, 10));
        assert_eq!(lost.faults(), [Fault::Lost { share: 0.1 }]);
        let light = Repeatability::of(&looks(100, 0.02, 0.0, -4.0, 0)).faults();
        assert!(matches!(light[..], [Fault::Light { .. }]), "{light:?}");
        // As fast, but lamps that flicker from frame to frame look so.
        let mut flickering = looks(60, 0.02, 0.0, 4.0, 0);
        for (at, look) in flickering.iter_mut().enumerate() {
            look.light += if at % 2 == 0 { 8.0 } else { -8.0 };
        }
        assert_eq!(Repeatability::of(&flickering).faults(), []);
        assert_eq!(Repeatability::of(&[]).faults(), [Fault::TooFew { readings: 0 }]);
        assert!(matches!(
            Repeatability::of(&looks(4, 0.0, 0.0, 0.0, 0)).faults()[..],
            [Fault::TooFew { readings: 4 }]
        ));
    }
}
