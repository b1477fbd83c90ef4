use std::collections::BTreeMap;

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use super::metrics::{self, Shown};
use super::stats::{self, Bootstrap, Count, Interval, Runs};
use super::summary::ByMetric;
use super::{Checkpoint, MethodResult};

/// How much better a method is than a rival, in-scene at the last checkpoint, paired over seeds.
#[derive(Clone, Debug, PartialEq)]
pub struct Improvement {
    /// Of means: per cent by which the interquartile mean is better, which is lower for an error;
    /// negative where it is worse.
    pub pct: ByMetric<Interval>,
    /// That a run of the method ends at a lower cost than a run of the rival (Mann-Whitney, ties one
    /// half): the sum of the errors as the reward weighs them.
    pub probability: f64,
}

impl Improvement {
    /// `None` where the two share no seed.
    pub(super) fn of(
        ours: &MethodResult,
        theirs: &MethodResult,
        bootstrap: &mut Bootstrap,
    ) -> Option<Self> {
        let pairs = paired(ours, theirs);
        let draws = bootstrap.of(pairs.len());
        let sides = |of: &dyn Fn(&Checkpoint) -> f64| -> (Vec<f64>, Vec<f64>) {
            pairs.iter().map(|(a, b)| (of(a), of(b))).unzip()
        };
        let means = metrics::shown_in(Shown::Tables).into_iter().filter(|metric| metric.is_mean());
        let pct: Option<Vec<_>> = means
            .map(|metric| {
                let (a, b) = sides(&|c| c.in_scene.value(&metric));
                let lower = stats::percent_lower(&Runs::new(a), &Runs::new(b), draws)?;
                // Where higher is better, a gain is what it is not lower by.
                Some((metric, metric.better.of(lower.negated())))
            })
            .collect();
        let (a, b) = sides(&|c| c.in_scene.cost());
        Some(Self { pct: ByMetric(pct?), probability: stats::probability_lower(&a, &b) })
    }

    pub(super) fn entries<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        for (metric, gain) in &self.pct.0 {
            map.serialize_entry(&metric.renamed("pct"), gain)?;
        }
        map.serialize_entry("probability", &self.probability)
    }
}

impl Serialize for Improvement {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        self.entries(&mut map)?;
        map.end()
    }
}

/// Last checkpoints of the seeds that both methods completed.
fn paired<'a>(
    ours: &'a MethodResult,
    theirs: &'a MethodResult,
) -> Vec<(&'a Checkpoint, &'a Checkpoint)> {
    let rival: BTreeMap<u64, &Checkpoint> =
        theirs.final_checkpoints().map(|(run, last)| (run.seed, last)).collect();
    ours.final_checkpoints()
        .filter_map(|(run, last)| Some((last, *rival.get(&run.seed)?)))
        .collect()
}

/// The pooled counts of two methods, and by how many points of per cent the first's rate is higher.
/// Paired over seeds: whole seeds are resampled. `None` where the two share no seed with a trial.
pub(super) fn paired_points(
    ours: &BTreeMap<u64, Count>,
    theirs: &BTreeMap<u64, Count>,
    bootstrap: &mut Bootstrap,
) -> Option<(Count, Count, Interval)> {
    let (a, b): (Vec<Count>, Vec<Count>) = ours
        .iter()
        .filter_map(|(seed, a)| Some((*a, *theirs.get(seed)?)))
        .filter(|(a, b)| a.1 > 0 && b.1 > 0)
        .unzip();
    let (all, draws) = (vec![1; a.len()], bootstrap.of(a.len()));
    let difference = |times: &[u16]| {
        let rate = |counts: &[Count]| {
            let (placed, tried) = stats::drawn(counts, times);
            placed as f64 / tried as f64
        };
        100.0 * (rate(&a) - rate(&b))
    };
    (!a.is_empty()).then(|| {
        let points = Interval { value: difference(&all), ci95: draws.interval(difference) };
        (stats::pooled(&a), stats::pooled(&b), points)
    })
}
