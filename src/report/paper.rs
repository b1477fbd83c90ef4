//! The published figures beside ours: RM-RL (Chen, Zhou, Liu, Yang; arXiv 2510.15189, ICRA 2026).

use super::stats::Interval;
use super::summary::shelf_difference;
use super::table::{self, Table};
use super::{ExperimentResult, MethodResult, Shelf, Summary};

/// What the paper reports on a real arm: error lower than the RL baseline's by so many per cent.
const TRANSLATION_LOWER_PCT: u32 = 53;
const YAW_LOWER_PCT: u32 = 20;
/// Placements onto a shelf, of ten: with about 200 prior samples, and by plain REINFORCE.
const SHELF: &str = "10/10 against 5/10";

const METHOD: &str = "rm-rl";
const BASELINE: &str = "reinforce";
/// The method that is pretrained as in the paper's demonstration.
const PRETRAINED: &str = "rm-rl-pretrained";

/// The paper's assumptions beside ours.
const ASSUMPTIONS: [[&str; 3]; 9] = [
    ["arm", "real", "simulated (Rapier contact physics) unless the experiment says otherwise"],
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
    ["network, optimiser, replay", "not published in full", "our own design"],
    [
        "baseline",
        "an RL baseline; REINFORCE in the shelf demonstration",
        "REINFORCE and PPO, with the settings listed below",
    ],
    ["repetitions", "not known to us", "paired seeds, interquartile mean, bootstrap intervals"],
];

/// RM-RL's gain beside the paper's, with a verdict from the interval.
pub(super) fn section(result: &ExperimentResult, summary: &Summary, resamples: usize) -> String {
    let mut table = Table::new(["figure", "rival", "here", "P(better)", "paper", "verdict"]);
    for (rival, methods) in &summary.improvement_over.0 {
        let Some(gain) = methods.get(METHOD) else { continue };
        let baseline = rival == BASELINE;
        let published = |pct: u32| match baseline {
            true => format!("{pct} % lower"),
            false => format!("{pct} % lower, over its own baseline"),
        };
        let rows = [
            ("translation error", &gain.translation_pct, TRANSLATION_LOWER_PCT),
            ("yaw error", &gain.yaw_pct, YAW_LOWER_PCT),
        ];
        for (figure, lower, paper) in rows {
            table.row([
                figure.to_owned(),
                rival.clone(),
                format!("{} % lower", table::interval(lower, 0)),
                format!("{:.2}", gain.probability),
                published(paper),
                verdict(lower).to_owned(),
            ]);
        }
    }
    if let Some(cells) = shelf_row(result, resamples) {
        table.row(cells);
    }
    let mut text = String::from("\n## Role models, here and in the paper\n\n");
    if table.rows.is_empty() {
        text += &format!(
            "There is nothing to compare: that takes `{METHOD}` and `{BASELINE}` or `ppo`, with a \
             complete seed in common.\n\n"
        );
    } else {
        text += &table.markdown();
        text += &format!(
            "\n`{METHOD}`, in-scene, last checkpoint, paired over seeds, [95 % interval]. *Matched in \
             direction*: the whole interval is on the side of `{METHOD}`; nothing more is claimed. \
             The size is not comparable with the paper's:\n\n"
        );
    }
    let mut assumptions = Table::new(["", "paper", "here"]);
    for row in ASSUMPTIONS {
        assumptions.row(row);
    }
    text + &assumptions.markdown()
}

/// Decided by the interval alone: gains are positive.
fn verdict(gain: &Interval) -> &'static str {
    match gain.ci95 {
        Some([low, _]) if low > 0.0 => "matched in direction",
        Some(_) => "not matched",
        None => "not matched: one seed has no interval",
    }
}

fn shelf_row(result: &ExperimentResult, resamples: usize) -> Option<[String; 6]> {
    let ours = result
        .method(PRETRAINED)
        .filter(|m| m.runs.iter().any(|run| run.shelf.is_some()))
        .or_else(|| result.method(METHOD))?;
    let theirs = result.method(BASELINE)?;
    let gain = shelf_difference(ours, theirs, resamples)?;
    let points = Interval {
        value: 100.0 * gain.value,
        ci95: gain.ci95.map(|ends| ends.map(|end| 100.0 * end)),
    };
    Some([
        format!("shelf placements of `{}`", ours.card.name),
        BASELINE.to_owned(),
        format!(
            "{} against {}: {} points more",
            placed(ours),
            placed(theirs),
            table::interval(&points, 0)
        ),
        "-".to_owned(),
        SHELF.to_owned(),
        verdict(&gain).to_owned(),
    ])
}

fn placed(method: &MethodResult) -> String {
    let shelves = method.runs.iter().filter_map(|run| run.shelf);
    let (k, n) = shelves.fold((0, 0), |(k, n), Shelf { placed, of }| (k + placed, n + of));
    format!("{k}/{n}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_alone_decides_the_verdict() {
        let gain = |ci95| verdict(&Interval { value: 40.0, ci95 });
        assert_eq!(gain(Some([5.0, 60.0])), "matched in direction");
        assert_eq!(gain(Some([-1.0, 60.0])), "not matched");
        assert_eq!(gain(Some([0.0, 60.0])), "not matched");
        assert!(gain(None).starts_with("not matched"));
    }
}
