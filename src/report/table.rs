use super::metrics::{self, Metric, Shown};
use super::significance::FEWEST_FOR_A_VERDICT;
use super::stats::{Estimate, Interval};
use super::summary::{DemonstrationSummary, Figure, MethodSummary, Rate, Summary, TRUTH};
use super::{Contrast, ExperimentResult};

/// Cells of text, written as Markdown, LaTeX or aligned columns. The first row is the head.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    pub head: Vec<String>,
    pub rows: Vec<Vec<String>>,
}

/// Marks a method that is told the true offset.
pub const TOLD: &str = "†";

impl Table {
    pub fn new<S: Into<String>>(head: impl IntoIterator<Item = S>) -> Self {
        Self { head: head.into_iter().map(Into::into).collect(), rows: Vec::new() }
    }

    pub fn row<S: Into<String>>(&mut self, cells: impl IntoIterator<Item = S>) {
        self.rows.push(cells.into_iter().map(Into::into).collect());
    }

    /// A GitHub table.
    pub fn markdown(&self) -> String {
        let line = |cells: &[String]| {
            let cells: Vec<String> = cells.iter().map(|c| c.replace('|', "\\|")).collect();
            format!("| {} |\n", cells.join(" | "))
        };
        let rule = format!("|{}\n", " --- |".repeat(self.head.len()));
        let body: String = self.rows.iter().map(|row| line(row)).collect();
        line(&self.head) + &rule + &body
    }

    /// A `tabular` with booktabs rules; the first column left, the others to the right.
    pub fn latex(&self) -> String {
        let line = |cells: &[String]| {
            let cells: Vec<String> = cells.iter().map(|c| latex_text(c)).collect();
            format!("{} \\\\\n", cells.join(" & "))
        };
        let columns = format!("l{}", "r".repeat(self.head.len().saturating_sub(1)));
        let body: String = self.rows.iter().map(|row| line(row)).collect();
        format!(
            "% \\usepackage{{booktabs}}\n\\begin{{tabular}}{{{columns}}}\n\\toprule\n{}\\midrule\n{body}\\bottomrule\n\\end{{tabular}}\n",
            line(&self.head)
        )
    }

