use std::collections::BTreeSet;

use super::harm;
use super::metrics::{self, Shown};
use super::published;
use super::sections;
use super::table::{self, TOLD, Table};
use super::{Cap, ExperimentResult, FailedRun, Hardware, MethodResult, Summary};
use crate::learn::Card;
use crate::task::{Quantity, Scope, TaskSpec};

/// `report.md`, from which the page is made too.
pub fn report(result: &ExperimentResult, summary: &Summary, resamples: usize) -> String {
    [
        header(result, summary),
        results(result, summary),
        published::section(result, summary),
        gains(result, summary),
        sections::all(result, summary),
        profile(summary),
        task(&result.task),
        outcomes(result),
        harm::section(result),
        sections::runs(result),
        statistics(result, resamples),
        settings(result),
    ]
    .into_iter()
    .filter(|section| !section.is_empty())
    .collect::<Vec<_>>()
    .join("\n")
}

fn header(result: &ExperimentResult, summary: &Summary) -> String {
    let mut text = format!("# rmrl: `{}`\n\n", result.name);
    let (complete, asked) = (summary.seeds, result.seeds.len());
    if complete < asked {
        text += &format!(
            "> **{complete} of {asked} seeds complete.** The figures come from the complete ones and will change.\n\n"
        );
    }
    text += &failures(result);
    if let Some((few, why)) = table::few_seeds(complete).as_deref().and_then(|s| s.split_once('.'))
    {
        text += &format!("> **{few}.**{why}\n\n");
    }
    let done =
        |seed: &&u64| result.methods.iter().all(|m| m.runs.iter().any(|run| run.seed == **seed));
    let seeds: Vec<u64> = result.seeds.iter().filter(done).copied().collect();
    let mut facts = Table::new(["", ""]);
    match Hardware::of(result) {
        Some(hardware) => {
            for (key, value) in hardware.facts() {
                facts.row([key, &value]);
            }
        }
        None => facts.row(["command", &format!("`{}`", result.command)]),
    }
    facts.row(["version", &format!("{}, commit `{}`", result.version, result.commit)]);
    facts.row(["seeds", &ranges(&seeds)]);
    facts.row(["training", &training(result)]);
    facts.row(["evaluation", &evaluation(result)]);
    if !result.contrasts.is_empty() {
        let runs = result.methods.iter().map(|m| m.runs.len()).sum::<usize>();
        let so_begun = summary.runs_begun_with_these_contrasts;
        let short = |hash: &str| hash.chars().take(12).collect::<String>();
        let said = format!(
            "named before the first trial in {so_begun} of {runs} runs; SHA-256 `{}`, of `experiment.toml` `{}`",
            short(&result.contrasts_sha256),
            short(&result.experiment_sha256)
        );
        facts.row(["contrasts", &said]);
    }
    text + &facts.markdown()
}

/// Which runs failed and why, and that their seeds are in no figure.
fn failures(result: &ExperimentResult) -> String {
    if result.failed.is_empty() {
        return String::new();
    }
    let mut seeds: Vec<u64> = result.failed.iter().map(|run| run.seed).collect();
    seeds.sort_unstable();
    seeds.dedup();
    let (runs, which) = match result.failed.len() {
        1 => ("1 run failed".to_owned(), "seed"),
        n => (format!("{n} runs failed"), if seeds.len() == 1 { "seed" } else { "seeds" }),
    };
    let mut text = format!(
        "> **{runs}.** No figure of any method contains {which} {}; `--resume` tries again.\n",
        ranges(&seeds)
    );
    for FailedRun { method, seed, reason } in &result.failed {
        let words = reason.split_whitespace().collect::<Vec<_>>().join(" ");
        text += &format!("> - `{method}` seed {seed}: {}\n", words.replace('<', "&lt;"));
    }
    text + "\n"
}

