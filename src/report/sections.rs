//! Tables of the report beyond the mean errors.

use super::distribution::{AXES, Coverage, WITHIN};
use super::metrics::{self, Metric};
use super::significance::seeds_to_reject;
use super::table::{self, Table};
use super::{Details, ExperimentResult, Started, Summary};

/// All of them, in their order.
pub(super) fn all(result: &ExperimentResult, summary: &Summary) -> String {
    let sections = [
        exploratory(result, summary),
        on_the_way(result, summary),
        errors(result, summary),
        tolerances(result, summary),
        offsets(result, summary),
        coverage(result, summary),
        labels(result, summary),
    ];
    sections.concat()
}

/// Name, and what is told of it, of each method.
fn told<'s>(
    result: &'s ExperimentResult,
    summary: &'s Summary,
) -> impl Iterator<Item = (String, &'s Details)> {
    let methods = table::grouped(result, summary).into_iter();
    methods.map(|(name, method)| (table::marked(result, name), &method.details))
}

/// All methods against each other.
fn exploratory(result: &ExperimentResult, summary: &Summary) -> String {
    if summary.exploratory.len() < 2 {
        return String::new();
    }
    let methods = summary.exploratory.len();
    let needed = seeds_to_reject(methods * (methods - 1) / 2);
    let mut letters = Table::new(["method", "cost", "not told apart"]);
    for explored in &summary.exploratory {
        let name = table::marked(result, &explored.method);
        letters.row([name, format!("{:.3}", explored.cost), explored.letters.clone()]);
    }
    format!(
        "\n## All methods, explored\n\n{}\nExploratory: nothing of it was named in advance. In-scene, last \
         checkpoint; *cost*: of the errors, (mm + deg) / 5, mean over seeds. Methods that share a \
         letter are not told apart (randomisation test over paired seeds, Holm among all pairs, 5 %); \
         no letters: fewer than {needed} seeds cannot tell so many apart.\n",
        letters.markdown()
    )
}

/// Areas, stability, excess and time.
fn on_the_way(result: &ExperimentResult, summary: &Summary) -> String {
    let curves = metrics::curves();
    let horizons: Vec<u64> = told(result, summary)
        .next()
        .map_or(vec![], |(_, d)| d.areas.iter().map(|a| a.until).collect());
    let mut head = vec!["method".to_owned()];
    if summary.noise_floor.is_some() {
        head.extend(curves.iter().map(|metric| format!("above the floor ({})", metric.short)));
    }
    for until in &horizons {
        head.extend(curves.iter().map(|metric| format!("mean to {until} ({})", metric.short)));
    }
    for what in ["worst seed", "worst quarter", "largest drop"] {
        head.extend(curves.iter().map(|metric| format!("{what} ({})", metric.short)));
    }
    head.push("robot hours".to_owned());
    let mut rows = Table::new(head);
    for (name, details) in told(result, summary) {
        let mut row = vec![name];
        if let Some(excess) = &details.excess {
            let shown = |metric: &Metric| excess.get(metric.key).map(|e| table::estimate(e, 2));
            row.extend(curves.iter().map(|metric| shown(metric).unwrap_or_else(|| "-".into())));
        }
        for until in &horizons {
            let area = details.areas.iter().find(|area| area.until == *until);
            row.extend(curves.iter().map(|metric| {
                let mean = area.and_then(|area| area.mean.get(metric.key));
                mean.map_or("-".into(), |mean| table::estimate(mean, metric.decimals))
            }));
        }
        let stability = |metric: &Metric| details.stability.as_ref()?.get(metric.key);
        for of in [
            |s: &super::Stability| s.worst_seed,
            |s: &super::Stability| s.cvar_25,
            |s: &super::Stability| s.largest_drop,
        ] {
            row.extend(curves.iter().map(|metric| {
                stability(metric).map_or("-".into(), |s| format!("{:.*}", metric.decimals, of(s)))
            }));
        }
        row.push(format!("{:.2}", details.robot_hours));
        rows.row(row);
    }
    if rows.rows.is_empty() {
        return String::new();
    }
    let floor = summary.noise_floor.map_or(String::new(), |floor| {
        format!(
            "*above the floor*: the last error less {:.2} mm and {:.2} deg, what the arm's own noise leaves on \
             average of a perfect correction (a Rayleigh and a half-normal mean). ",
            floor.translation_mm, floor.yaw_deg
        )
    });
    format!(
        "\n## On the way, and from seed to seed\n\n{}\nIn-scene. {floor}*mean to N*: the area under the learning \
         curve up to N trials, by N; interquartile mean over seeds. *worst quarter*: the mean of the worst \
         quarter of the seeds (CVaR). *largest drop*: by how much a run gets worse from one checkpoint to the \
         next, at most; mean over seeds, evaluation noise included. *robot hours*: of a run's trials; what \
         learning took on the clock is in `timing.csv`.\n",
        rows.markdown()
    )
}