    /// Columns of even width for a terminal.
    pub fn aligned(&self) -> String {
        let rows = || std::iter::once(&self.head).chain(&self.rows);
        let width = |column: usize| {
            rows().filter_map(|row| row.get(column)).map(|c| c.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..self.head.len()).map(width).collect();
        let mut text = String::new();
        for row in rows() {
            let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
            text += cells.collect::<Vec<_>>().join("  ").trim_end();
            text.push('\n');
        }
        text
    }
}

/// One line a method: what it is told, then its figures with their 95 % intervals.
pub fn results(result: &ExperimentResult, summary: &Summary) -> Table {
    let (means, shares) = means_and_shares();
    let scenes = result.demonstrated();
    let mut head: Vec<String> = ["method", "signal", "context"].map(str::to_owned).to_vec();
    for place in ["in-scene", "held-out"] {
        head.extend(means.iter().map(|metric| format!("{place} ({})", metric.short)));
    }
    for place in ["", "held-out "] {
        head.extend(shares.iter().map(|metric| format!("{place}{} (%)", metric.short)));
    }
    head.extend(scenes.iter().map(|scene| (*scene).to_owned()));
    head.push("trials to 1 mm, 1 deg".into());
    let mut table = Table::new(head);
    for (name, m) in grouped(result, summary) {
        let context = if m.signal == TRUTH { "-" } else { m.context };
        let mut row = vec![marked(result, name), m.signal.into(), context.into()];
        for metrics in [&means, &shares] {
            for place in [&m.in_scene, &m.held_out] {
                row.extend(metrics.iter().map(|metric| figure(metric, place.get(metric.key))));
            }
        }
        row.extend(scenes.iter().map(|scene| demonstration(m, scene)));
        row.push(time_to_reach(m));
        table.row(row);
    }
    table
}

/// `table.tex`: five columns that fit a column of a paper, and the whole table of the report for an appendix,
/// with its notes as comments.
pub fn table_tex(result: &ExperimentResult, summary: &Summary) -> String {
    format!(
        "% {}: {} training trials a run, {} seeds. IQM over seeds [95 % interval], last checkpoint, in-scene.\n\
         % \\usepackage{{booktabs}}\n{{\\footnotesize\\setlength{{\\tabcolsep}}{{2pt}}%\n{}}}\n\n\
         % The same for an appendix, on a page of its own: \\usepackage{{rotating}}\n\
         \\iffalse\n\\begin{{sidewaystable}}\\tiny\n{}\\end{{sidewaystable}}\n\\fi\n",
        summary.experiment.replace('\n', " "),
        summary.trials,
        summary.seeds,
        column(result, summary),
        results(result, summary).latex()
    )
}

/// Method, first two errors, first share, trials to precision: 240 pt wide at `footnotesize`.
fn column(result: &ExperimentResult, summary: &Summary) -> String {
    let (means, shares) = means_and_shares();
    let (means, shares) = (&means[..means.len().min(2)], &shares[..shares.len().min(1)]);
    let metrics = || means.iter().chain(shares);
    let heads = metrics().map(|metric| metric.short.replace("success", "succ. (%)"));
    let head = std::iter::once("method".to_owned()).chain(heads);
    let mut table = Table::new(head.chain(["trials".to_owned()]));
    for (name, m) in grouped(result, summary) {
        let mut row = vec![marked(result, name)];
        row.extend(metrics().map(|metric| figure(metric, m.in_scene.get(metric.key))));
        row.push(format!("{:.0}", m.trials_to_1mm_1deg.restricted_mean));
        table.row(row);
    }
    // An interval in small print.
    let small = |line: &str| line.replace(" [", " {\\tiny[").replace(']', "]}");
    table.latex().lines().map(|line| small(line) + "\n").collect()
}

/// For the terminal at the end of a run: the main figures and the experiment's contrasts.
pub fn console_table(result: &ExperimentResult, summary: &Summary) -> String {
    let (means, shares) = means_and_shares();
    let scenes = result.demonstrated();
    let mut head = vec!["method".to_owned()];
    for place in ["in-scene", "held-out"] {
        let first = std::iter::once(format!("{place} ")).chain(std::iter::repeat(String::new()));
        head.extend(means.iter().zip(first).map(|(metric, at)| at + metric.short));
    }
    head.extend(shares.iter().map(|metric| format!("{} %", metric.short)));
    head.extend(scenes.iter().map(|scene| (*scene).to_owned()));
    let mut table = Table::new(head);
    for (name, m) in grouped(result, summary) {
        let mut row = vec![marked(result, name)];
        row.extend(means.iter().map(|metric| figure(metric, m.in_scene.get(metric.key))));
        row.extend(means.iter().map(|metric| value(metric, m.held_out.get(metric.key))));
        row.extend(shares.iter().map(|metric| figure(metric, m.in_scene.get(metric.key))));
        row.extend(scenes.iter().map(|scene| {
            shown(m, scene).map_or("-".into(), |shown| format!("{}/{}", shown.placed, shown.of))
        }));
        table.row(row);
    }
    let mut text = format!(
        "{}: {} of {} seeds, {} trials a run; IQM over seeds [95 % interval]\n",
        summary.experiment,
        summary.seeds,
        result.seeds.len(),
        summary.trials
    );
    text += &few_seeds(summary.seeds).map_or(String::new(), |few| format!("{few}\n"));
    text += &table.aligned();
    if result.methods.iter().any(|m| m.card.sees_truth) {
        text += &format!("{TOLD} is told the true offset: a reference, not a competitor\n");
    }
    for contrasted in &summary.contrasts {
        let (method, over) = (&contrasted.contrast.method, &contrasted.contrast.over);
        let gains = contrasted.gains.pct.0.iter();
        let gains: Vec<String> = gains
            .map(|(metric, gain)| format!("{} {}", metric.title, change(metric, gain)))
            .collect();
        let shown = contrasted.demonstrations.iter();
        let shown: String = shown.map(|d| format!(", {} {}", d.scene, points(&d.points))).collect();
        let primary = &contrasted.primary;
        let verdict = match (primary.verdict(), primary.p_holm) {
            (Some(verdict), Some(p)) => format!(", {verdict} (p {p:.3} after Holm)"),
            _ => String::new(),
        };
        let probability = match primary.seeds >= FEWEST_FOR_A_VERDICT {
            true => format!(", P(better) {:.2}", contrasted.gains.probability),
            false => String::new(),
        };
        let gains = gains.join(", ");
        text += &format!("{method} over {over}: {gains}{shown}{probability}{verdict}\n");
    }
    let left_out = left_out(result, summary);
    if !left_out.is_empty() {
        text += &format!(
            "not compared, not both in this run or without a seed in common: {}\n",
            left_out.join(", ")
        );
    }
    text
}

/// Seeds below which a report says at its top that there are few.
const FEW: usize = 10;

/// What few seeds cannot tell; `None` of enough.
pub(super) fn few_seeds(seeds: usize) -> Option<String> {
    let seeds_are = match seeds {
        0 | FEW.. => return None,
        1 => "One seed. There is no interval, no verdict, and no conclusion to draw.".to_owned(),
        n if n < FEWEST_FOR_A_VERDICT => format!(
            "{n} seeds. Below {FEWEST_FOR_A_VERDICT} no verdict is given: intervals of so few are too narrow."
        ),
        n => format!(
            "{n} seeds. Below {FEW}, intervals are too narrow and differences easily missed."
        ),
    };
    Some(seeds_are)
}

/// The methods by what they learn from: the truth, a scalar, an unsigned, a signed error.
pub(super) fn grouped<'s>(
    result: &ExperimentResult,
    summary: &'s Summary,
) -> Vec<(&'s str, &'s MethodSummary)> {
    let group = |name: &str| {
        let card = result.method(name).map(|m| &m.card);
        card.map(|card| (!card.sees_truth, card.signal))
    };
    let mut all: Vec<_> = summary.methods.0.iter().map(|(name, m)| (name.as_str(), m)).collect();
    all.sort_by_key(|(name, _)| group(name));
    all
}

