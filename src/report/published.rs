//! The experiment's contrasts, beside what was published of them.

use super::contrast::{Contrast, Contrasted};
use super::significance::{FEWEST_FOR_A_VERDICT, seeds_to_reject};
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
    ["reward", "from the measured placement error", "as under *Task*: our choice"],
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
                Some(published) => [published, verdict(&figure.gain, contrasted.primary.seeds)],
                None => ["-"; 2],
            };
            table.row([
                figure.title.as_str(),
                method,
                over,
                &figure.here,
                &table::probability(figure.probability, contrasted.primary.seeds),
                published,
                verdict,
            ]);
        }
    }
    let mut text = String::from("\n## Contrasts\n\n");
    text += &primary(summary);
    if table.rows.is_empty() {
        text += "There is nothing to compare: that takes both methods of a contrast, with a complete \
                 seed in common.\n";
    } else {
        text += &table.markdown();
        text += "\nIn-scene, last checkpoint, paired over seeds, [95 % interval].";
        let judged = summary.contrasts.iter().any(|contrasted| {
            let enough = contrasted.primary.seeds >= FEWEST_FOR_A_VERDICT;
            enough && figures(contrasted).iter().any(|figure| figure.published.is_some())
        });
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
    let Contrasted { contrast, gains, points, demonstrations, .. } = contrasted;
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

/// The tests of all contrasts together.
fn primary(summary: &Summary) -> String {
    if summary.contrasts.is_empty() {
        return String::new();
    }
    let head = ["method", "over", "figure", "better by", "seeds", "p", "p (Holm)", "detectable"];
    let tested = summary.contrasts.iter().any(|c| c.primary.p.is_some());
    let verdict = tested.then_some("verdict");
    let mut table = Table::new(head.into_iter().chain(verdict));
    for Contrasted { contrast, primary, .. } in &summary.contrasts {
        let or_dash =
            |p: Option<f64>, decimals| p.map_or("-".into(), |p| table::number(p, decimals));
        let mut row = vec![
            contrast.method.clone(),
            contrast.over.clone(),
            primary.figure.clone(),
            table::interval(&primary.better_by, 3),
            primary.seeds.to_string(),
            or_dash(primary.p, 4),
            or_dash(primary.p_holm, 4),
            or_dash(primary.detectable, 3),
        ];
        if tested {
            row.push(primary.verdict().unwrap_or("none").to_owned());
        }
        table.row(row);
    }
    let mut text = format!(
        "Named by the experiment, and what decides them: in-scene at the last checkpoint.\n\n{}\n*figure* \
         `cost`: of the errors, (mm + deg) / 5. *better by*: mean difference, with a 95 % interval over \
         seeds (their evaluation trials are the same for both).",
        table.markdown()
    );
    text += &match tested {
        true => format!(
            " *p*: randomisation test over paired seeds; *Holm*: among the {} that are named. *detectable*: the \
             smallest difference that so many seeds find with a power of 80 %. *verdict*: by Holm's p at 5 %; none \
             below {} seeds, which cannot tell one of so many.\n\n",
            summary.named,
            seeds_to_reject(summary.named),
        ),
        false => format!(" Fewer than {FEWEST_FOR_A_VERDICT} seeds: nothing is tested.\n\n"),
    };
    text + "Beside what was published, by figure:\n\n"
}

/// Decided by the interval alone: gains are positive.
fn verdict(gain: &Interval, seeds: usize) -> &'static str {
    if seeds < FEWEST_FOR_A_VERDICT {
        return "none: too few seeds";
    }
    match gain.ci95 {
        Some([low, _]) if low > 0.0 => "matched in direction",
        Some(_) => "not matched",
        None => "none: no interval",
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
        let gain = |ci95| verdict(&Interval { value: 40.0, ci95 }, 5);
        assert_eq!(gain(Some([5.0, 60.0])), "matched in direction");
        assert_eq!(gain(Some([-1.0, 60.0])), "not matched");
        assert_eq!(gain(Some([0.0, 60.0])), "not matched");
        assert!(gain(None).starts_with("none"));
    }

    /// Two seeds once "matched" in 26 % of cases without a difference.
    #[test]
    fn below_five_seeds_there_is_no_verdict_and_no_word_of_one() {
        let few = text(&synthetic::experiment(4));
        assert!(!few.to_lowercase().contains("matched") && !few.contains("verdict*"), "{few}");
        assert!(few.contains("none: too few seeds") && few.contains("nothing is tested"));
        for figure in ["translation error", "yaw error"] {
            let row = few.lines().find(|line| line.starts_with(&format!("| {figure} | rm-rl |")));
            assert!(row.unwrap().contains(" | - | "), "no P(better) of so few runs");
        }
        assert!(text(&synthetic::experiment(5)).contains("matched in direction"));
    }

    #[test]
    fn no_verdict_and_no_legend_of_one_where_nothing_was_published() {
        let mut result = synthetic::experiment(6);
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
        let beside = text.split("Beside what was published").nth(1).unwrap();
        let rows = |over: &str| beside.matches(&format!("| {over} | ")).count();
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