fn training(result: &ExperimentResult) -> String {
    let mut text = format!("{} trials a run", result.trials);
    for method in result.methods.iter().filter(|m| m.card.prior_trials > 0) {
        let Card { name, prior_trials: n, prior_on_top, prior_given, .. } = &method.card;
        text += &match prior_on_top {
            _ if *prior_given => format!(
                "; `{name}` begins with {n} prior trials that were made elsewhere, and replays them"
            ),
            false => format!(
                "; of those of `{name}`, the first {n} are prior trials for its offline pretraining"
            ),
            true => format!(
                "; `{name}` has {n} prior trials on top of them, from -{n} on the x axis, for its \
                 offline pretraining"
            ),
        };
    }
    text
}

fn evaluation(result: &ExperimentResult) -> String {
    let runs = || result.methods.iter().flat_map(|m| &m.runs);
    let checkpoints = runs().map(|run| run.checkpoints.len() as u64).max().unwrap_or(0);
    let also: Vec<_> = result.evaluate_also.iter().map(u64::to_string).collect();
    let also =
        if also.is_empty() { String::new() } else { format!(" and after {}", also.join(", ")) };
    format!(
        "greedy, every {} trials{also}: {n} in-scene (the scene instances of training) and {n} held-out \
         (instances never trained on); {} evaluation trials a run in all, never learned from and, \
         in simulation, not on the x axis (on hardware they are charged)",
        result.evaluate_every,
        checkpoints * 2 * result.evaluation_trials,
        n = result.evaluation_trials,
    )
}

fn results(result: &ExperimentResult, summary: &Summary) -> String {
    let mut text = String::from("\n## Results\n\n![Learning curves](curves.svg)\n\n");
    text += "Errors of the greedy policy against physical trials. Thick: interquartile mean over \
             seeds; band: its 95 % bootstrap interval; faint: each seed. Dashed: references. Dotted: the \
             tolerance, and what the arm's own noise leaves of a perfect correction, where that is known. Below: \
             the same less the best rival's, seed by seed; under 0 is better. Prior trials are not drawn: no \
             policy is evaluated in them. The \
             upper axis is robot time at the mean duration of a trial, from the approach to the \
             withdrawal; in simulation nothing carries the plate back.\n\n";
    text += "![Errors against trials, logarithmic](budget.svg)\n\nThe same in-scene on a logarithmic axis, \
             from 20 trials on: what to expect of how many.\n\n";
    if summary.methods.0.is_empty() {
        return text + "No run is complete yet.\n";
    }
    text += &table::results(result, summary).markdown();
    text += "\nAt the last checkpoint: mean over the evaluation trials of a run, interquartile \
             mean over seeds, [95 % interval]. Errors are the truth in simulation and the \
             measurement on a real arm; a trial without a placement counts at the cap, ";
    let Cap { translation_mm, yaw_deg } = summary.cap;
    text += &format!("{translation_mm:.2} mm and {yaw_deg:.2} deg. ");
    text += "*success*: |x|, |y| < 1 mm, |yaw| < 1 deg and seated. ";
    let scenes: Vec<String> =
        result.demonstrated().iter().map(|scene| format!("*{scene}*")).collect();
    if !scenes.is_empty() {
        text +=
            &format!("{}: seated placements of the final demonstration there. ", scenes.join(", "));
    }
    text += "*trials to 1 mm, 1 deg*: until both mean errors in-scene are \
             below; runs that never reached it count as the last trial; in brackets, how many did. \
             *signal* and *context*: what a method may learn from, besides the image.\n";
    if result.methods.iter().any(|m| m.card.sees_truth) {
        text += &format!(
            "\n{TOLD} is told the true offset: a reference in simulation, not a competitor.\n"
        );
    }
    let waiting: Vec<String> = result
        .methods
        .iter()
        .filter(|m| summary.methods.get(&m.card.name).is_none())
        .map(|m| format!("`{}`", m.card.name))
        .collect();
    if !waiting.is_empty() {
        text += &format!("\nWithout a complete run: {}.\n", waiting.join(", "));
    }
    text
}