/// P(better), where there are runs enough to say it.
pub(super) fn probability(p: Option<f64>, seeds: usize) -> String {
    let said = p.filter(|_| seeds >= FEWEST_FOR_A_VERDICT);
    said.map_or("-".to_owned(), |p| format!("{p:.2}"))
}

fn means_and_shares() -> (Vec<Metric>, Vec<Metric>) {
    metrics::shown_in(Shown::Tables).into_iter().partition(Metric::is_mean)
}

/// The contrasts that could not be made, as `method over rival`.
pub(super) fn left_out(result: &ExperimentResult, summary: &Summary) -> Vec<String> {
    let made =
        |contrast: &Contrast| summary.contrasts.iter().any(|made| made.contrast == *contrast);
    let missing = result.contrasts.iter().filter(|contrast| !made(contrast));
    missing.map(|contrast| format!("{} over {}", contrast.method, contrast.over)).collect()
}

/// The method's name, marked if it is told the truth.
pub fn marked(result: &ExperimentResult, name: &str) -> String {
    let told = result.method(name).is_some_and(|m| m.card.sees_truth);
    if told { format!("{name} {TOLD}") } else { name.to_owned() }
}

/// A gain in per cent, in the metric's words: `29 [22, 35] % lower`.
pub fn change(metric: &Metric, gain: &Interval) -> String {
    let [gained, lost] = metric.better.words();
    match gain.value > -0.5 {
        true => format!("{} % {gained}", interval(gain, 0)),
        false => format!("{} % {lost}", interval(&gain.negated(), 0)),
    }
}

