//! The experiment's contrasts, beside what was published of them.

use super::contrast::{Contrast, Contrasted};
use super::stats::Interval;
use super::table::{self, Table};
use super::{ExperimentResult, Summary};
use crate::learn::Role;

/// What the paper on role models assumes (Chen, Zhou, Liu, Yang; arXiv 2510.15189, ICRA 2026), and
/// what we do.
const ASSUMPTIONS: [[&str; 3]; 9] = [
    ["arm", "real", "simulated (Rapier contact physics)"],
    [
        "figures",
        "errors as measured on the arm",
        "the simulator's truth; the measurement on hardware",
    ],
    ["episode", "one step: image, correction of the pick pose, placement", "the same"],
    ["action", "discrete correction (x, y, yaw)", "the same; range and bins as under *Task*"],
    [
        "reward",
        "from the measured placement error",
        "-(mm / 5 + deg / 5) of the measured placement: our choice",
    ],
    [
        "role models",
        "highest reward among trials that began in a similar state",
        "the same; what counts as similar, and how often labels are renewed, is ours",
    ],
    ["network, optimiser, replay", "not available to us in full", "our own design"],
    [
        "baseline",
        "an RL baseline; REINFORCE in the shelf demonstration",
        "the rivals of this run, with the settings listed below",
    ],
    ["repetitions", "not known to us", "paired seeds, interquartile mean, bootstrap intervals"],
];

/// Each contrast with its intervals; a verdict where something was published of it.
pub(super) fn section(result: &ExperimentResult, summary: &Summary) -> String {
    if result.contrasts.is_empty() {
        return String::new();
    }
    let mut table =
        Table::new(["figure", "method", "over", "here", "P(better)", "published", "verdict"]);
    for contrasted in &summary.contrasts {
        let Contrast { method, over, .. } = &contrasted.contrast;
        for figure in figures(contrasted) {
            let [published, verdict] = match figure.published {
                Some(published) => [published, verdict(&figure.gain)],
                None => ["-"; 2],
            };
            table.row([
                figure.title.as_str(),
                method,
                over,
                &figure.here,
                &figure.probability.map_or("-".to_owned(), |p| format!("{p:.2}")),
                published,
                verdict,
            ]);
        }
    }
    let mut text = String::from("\n## Contrasts\n\n");
    if table.rows.is_empty() {
        text += "There is nothing to compare: that takes both methods of a contrast, with a complete \
                 seed in common.\n";
    } else {
        text += &table.markdown();
        text += "\nNamed by the experiment. In-scene, last checkpoint, paired over seeds, \
                 [95 % interval].";
        let judged = summary.contrasts.iter().flat_map(figures).any(|f| f.published.is_some());
        if judged {
            text += " *Matched in direction*: the whole interval is on the side of the method; \
                     nothing more is claimed. The size is not comparable with the published one.";
        }
        text.push('\n');
    }
    let left_out = table::left_out(result, summary);
    if !left_out.is_empty() {
        text += &format!(
            "\nLeft out, because the run has no complete seed of both: {}.\n",
            left_out.join(", ")
        );
    }
    let from_the_paper = summary.contrasts.iter().any(|contrasted| {
        let method = result.method(&contrasted.contrast.method);
        !contrasted.contrast.published.is_empty()
            && method.is_some_and(|m| m.card.role == Role::Paper)
    });
    if from_the_paper {
        text += "\nRM-RL (arXiv 2510.15189) was published on other terms than those here:\n\n";
        let mut assumptions = Table::new(["", "paper", "here"]);
        for [what, paper, here] in ASSUMPTIONS {
            let on_arm = what == "arm" && summary.hardware.is_some();
            assumptions.row([
                what,
                paper,
                if on_arm { "real, or its twin: see above" } else { here },
            ]);
        }
        text += &assumptions.markdown();
    }
    text
}

/// One line of the table.
struct Row<'c> {
    key: &'static str,
    title: String,
    here: String,
    gain: Interval,
    probability: Option<f64>,
    published: Option<&'c str>,
}

