use super::table::{self, Table};
use super::{ExperimentResult, HarmCount};

/// The report's section on harm: training trials and the final demonstrations, by method.
pub(super) fn section(result: &ExperimentResult) -> String {
    let mut harm = Table::new([
        "method",
        "trials",
        "of",
        "jams",
        "drops",
        "plate hits",
        "peak force, mean (N)",
        "worst (N)",
    ]);
    let scenes = result.demonstrated();
    for method in &result.methods {
        let training = method.runs.iter().map(|run| &run.harm).fold(HarmCount::default(), summed);
        let shown = scenes.iter().map(|scene| {
            let runs = method.runs.iter().filter_map(|run| run.demonstration(scene));
            (*scene, runs.map(|shown| &shown.harm).fold(HarmCount::default(), summed))
        });
        for (what, sum) in std::iter::once(("training", training)).chain(shown) {
            if sum.trials == 0 {
                continue;
            }
            harm.row([
                table::marked(result, &method.card.name),
                what.to_owned(),
                sum.trials.to_string(),
                sum.jams.to_string(),
                sum.drops.to_string(),
                sum.plate_hits.map_or("-".to_owned(), |hits| hits.to_string()),
                format!("{:.1}", sum.force_sum_n / sum.trials as f64),
                format!("{:.1}", sum.worst_force_n),
            ]);
        }
    }
    if harm.rows.is_empty() {
        return String::new();
    }
    format!(
        "\n## Harm\n\n{}\nTrials of all runs. *jam*: the plate was left stuck, or the force guard had to stop \
         the hand and it is not seated. *drop*: it left the hand too early, or did not stay. *plate \
         hit*: palm or fingers pushed it outside the grip. *peak force*: the largest with which \
         furniture pressed on the plate in a trial, from all sides together (of a real arm, at its \
         tool).\n",
        harm.markdown()
    )
}

fn summed(mut sum: HarmCount, more: &HarmCount) -> HarmCount {
    sum.add(more);
    sum
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::synthetic;

    #[test]
    fn harm_is_summed_over_runs_and_a_plate_that_nobody_watched_shows_a_dash() {
        let mut result = synthetic::experiment(2);
        result.methods.retain(|m| m.card.name == "ppo");
        for (run, hits) in result.methods[0].runs.iter_mut().zip([Some(3), None]) {
            run.harm = HarmCount {
                trials: 100,
                jams: 2,
                drops: 1,
                plate_hits: hits,
                force_sum_n: 500.0,
                worst_force_n: if hits.is_some() { 31.0 } else { 9.0 },
            };
            run.demonstrations[0].harm = HarmCount { trials: 10, ..HarmCount::default() };
        }
        let text = section(&result);
        assert!(text.contains("| ppo | training | 200 | 4 | 2 | 3 | 5.0 | 31.0 |"), "{text}");
        assert!(text.contains("| ppo | shelf | 20 | 0 | 0 | - | 0.0 | 0.0 |"), "{text}");
    }
}