/// A difference of two rates: `4 [-1, 9] points more`.
pub fn points(difference: &Interval) -> String {
    match difference.value > -0.5 {
        true => format!("{} points more", interval(difference, 0)),
        false => format!("{} points fewer", interval(&difference.negated(), 0)),
    }
}

pub fn estimate(e: &Estimate, decimals: usize) -> String {
    interval(&Interval { value: e.iqm, ci95: e.ci95 }, decimals)
}

/// With so many decimals, and never "-0".
pub fn number(x: f64, decimals: usize) -> String {
    let text = format!("{x:.decimals$}");
    let is_zero = text.chars().all(|c| "-0.".contains(c));
    if is_zero { text.replace('-', "") } else { text }
}

/// `value [low, high]` with so many decimals; the value alone where there is no interval.
pub fn interval(i: &Interval, decimals: usize) -> String {
    let number = |x: f64| number(x, decimals);
    match i.ci95 {
        Some([low, high]) => format!("{} [{}, {}]", number(i.value), number(low), number(high)),
        None => number(i.value),
    }
}

fn figure(metric: &Metric, figure: Option<&Figure>) -> String {
    match figure {
        Some(Figure::Mean(mean)) => estimate(mean, metric.decimals),
        Some(Figure::Share(Some(Rate { rate, ci95 }))) => {
            let ci95 = Some(ci95.map(|end| 100.0 * end));
            interval(&Interval { value: 100.0 * rate, ci95 }, metric.decimals)
        }
        Some(Figure::Share(None)) | None => "-".into(),
    }
}

/// A mean without its interval.
fn value(metric: &Metric, figure: Option<&Figure>) -> String {
    match figure {
        Some(Figure::Mean(Estimate { iqm, .. })) => format!("{iqm:.*}", metric.decimals),
        _ => "-".into(),
    }
}

fn shown<'m>(m: &'m MethodSummary, scene: &str) -> Option<&'m DemonstrationSummary> {
    m.demonstrations.iter().find(|shown| shown.scene == scene)
}

fn demonstration(m: &MethodSummary, scene: &str) -> String {
    shown(m, scene).map_or("-".into(), |s| {
        let [low, high] = s.ci95.map(|x| 100.0 * x);
        format!("{}/{} [{low:.0}, {high:.0}] %", s.placed, s.of)
    })
}

fn time_to_reach(m: &MethodSummary) -> String {
    let t = &m.trials_to_1mm_1deg;
    format!("{:.0} ({}/{})", t.restricted_mean, t.reached, t.of)
}