/// What was published of a contrast; where nothing was, all of it.
fn figures(contrasted: &Contrasted) -> Vec<Row<'_>> {
    let Contrasted { contrast, gains, points, demonstrations } = contrasted;
    let row = |key: &'static str, title: String, here: String, gain: &Interval| {
        let published = contrast.published.get(key).map(String::as_str);
        Row { key, title, here, gain: *gain, probability: None, published }
    };
    let pct = gains.pct.0.iter().map(|(metric, gain)| Row {
        probability: Some(gains.probability),
        ..row(metric.key, metric.title.to_owned(), table::change(metric, gain), gain)
    });
    let points = points
        .0
        .iter()
        .map(|(metric, gain)| row(metric.key, metric.title.to_owned(), table::points(gain), gain));
    let demonstrations = demonstrations.iter().map(|shown| {
        let ((k, n), (over_k, over_n)) = (shown.placed, shown.over_placed);
        let here = format!("{k}/{n} against {over_k}/{over_n}: {}", table::points(&shown.points));
        let title = format!("placements on `{}`", shown.scene);
        row(Contrast::DEMONSTRATION, title, here, &shown.points)
    });
    pct.chain(points).chain(demonstrations).filter(|row| contrast.shows(row.key)).collect()
}

/// Decided by the interval alone: gains are positive.
fn verdict(gain: &Interval) -> &'static str {
    match gain.ci95 {
        Some([low, _]) if low > 0.0 => "matched in direction",
        Some(_) => "not matched",
        None => "not matched: one seed has no interval",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::synthetic;

    fn text(result: &ExperimentResult) -> String {
        section(result, &Summary::of(result, 100))
    }

    #[test]
    fn the_interval_alone_decides_the_verdict() {
        let gain = |ci95| verdict(&Interval { value: 40.0, ci95 });
        assert_eq!(gain(Some([5.0, 60.0])), "matched in direction");
        assert_eq!(gain(Some([-1.0, 60.0])), "not matched");
        assert_eq!(gain(Some([0.0, 60.0])), "not matched");
        assert!(gain(None).starts_with("not matched"));
    }

    #[test]
    fn no_verdict_and_no_legend_of_one_where_nothing_was_published() {
        let mut result = synthetic::experiment(4);
        assert!(text(&result).contains("*Matched in direction*"));
        for contrast in &mut result.contrasts {
            contrast.published.clear();
        }
        let text = text(&result);
        assert!(!text.to_lowercase().contains("matched") && !text.contains("2510.15189"), "{text}");
        for figure in ["translation error", "yaw error", "success", "placements on `shelf`"] {
            assert!(text.contains(&format!("| {figure} | rm-rl | ppo | ")), "{figure}: {text}");
        }
    }

    #[test]
    fn only_what_was_published_is_set_beside_it() {
        let text = text(&synthetic::experiment(4));
        let rows = |over: &str| text.matches(&format!("| {over} | ")).count();
        assert_eq!(rows("rm-rl-pretrained | reinforce"), 1);
        assert_eq!(rows("rm-rl | reinforce"), 2);
        assert!(text.contains("| 10/10 against 5/10 | "), "{text}");
    }

    #[test]
    fn an_experiment_without_contrasts_has_no_such_section() {
        let mut result = synthetic::experiment(4);
        result.contrasts.clear();
        assert_eq!(text(&result), "");
    }

    #[test]
    fn a_contrast_whose_method_is_not_in_the_run_is_left_out_and_said() {
        let mut result = synthetic::experiment(4);
        result.methods.retain(|m| m.card.name != "reinforce");
        let text = text(&result);
        assert!(text.contains("Left out"), "{text}");
        assert!(
            text.contains(": rm-rl over reinforce, rm-rl-pretrained over reinforce."),
            "{text}"
        );
        assert!(!text.contains("| reinforce |"), "{text}");
    }
}