/// Every learner over each rival.
fn gains(result: &ExperimentResult, summary: &Summary) -> String {
    if summary.improvement_over.0.is_empty() {
        return String::new();
    }
    let means = metrics::shown_in(Shown::Tables).into_iter().filter(|m| m.is_mean());
    let gains = means.map(|metric| metric.title.to_owned());
    let head = ["rival", "method"].map(str::to_owned).into_iter().chain(gains);
    let mut table = Table::new(head.chain(["P(better)".to_owned()]));
    for (rival, methods) in &summary.improvement_over.0 {
        for (name, gain) in &methods.0 {
            let mut row = vec![rival.clone(), table::marked(result, name)];
            row.extend(gain.pct.0.iter().map(|(metric, pct)| table::change(metric, pct)));
            row.push(table::probability(Some(gain.probability), summary.seeds));
            table.row(row);
        }
    }
    format!(
        "\n## Every learner over the rivals\n\n{}\nExploratory. In-scene, last checkpoint; the interval of a \
         loss is that of the loss. *P(better)*: that a run of the method ends below a run of the rival in mm + deg.\n",
        table.markdown()
    )
}

fn profile(summary: &Summary) -> String {
    if summary.methods.0.is_empty() {
        return String::new();
    }
    "\n## Performance profiles\n\n![Performance profiles](profile.svg)\n\nShare of runs whose mean \
     error in-scene, at the last checkpoint, is at most the value on the x axis: further left and \
     higher is better, and a long tail shows the runs that failed. Dotted: the tolerance, and what the arm's \
     own noise leaves, where that is known.\n"
        .to_owned()
}

fn task(task: &TaskSpec) -> String {
    let mut table = Table::new(["", "position (mm)", "yaw (deg)"]);
    let ranges = match &task.offsets {
        None => vec![("offsets and corrections", &task.range)],
        Some(offsets) => vec![("offsets", offsets), ("corrections", &task.range)],
    };
    for (what, range) in ranges {
        table.row([what.to_owned(), format!("±{}", range.mm), format!("±{}", range.deg)]);
    }
    let noises = [
        ("jitter about a scene instance", task.jitter),
        ("actuation noise", task.actuation),
        ("the arm's own reading of it", task.reading),
        ("measurement noise", task.measurement),
    ];
    for (what, noise) in noises {
        table.row([what.to_owned(), noise.mm.to_string(), noise.deg.to_string()]);
    }
    let step = task.grid().step();
    format!(
        "\n## Task\n\n{}\nNoise as standard deviations. The action grid has {} bins an axis, {:.3} mm \
         and {:.3} deg apart. {} scene instances in training, {} held out. Camera noise {} grey \
         levels of 255, lighting ±{:.0} %. Reward: {}; less, or no more, for a trial without a placement.\n{}",
        table.markdown(),
        task.bins,
        step[0],
        step[2],
        task.scene_instances,
        task.held_out_instances,
        task.camera,
        100.0 * task.lighting,
        task.reward.formula(),
        dirt(task),
    )
}

/// What the simulated cell has that its files do not say.
fn dirt(task: &TaskSpec) -> String {
    if !task.is_dirty() {
        return String::new();
    }
    let mut table = Table::new(["deviation", "drawn within ±", "drawn once a", "drift"]);
    for quantity in Quantity::ALL {
        let half = task.dirt.0.get(&quantity);
        let drifts = task.drift.iter().filter(|d| d.key == quantity);
        let drifts: Vec<String> = drifts
            .map(|d| match d.over {
                0 => format!("to {} at trial {}", d.to, d.at),
                over => format!("to {} from trial {} over {over}", d.to, d.at),
            })
            .collect();
        if half.is_none() && drifts.is_empty() {
            continue;
        }
        let scope = match quantity.scope() {
            _ if half.is_none() => "-",
            Scope::Run => "seed",
            Scope::Instance => "scene instance",
            Scope::Trial => "trial",
        };
        table.row([
            format!("`{}`", quantity.name()),
            half.map_or("-".to_owned(), f64::to_string),
            scope.to_owned(),
            if drifts.is_empty() { "-".to_owned() } else { drifts.join(", ") },
        ]);
    }
    format!(
        "\nThe simulated cell is not as its files say, and no method is told:\n\n{}",
        table.markdown()
    )
}

