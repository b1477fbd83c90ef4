use std::fmt::Write;

use serde_json::{Map, Value, json};

use super::plan::{How, Plan};
use super::runs::Made;
use super::{All, Key};
use crate::lab::tune::{DEFAULT, Standing, area, rank};
use crate::report::{Checkpoint, Metric, RunResult, Scores, Shown, shown_in};

/// What is known of every setting: `tune.json` and the table.
pub struct Record<'a> {
    plan: &'a Plan,
    runs: All,
    /// Settings of each rung that is complete.
    rungs: Vec<Vec<usize>>,
}

impl<'a> Record<'a> {
    pub fn new(plan: &'a Plan) -> Self {
        Self { plan, runs: All::new(), rungs: Vec::new() }
    }

    pub fn add(&mut self, key: Key, made: Made) {
        self.runs.insert(key, made);
    }

    /// A rung is complete.
    pub fn rung(&mut self, at: usize, on: &[usize]) {
        debug_assert_eq!(at, self.rungs.len());
        self.rungs.push(on.to_vec());
    }

    /// Settings of the last complete rung.
    pub fn on(&self) -> &[usize] {
        self.rungs.last().map_or(&[], Vec::as_slice)
    }

    pub fn standing(&self, setting: usize) -> Standing {
        let failed = self.of(setting).any(|(_, made)| made.result.is_err());
        Standing { setting, area: self.mean(setting, area), failed }
    }

    /// The best setting of the last rung: none, where every one failed.
    pub fn best(&self) -> Option<usize> {
        let mut last: Vec<Standing> = self.on().iter().map(|s| self.standing(*s)).collect();
        rank(&mut last);
        last.first().filter(|best| !best.failed && !best.area.is_nan()).map(|best| best.setting)
    }

    /// Runs of a setting, by seed.
    fn of(&self, setting: usize) -> impl Iterator<Item = (u64, &Made)> {
        let all = self.runs.range((setting, 0)..=(setting, u64::MAX));
        all.map(|((_, seed), made)| (*seed, made))
    }

    /// Over the runs of a setting that did not fail; NaN without any.
    fn mean(&self, setting: usize, of: impl Fn(&RunResult) -> f64) -> f64 {
        let values: Vec<f64> =
            self.of(setting).filter_map(|(_, made)| made.result.as_ref().ok()).map(of).collect();
        values.iter().sum::<f64>() / values.len() as f64
    }

    /// The last rung that a setting took part in, from 0.
    fn reached(&self, setting: usize) -> Option<usize> {
        self.rungs.iter().rposition(|rung| rung.contains(&setting))
    }

    /// Best first: those of a higher rung, which were judged on more seeds, before those of a lower.
    fn order(&self) -> Vec<usize> {
        let mut all = Vec::new();
        for at in (0..self.rungs.len()).rev() {
            let here = self.rungs[at].iter().filter(|setting| self.reached(**setting) == Some(at));
            let mut here: Vec<Standing> = here.map(|setting| self.standing(*setting)).collect();
            rank(&mut here);
            all.extend(here.iter().map(|s| s.setting));
        }
        all
    }

    fn sets(&self, setting: usize) -> Vec<String> {
        let set = |set: &String| format!("{}.{set}", self.plan.method);
        self.plan.candidates[setting].sets.iter().map(set).collect()
    }

    fn entry(&self, setting: usize) -> Value {
        let sum = |of: fn(&Made) -> f64| self.of(setting).map(|(_, made)| of(made)).sum::<f64>();
        let areas = self.of(setting).map(|(_, made)| made.result.as_ref().ok().map(area));
        let failed = self.of(setting).filter_map(|(seed, made)| {
            let reason = made.result.as_ref().err()?;
            Some(json!({ "seed": seed, "reason": reason }))
        });
        let at_end = |place: fn(&Checkpoint) -> &Scores| -> Map<String, Value> {
            let of = |metric: Metric| {
                let mean = self.mean(setting, last(place, metric));
                (metric.key.to_owned(), json!(mean))
            };
            shown_in(Shown::Curves).into_iter().map(of).collect()
        };
        json!({
            "setting": setting,
            "set": self.sets(setting),
            "rung": self.reached(setting).map(|at| at + 1),
            "seeds": self.of(setting).map(|(seed, _)| seed).collect::<Vec<_>>(),
            "area": self.mean(setting, area),
            "areas": areas.collect::<Vec<_>>(),
            "in_scene": at_end(|c| &c.in_scene),
            "held_out": at_end(|c| &c.held_out),
            "failed": failed.collect::<Vec<_>>(),
            "trials": sum(|made| made.trials as f64) as u64,
            "evaluation_trials": sum(|made| made.evaluation as f64) as u64,
            "robot_hours": sum(|made| made.robot_s) / 3600.0,
        })
    }