fn latex_text(cell: &str) -> String {
    let mut text = String::with_capacity(cell.len());
    for c in cell.chars() {
        match c {
            '\\' => text.push_str("\\textbackslash{}"),
            '~' => text.push_str("\\textasciitilde{}"),
            '^' => text.push_str("\\textasciicircum{}"),
            '†' => text.push_str("$^\\dagger$"),
            '&' | '%' | '$' | '#' | '_' | '{' | '}' => text.extend(['\\', c]),
            c => text.push(c),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::synthetic;

    #[test]
    fn markdown_latex_and_terminal_hold_the_same_figures() {
        let result = synthetic::experiment(5);
        let summary = Summary::of(&result, 200);
        let in_scene = &summary.methods.get("rm-rl").unwrap().in_scene;
        let Some(Figure::Mean(mean)) = in_scene.get("translation_mm") else { panic!("no mean") };
        let figure = estimate(mean, 2);
        assert!(results(&result, &summary).markdown().contains(&figure));
        assert!(table_tex(&result, &summary).contains(&figure));
        assert!(console_table(&result, &summary).contains(&figure));
    }

    #[test]
    fn a_method_that_is_told_the_truth_is_marked() {
        let result = synthetic::experiment(2);
        let text = results(&result, &Summary::of(&result, 20)).markdown();
        assert!(text.contains("| oracle † | truth | - |"), "{text}");
        assert!(text.contains("| true-labels † | truth | - |"));
        assert!(text.contains("| rm-rl |") && text.contains("| no-correction |"));
    }

    #[test]
    fn a_few_seeds_are_told_in_the_terminal_and_have_no_probability() {
        let console = |seeds| {
            let result = synthetic::experiment(seeds);
            console_table(&result, &Summary::of(&result, 50))
        };
        for few in [1, 2, 4] {
            let text = console(few);
            assert!(text.contains("verdict") && !text.contains("P(better)"), "{text}");
            assert!(!text.contains("after Holm"), "{text}");
        }
        assert!(console(7).contains("7 seeds. Below 10") && console(7).contains("P(better)"));
        assert!(!console(12).contains("Below 10") && console(12).contains("better (p 0.0"));
    }

    #[test]
    fn methods_stand_by_what_they_learn_from() {
        let mut result = synthetic::experiment(2);
        result.methods[3].card.signal = crate::task::RewardSignal::Signed;
        let table = results(&result, &Summary::of(&result, 20));
        let signals: Vec<&str> = table.rows.iter().map(|row| row[1].as_str()).collect();
        assert_eq!(signals[..2], ["truth"; 2]);
        assert_eq!((signals[7], table.rows[7][0].as_str()), ("signed", "reinforce"));
    }

    /// 240 pt at 8 pt: a figure is 4 pt wide, an interval in tiny print 3 pt a sign.
    #[test]
    fn the_short_table_has_five_columns_of_a_papers_width() {
        let result = synthetic::experiment(5);
        let text = table_tex(&result, &Summary::of(&result, 20));
        let short = &text[..text.find("\\iffalse").unwrap()];
        assert!(short.contains("\\begin{tabular}{lrrrr}"), "{short}");
        let width = |line: &str| {
            let (mut tiny, mut width) = (false, 0);
            for c in line
                .replace("$^\\dagger$", "+")
                .replace("{\\tiny", "\u{1}")
                .replace(" & ", "&")
                .replace("\\", "")
                .chars()
            {
                match c {
                    '\u{1}' => tiny = true,
                    '}' => tiny = false,
                    _ => width += if tiny { 3 } else { 4 },
                }
            }
            width
        };
        for line in short.lines().filter(|line| line.contains(" & ")) {
            assert!(width(line) < 250, "{} pt: {line}", width(line));
        }
    }

    #[test]
    fn cells_cannot_break_the_table_they_are_in() {
        let mut table = Table::new(["a", "b"]);
        table.row(["x|y", "50 % & $_"]);
        assert!(table.markdown().contains("x\\|y"));
        assert!(table.latex().contains("50 \\% \\& \\$\\_ \\\\"));
    }

    #[test]
    fn a_loss_is_called_by_its_name() {
        let [error, _, success, _] = *metrics::metrics() else { panic!("four metrics") };
        let worse = Interval { value: -602.0, ci95: Some([-700.4, 3.0]) };
        assert_eq!(change(&error, &worse), "602 [-3, 700] % higher");
        assert_eq!(change(&error, &Interval { value: 53.0, ci95: None }), "53 % lower");
        assert_eq!(change(&success, &worse), "602 [-3, 700] % lower");
        assert_eq!(points(&worse), "602 [-3, 700] points fewer");
        let nothing = Interval { value: -0.4, ci95: Some([-0.49, 2.0]) };
        assert_eq!(change(&error, &nothing), "0 [0, 2] % lower");
    }

    #[test]
    fn a_contrast_without_its_rival_is_left_out_and_said() {
        let mut result = synthetic::experiment(3);
        result.methods.retain(|m| m.card.name != "ppo");
        let text = console_table(&result, &Summary::of(&result, 50));
        assert!(text.contains("\nrm-rl over reinforce: translation error "), "{text}");
        assert!(text.contains("in common: rm-rl over ppo\n"), "{text}");
    }

    #[test]
    fn a_value_without_an_interval_stands_alone() {
        assert_eq!(interval(&Interval { value: 1.234, ci95: None }, 2), "1.23");
        assert_eq!(interval(&Interval { value: -4.0, ci95: Some([-8.6, 0.4]) }, 0), "-4 [-9, 0]");
    }
}