fn outcomes(result: &ExperimentResult) -> String {
    let seen: BTreeSet<&str> = result
        .methods
        .iter()
        .flat_map(|m| &m.runs)
        .flat_map(|run| run.outcomes.iter().filter(|(_, n)| **n > 0).map(|(name, _)| *name))
        .collect();
    if seen.is_empty() {
        return String::new();
    }
    let mut names: Vec<&str> = crate::task::Outcome::ALL.map(|o| o.name()).to_vec();
    names.retain(|name| seen.contains(name));
    let mut table = Table::new(["method"].into_iter().chain(names.iter().copied()));
    let total = |m: &MethodResult, name: &str| -> u64 {
        m.runs.iter().filter_map(|run| run.outcomes.get(name)).sum()
    };
    for method in &result.methods {
        let counts: Vec<u64> = names.iter().map(|name| total(method, name)).collect();
        if counts.iter().any(|&n| n > 0) {
            let cells = counts.iter().map(u64::to_string);
            table.row(std::iter::once(method.card.name.clone()).chain(cells));
        }
    }
    format!(
        "\n## How the training trials ended\n\n{}\nOver all runs, prior trials included.\n",
        table.markdown()
    )
}

fn statistics(result: &ExperimentResult, resamples: usize) -> String {
    format!(
        "\n## How the figures were made\n\n\
         - A seed is one complete run of every method on the same scene instances, jitter, noise \
         and lighting; {} asked for.\n\
         - Interquartile mean: of n runs, floor(n / 4) are cut at each end, the rest averaged (whole \
         runs, as `scipy.stats.trim_mean` does and rliable uses; Agarwal et al. 2021).\n\
         - Intervals: 95 % percentile bootstrap over runs, {resamples} resamples ({} at most for the \
         bands of the figure), from a fixed random stream. They speak of seeds, not of robots.\n\
         - Improvement: 100 (1 - IQM / IQM of the rival) for an error, both sides resampled with the same seeds.\n\
         - P(better): Mann-Whitney over all pairs of runs, ties one half.\n\
         - Success and demonstrations: pooled counts; the interval resamples whole runs, whose trials share \
         a policy. Where all runs have the same rate it is Wilson's interval on the pooled trials.\n\
         - Trials to 1 mm, 1 deg: checked at checkpoints, so no finer than they lie apart; restricted \
         mean with the horizon at {} trials.\n\
         - Contrasts and letters: two-sided randomisation test of the mean paired difference over seeds, all \
         changes of signs up to 20 seeds; Holm's correction within the contrasts, and within all pairs. The \
         smallest detectable difference is (t(1 - 0.025 / m) + t(0.8)) s / sqrt(n) for m contrasts. Other \
         intervals are not corrected for many methods at once.\n",
        result.seeds.len(),
        super::plots::MOST_BAND_ROUNDS,
        result.trials,
    )
}

fn settings(result: &ExperimentResult) -> String {
    let mut text = String::from("\n## Methods and their settings\n");
    for method in &result.methods {
        let card = &method.card;
        text += &format!(
            "\n### {}\n\n{}\n\n",
            table::marked(result, &card.name),
            card.summary.replace('<', "&lt;")
        );
        if method.settings.is_empty() {
            text += "No settings.\n";
            continue;
        }
        let mut table = Table::new(["key", "value"]);
        for (key, value) in &method.settings {
            table.row([format!("`{key}`"), format!("`{value}`")]);
        }
        text += &table.markdown();
    }
    text
}

/// Seeds as text: runs of neighbours are drawn together.
fn ranges(seeds: &[u64]) -> String {
    let mut spans: Vec<(u64, u64)> = Vec::new();
    for &seed in seeds {
        match spans.last_mut() {
            Some((_, last)) if seed.checked_sub(1) == Some(*last) => *last = seed,
            _ => spans.push((seed, seed)),
        }
    }
    let span = |&(first, last): &(u64, u64)| match first == last {
        true => first.to_string(),
        false => format!("{first} to {last}"),
    };
    match spans.is_empty() {
        true => "none complete".into(),
        false => spans.iter().map(span).collect::<Vec<_>>().join(", "),
    }
}

#[cfg(test)]
#[path = "markdown_tests.rs"]
mod tests;