/// Signed errors by axis.
fn errors(result: &ExperimentResult, summary: &Summary) -> String {
    let mut rows = Table::new(["method", "axis", "mean", "p50", "p90", "p95", "max"]);
    for (name, details) in told(result, summary) {
        for error in details.distribution.iter().flat_map(|d| &d.error) {
            let [axis, unit] = axis_and_unit(error.axis);
            let figures = [error.mean, error.p50, error.p90, error.p95, error.max];
            let figures = figures.map(|figure| table::number(figure, 2));
            let what = [name.clone(), format!("{axis} ({unit})")];
            rows.row(what.into_iter().chain(figures));
        }
    }
    section(
        "Errors by axis",
        &rows,
        "In-scene, last checkpoint, all trials of all runs. *mean*: with its sign, the bias; the others: of the \
         error's size.",
    )
}

fn tolerances(result: &ExperimentResult, summary: &Summary) -> String {
    let Some(bounds) = told(result, summary).find_map(|(_, d)| d.distribution.as_ref()) else {
        return String::new();
    };
    let bounds = bounds.within.iter().map(|within| format!("{}", within.tolerance));
    let mut rows = Table::new(std::iter::once("method".to_owned()).chain(bounds));
    for (name, details) in told(result, summary) {
        let Some(distribution) = &details.distribution else { continue };
        let shares = distribution.within.iter().map(|within| format!("{:.0}", 100.0 * within.rate));
        rows.row(std::iter::once(name).chain(shares));
    }
    section(
        "Success against the tolerance",
        &rows,
        "Per cent of the trials, in-scene, last checkpoint, seated with every axis within so many mm and deg. \
         1 is the success of all other tables.",
    )
}

fn offsets(result: &ExperimentResult, summary: &Summary) -> String {
    let thirds = ["inner third", "middle third", "outer third"];
    let heads =
        ["mm", "deg"].iter().flat_map(|unit| thirds.map(|third| format!("{third} ({unit})")));
    let mut rows = Table::new(std::iter::once("method".to_owned()).chain(heads));
    for (name, details) in told(result, summary) {
        let Some(distribution) = &details.distribution else { continue };
        let groups = &distribution.by_offset;
        let errors =
            groups.iter().map(|g| g.translation_mm).chain(groups.iter().map(|g| g.yaw_deg));
        let errors = errors.map(|error| error.map_or("-".into(), |error| table::number(error, 2)));
        rows.row(std::iter::once(name).chain(errors));
    }
    section(
        "Error against offset",
        &rows,
        "Mean error in-scene at the last checkpoint, by how large the offset was as a share of the range: the \
         larger of |x| and |y| for mm, |yaw| for deg. Offsets beyond the range (jitter) are in the outer third.",
    )
}

/// Does a method know when it does not know?
fn coverage(result: &ExperimentResult, summary: &Summary) -> String {
    let [(one, at_one), (two, at_two)] = WITHIN;
    let mut head = vec!["method".to_owned(), "where".to_owned(), "trials".to_owned()];
    for axis in AXES {
        let [axis, unit] = axis_and_unit(axis);
        head.push(format!("spread {axis} ({unit})"));
        head.extend([one, two].map(|within| format!("{axis} within {within} (%)")));
    }
    let mut rows = Table::new(head);
    for (name, details) in told(result, summary) {
        let places = ["in-scene", "held-out"].into_iter().zip(&details.coverage);
        for (place, coverage) in places.filter_map(|(p, c)| Some((p, c.as_ref()?))) {
            let Coverage { of, axes } = coverage;
            let mut row = vec![name.clone(), place.to_owned(), of.to_string()];
            for axis in axes {
                row.push(format!("{:.2}", axis.spread));
                let shares = [axis.within_1, axis.within_1_96];
                row.extend(shares.map(|share| format!("{:.0}", 100.0 * share)));
            }
            rows.row(row);
        }
    }
    section(
        "Coverage",
        &rows,
        &format!(
            "Of the decisions at the last checkpoint of which a method said how sure it is, the share whose \
             placement was measured within {one} and {two} of its standard deviations. Wanted are {:.0} and {:.0} \
             %: less is overconfident, more is too careful. A trial without a placement lies outside.",
            100.0 * at_one,
            100.0 * at_two
        ),
    )
}