    /// `tune.json`: nothing but what the plan and its runs say.
    pub fn json(&self) -> String {
        let plan = self.plan;
        let search = match &plan.how {
            How::Grid(axes) => {
                let axes: Map<_, _> =
                    axes.iter().map(|(key, all)| (key.clone(), json!(all))).collect();
                json!({ "grid": axes })
            }
            How::Drawn { spaces, budget, seed } => {
                let space = |s: &crate::learn::Space| json!({ "key": s.key, "min": s.min, "max": s.max, "log": s.log, "integer": s.integer });
                let spaces: Vec<_> = spaces.iter().map(space).collect();
                json!({ "budget": budget, "seed": seed, "spaces": spaces })
            }
        };
        let rungs = self.rungs.iter().enumerate().map(|(at, settings)| {
            json!({ "settings": settings, "seeds": plan.seeds(at).collect::<Vec<_>>() })
        });
        let best = self.best().map(|best| {
            let set: Vec<_> = self.sets(best).iter().map(|set| format!("--set {set}")).collect();
            json!({ "setting": best, "area": self.standing(best).area, "set": set })
        });
        let all = |of: fn(&Made) -> f64| self.runs.values().map(of).sum::<f64>();
        let whole = json!({
            "format": 1,
            "experiment": plan.experiment().name,
            "method": plan.method,
            "trials": plan.experiment().trials,
            "search": search,
            "area": "what the reward loses in-scene, mean over the checkpoints after the first and \
                     over seeds; less is better",
            "rungs": rungs.collect::<Vec<_>>(),
            "complete": self.rungs.len() == plan.rungs.len(),
            "cost": {
                "runs": self.runs.len(),
                "trials": all(|made| made.trials as f64) as u64,
                "evaluation_trials": all(|made| made.evaluation as f64) as u64,
                "robot_hours": all(|made| made.robot_s) / 3600.0,
            },
            "best": best,
            "default": self.entry(DEFAULT),
            "settings": self.order().into_iter().map(|s| self.entry(s)).collect::<Vec<_>>(),
        });
        format!("{whole:#}\n")
    }

    /// A line a setting, best first: means over seeds, at the last checkpoint but for the area.
    pub fn table(&self) -> String {
        let metrics = shown_in(Shown::Curves);
        let mut table = format!("{:>8} {:>5}", "area", "seeds");
        for place in ["", "out "] {
            for metric in &metrics {
                table += &format!(" {:>8}", format!("{place}{}", metric.short));
            }
        }
        table += "  setting, best first\n";
        for setting in self.order() {
            let seeds = self.of(setting).count();
            // Writing to a string does not fail.
            let _ = write!(table, "{:8.3} {seeds:>5}", self.mean(setting, area));
            let places: [fn(&Checkpoint) -> &Scores; 2] = [|c| &c.in_scene, |c| &c.held_out];
            for (place, metric) in
                places.into_iter().flat_map(|p| metrics.iter().map(move |m| (p, *m)))
            {
                let _ = write!(
                    table,
                    " {:8.*}",
                    metric.decimals,
                    self.mean(setting, last(place, metric))
                );
            }
            let _ = write!(table, "  {}", self.plan.candidates[setting].name());
            let failed: Vec<u64> =
                self.of(setting).filter(|(_, made)| made.result.is_err()).map(|(s, _)| s).collect();
            if !failed.is_empty() {
                let _ = write!(table, " (without seeds that failed: {failed:?})");
            }
            table.push('\n');
        }
        table
    }

    /// The best setting in words.
    pub fn verdict(&self) -> String {
        match self.best() {
            None => "every setting failed".to_owned(),
            Some(DEFAULT) => "the default settings are the best of those tried".to_owned(),
            Some(best) => {
                let sets: Vec<_> =
                    self.sets(best).iter().map(|set| format!("--set {set}")).collect();
                format!("the best is {}", sets.join(" "))
            }
        }
    }
}

/// A metric at the last checkpoint.
fn last(place: fn(&Checkpoint) -> &Scores, metric: Metric) -> impl Fn(&RunResult) -> f64 {
    move |run| run.checkpoints.last().map_or(f64::NAN, |c| place(c).value(&metric))
}

/// A run's area and its main metrics at the end: `area 0.312, 0.76 mm 0.42 deg in-scene`.
pub fn figures(run: &RunResult) -> String {
    let value = |metric: Metric| {
        let value = last(|c| &c.in_scene, metric)(run);
        format!("{value:.*} {}", metric.decimals, metric.short)
    };
    let all: Vec<_> = shown_in(Shown::Curves).into_iter().map(value).collect();
    format!("area {:.3}, {} in-scene", area(run), all.join(" "))
}
