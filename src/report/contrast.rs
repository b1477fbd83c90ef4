use std::collections::BTreeMap;

use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};

use super::improvement::{Improvement, paired_points};
use super::metrics::{self, Shown};
use super::primary::{COST, Primary};
use super::stats::{Bootstrap, Count, Interval};
use super::summary::ByMetric;
use super::{ExperimentResult, MethodResult};

/// A comparison that an experiment names in advance: a method over a rival.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contrast {
    pub method: String,
    pub over: String,
    /// The key of the metric that decides; unless said, what the errors cost, (mm + deg) / 5.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub figure: Option<String>,
    /// What was published of it, as text, by the key of a metric or `demonstration`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub published: BTreeMap<String, String>,
}

impl Contrast {
    /// The key for what the final demonstrations show.
    pub const DEMONSTRATION: &'static str = "demonstration";

    /// A key of `published` that names no figure of a report, and those that do.
    pub fn unknown_key(&self) -> Option<(&str, Vec<&'static str>)> {
        let figures = metrics::shown_in(Shown::Tables).into_iter().map(|metric| metric.key);
        let known: Vec<&str> = figures.chain([Self::DEMONSTRATION]).collect();
        let unknown = self.published.keys().find(|key| !known.contains(&key.as_str()))?;
        Some((unknown, known))
    }

    /// A `figure` that decides nothing, and those that can.
    pub fn unknown_figure(&self) -> Option<(&str, Vec<&'static str>)> {
        let metrics = metrics::shown_in(Shown::Tables).into_iter().map(|metric| metric.key);
        let known: Vec<&str> = metrics.chain([COST]).collect();
        let figure = self.figure.as_deref().filter(|figure| !known.contains(figure))?;
        Some((figure, known))
    }

    /// Is this figure to be shown? What was published is; where nothing was, everything.
    pub fn shows(&self, key: &str) -> bool {
        self.published.is_empty() || self.published.contains_key(key)
    }
}

/// What a contrast came to, in-scene at the last checkpoint, paired over seeds.
#[derive(Clone, Debug, PartialEq)]
pub struct Contrasted {
    pub contrast: Contrast,
    /// The test of it, among all that the experiment names.
    pub primary: Primary,
    pub gains: Improvement,
    /// Of shares: by how many points of per cent the method's is better.
    pub points: ByMetric<Interval>,
    pub demonstrations: Vec<DemonstrationGain>,
}

/// Two methods' seated placements in a scene.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DemonstrationGain {
    pub scene: String,
    /// Placed, and of so many, in the seeds that both completed.
    pub placed: Count,
    pub over_placed: Count,
    /// By how many points of per cent more.
    pub points: Interval,
}

impl Contrasted {
    /// `None` where one of the two is not in the run, or they share no seed.
    pub(super) fn of(
        result: &ExperimentResult,
        contrast: &Contrast,
        primary: Primary,
        bootstrap: &mut Bootstrap,
    ) -> Option<Self> {
        let (ours, theirs) = (result.method(&contrast.method)?, result.method(&contrast.over)?);
        let shares = metrics::shown_in(Shown::Tables).into_iter().filter(|m| !m.is_mean());
        let points = shares.filter_map(|metric| {
            let counts = |method: &MethodResult| -> BTreeMap<u64, Count> {
                let last = method.final_checkpoints();
                last.map(|(run, c)| (run.seed, c.in_scene.count(&metric))).collect()
            };
            let (.., points) = paired_points(&counts(ours), &counts(theirs), bootstrap)?;
            Some((metric, metric.better.of(points)))
        });
        let points = ByMetric(points.collect());
        let demonstrations = result.demonstrated().into_iter().filter_map(|scene| {
            let counts = |method: &MethodResult| -> BTreeMap<u64, Count> {
                let shown = |seed, d: &super::Demonstrated| (seed, (d.placed, d.of));
                let runs = method.runs.iter();
                runs.filter_map(|run| Some(shown(run.seed, run.demonstration(scene)?))).collect()
            };
            let (placed, over_placed, points) =
                paired_points(&counts(ours), &counts(theirs), bootstrap)?;
            Some(DemonstrationGain { scene: scene.to_owned(), placed, over_placed, points })
        });
        let demonstrations = demonstrations.collect();
        let gains = Improvement::of(ours, theirs, bootstrap)?;
        Some(Self { contrast: contrast.clone(), primary, gains, points, demonstrations })
    }
}

impl Serialize for Contrasted {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("method", &self.contrast.method)?;
        map.serialize_entry("over", &self.contrast.over)?;
        self.gains.entries(&mut map)?;
        for (metric, points) in &self.points.0 {
            map.serialize_entry(&metric.renamed("points"), points)?;
        }
        map.serialize_entry("demonstrations", &self.demonstrations)?;
        map.serialize_entry("primary", &self.primary)?;
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::synthetic;

    fn contrast(method: &str, over: &str) -> Contrast {
        Contrast {
            method: method.into(),
            over: over.into(),
            figure: None,
            published: BTreeMap::new(),
        }
    }

    fn contrasted(result: &ExperimentResult, contrast: &Contrast) -> Option<Contrasted> {
        let named = ExperimentResult { contrasts: vec![contrast.clone()], ..result.clone() };
        let primary = super::super::primary::primaries(&named, 100).remove(0)?;
        Contrasted::of(result, contrast, primary, &mut Bootstrap::new(100))
    }

    #[test]
    fn any_two_methods_of_a_run_can_be_contrasted_and_no_others() {
        let mut result = synthetic::experiment(4);
        assert!(contrasted(&result, &contrast("rm-rl", "oracle")).is_some());
        assert!(contrasted(&result, &contrast("rm-rl", "elsewhere")).is_none());
        let oracle = result.methods.iter_mut().find(|m| m.card.name == "oracle").unwrap();
        oracle.runs.clear();
        assert!(contrasted(&result, &contrast("rm-rl", "oracle")).is_none());
    }

    #[test]
    fn points_count_the_placements_of_shared_seeds() {
        let mut result = synthetic::experiment(2);
        for (name, placed) in [("rm-rl", [9, 10]), ("ppo", [4, 6])] {
            let method = result.methods.iter_mut().find(|m| m.card.name == name).unwrap();
            for (run, placed) in method.runs.iter_mut().zip(placed) {
                run.demonstrations[0].placed = placed;
            }
        }
        let gain = contrasted(&result, &contrast("rm-rl", "ppo")).unwrap().demonstrations.remove(0);
        assert_eq!((gain.placed, gain.over_placed), ((19, 20), (10, 20)));
        assert!((gain.points.value - 45.0).abs() < 1e-12);
        let alone = &mut result.methods.iter_mut().find(|m| m.card.name == "ppo").unwrap().runs;
        alone.truncate(1);
        let gain = contrasted(&result, &contrast("rm-rl", "ppo")).unwrap().demonstrations.remove(0);
        assert_eq!((gain.placed, gain.over_placed), ((9, 10), (4, 10)));
    }

    #[test]
    fn a_published_figure_that_no_report_has_is_found_out() {
        let mut contrast = contrast("rm-rl", "ppo");
        contrast.published.insert("yaw_deg".into(), "20 % lower".into());
        contrast.published.insert(Contrast::DEMONSTRATION.into(), "10/10".into());
        assert_eq!(contrast.unknown_key(), None);
        contrast.published.insert("yaw".into(), "20 % lower".into());
        let (key, known) = contrast.unknown_key().unwrap();
        assert_eq!(key, "yaw");
        assert_eq!(known, ["translation_mm", "yaw_deg", "success", "demonstration"]);
    }
}