fn labels(result: &ExperimentResult, summary: &Summary) -> String {
    let head =
        ["method", "visits", "labels", "error (mm)", "error (deg)", "luck (%)", "changed (%)"];
    let mut rows = Table::new(head);
    for (name, details) in told(result, summary) {
        let groups = details.labels.as_ref().map_or(&[][..], |labels| &labels.by_visits);
        for (at, group) in groups.iter().enumerate() {
            let from = group.from_visits;
            let visits = match groups.get(at + 1).map(|next| next.from_visits - 1) {
                Some(to) if to == from => from.to_string(),
                Some(to) => format!("{from} to {to}"),
                None => format!("from {from}"),
            };
            let share =
                |share: Option<f64>| share.map_or("-".into(), |s| format!("{:.0}", 100.0 * s));
            rows.row([
                name.clone(),
                visits,
                group.labels.to_string(),
                table::number(group.translation_mm, 2),
                table::number(group.yaw_deg, 2),
                share(group.luck_share),
                share(group.change_rate),
            ]);
        }
    }
    section(
        "Label quality",
        &rows,
        "By how often the scene had been tried when a label was given, new or changed; all runs. *error*: how far \
         the label is from the trial's true offset, the ideal correction. *luck*: of the role model's lead in \
         reward over the other trials of its scene, the share that its correction would not earn again on \
         average. *changed*: of the labels that stood, those that a round of learning changed.",
    )
}

/// Who ran: begun, complete, failed.
pub(super) fn runs(result: &ExperimentResult) -> String {
    let even = |started: &Started| started.begun == started.complete && started.failed == 0;
    let shown = result.methods.iter().map(|method| method.runs.len());
    let all_in =
        result.methods.iter().zip(shown).all(|(m, n)| even(&m.started) && m.started.begun == n);
    if all_in {
        return String::new();
    }
    let mut rows = Table::new(["method", "begun", "complete", "failed", "in the figures"]);
    for method in &result.methods {
        let Started { begun, complete, failed } = method.started;
        let counts = [begun, complete, failed, method.runs.len()].map(|count| count.to_string());
        rows.row(std::iter::once(table::marked(result, &method.card.name)).chain(counts));
    }
    section(
        "Every run that was begun",
        &rows,
        "A seed is in the figures once all methods have completed it, so that all figures compare the same seeds.",
    )
}

fn section(title: &str, rows: &Table, notes: &str) -> String {
    match rows.rows.is_empty() {
        true => String::new(),
        false => format!("\n## {title}\n\n{}\n{notes}\n", rows.markdown()),
    }
}

/// `x_mm` as "x" and "mm".
fn axis_and_unit(axis: &str) -> [&str; 2] {
    axis.split_once('_').map_or([axis, ""], |(axis, unit)| [axis, unit])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::synthetic;

    fn text(result: &ExperimentResult) -> String {
        all(result, &Summary::of(result, 50))
    }

    #[test]
    fn what_a_method_says_of_itself_is_checked_in_the_report() {
        let text = text(&synthetic::experiment(5));
        let line =
            text.lines().find(|line| line.starts_with("| rm-rl | in-scene | 150 |")).unwrap();
        assert_eq!(line.matches('|').count(), 13, "{line}");
        assert!(text.contains("Wanted are 68 and 95 %"));
        let mut silent = synthetic::experiment(5);
        for trial in
            silent.methods.iter_mut().flat_map(|m| &mut m.runs).flat_map(|r| &mut r.evaluated)
        {
            trial.spread = None;
        }
        assert!(!super::all(&silent, &Summary::of(&silent, 50)).contains("## Coverage"));
    }

    #[test]
    fn the_excess_over_the_floor_is_told_where_a_floor_is_known() {
        let mut result = synthetic::experiment(5);
        assert!(text(&result).contains("the last error less 0.25 mm and 0.16 deg"));
        result.floor = None;
        assert!(!text(&result).contains("floor"));
    }

    #[test]
    fn a_run_that_was_begun_and_is_in_no_figure_is_in_a_table() {
        let mut result = synthetic::experiment(3);
        assert_eq!(runs(&result), "");
        result.methods[3].started = Started { begun: 5, complete: 3, failed: 1 };
        assert!(runs(&result).contains("| reinforce | 5 | 3 | 1 | 3 |"));
    }

    #[test]
    fn labels_are_told_by_visits() {
        let mut result = synthetic::experiment(2);
        let rm_rl = result.methods.iter_mut().find(|m| m.card.name == "rm-rl").unwrap();
        rm_rl.runs[0].labels = [(2, 0.4), (25, 0.0)]
            .map(|(visits, earned)| crate::report::LabelCount {
                visits,
                given: 10,
                mm: 8.0,
                deg: 5.0,
                lead: 1.0,
                earned,
                stood: 20,
                changed: 5,
            })
            .to_vec();
        let text = text(&result);
        assert!(text.contains("| rm-rl | 2 to 19 | 10 | 0.80 | 0.50 | 60 | 25 |"), "{text}");
        assert!(text.contains("| rm-rl | from 20 | 10 | 0.80 | 0.50 | 100 | 25 |"), "{text}");
    }
}
