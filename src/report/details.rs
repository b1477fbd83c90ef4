use serde::Serialize;
use serde::ser::SerializeMap;

use super::distribution::{Coverage, Distribution};
use super::labels::LabelQuality;
use super::metrics::{self, Shown};
use super::stability::{self, Area, Stability};
use super::stats::{Bootstrap, Estimate};
use super::summary::{ByMetric, Figure};
use super::{ExperimentResult, MethodResult};

/// What there is to say of a method beyond its mean errors; in `summary.json` beside them.
#[derive(Clone, Debug, PartialEq)]
pub struct Details {
    /// Mean errors in-scene above the noise floor, where that is known.
    pub excess: Option<ByMetric<Estimate>>,
    pub areas: Vec<Area>,
    pub stability: Option<ByMetric<Stability>>,
    pub distribution: Option<Distribution>,
    /// In-scene and held-out, of a method that says how sure it is.
    pub coverage: [Option<Coverage>; 2],
    /// Robot time of a run's trials, hours: mean over the runs.
    pub robot_hours: f64,
    /// Of a method that writes labels, where the truth is known.
    pub labels: Option<LabelQuality>,
}

impl Details {
    pub(super) fn of(
        method: &MethodResult,
        result: &ExperimentResult,
        in_scene: &ByMetric<Figure>,
        bootstrap: &mut Bootstrap,
    ) -> Self {
        let hours: Vec<f64> = method.final_checkpoints().map(|(_, c)| c.robot_hours).collect();
        Self {
            excess: excess(result, in_scene),
            areas: stability::areas(method, result, bootstrap),
            stability: stability::stability(method),
            distribution: Distribution::of(method, *result.task.offsets()),
            coverage: [false, true].map(|held_out| Coverage::of(method, held_out)),
            robot_hours: hours.iter().sum::<f64>() / hours.len().max(1) as f64,
            labels: LabelQuality::of(method.runs.iter().flat_map(|run| &run.labels)),
        }
    }

    pub(super) fn entries<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        if let Some(excess) = &self.excess {
            map.serialize_entry("excess_over_floor", excess)?;
        }
        map.serialize_entry("area_under_curve", &self.areas)?;
        if let Some(stability) = &self.stability {
            map.serialize_entry("stability", stability)?;
        }
        if let Some(distribution) = &self.distribution {
            map.serialize_entry("errors", distribution)?;
        }
        if self.coverage.iter().any(Option::is_some) {
            #[derive(Serialize)]
            struct Both<'c> {
                in_scene: &'c Option<Coverage>,
                held_out: &'c Option<Coverage>,
            }
            let [in_scene, held_out] = &self.coverage;
            map.serialize_entry("coverage", &Both { in_scene, held_out })?;
        }
        if let Some(labels) = &self.labels {
            map.serialize_entry("labels", labels)?;
        }
        map.serialize_entry("robot_hours", &self.robot_hours)
    }
}

fn excess(result: &ExperimentResult, in_scene: &ByMetric<Figure>) -> Option<ByMetric<Estimate>> {
    let floor = result.floor?;
    let above = metrics::shown_in(Shown::Tables).into_iter().filter_map(|metric| {
        let (under, Some(Figure::Mean(mean))) = (floor.under(&metric)?, in_scene.get(metric.key))
        else {
            return None;
        };
        let ci95 = mean.ci95.map(|ends| ends.map(|end| end - under));
        Some((metric, Estimate { iqm: mean.iqm - under, ci95 }))
    });
    Some(ByMetric(above.collect()))
}
