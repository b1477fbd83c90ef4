use super::stats::{Estimate, Interval};
use super::{ExperimentResult, MethodSummary, ShelfSummary, Success, Summary};

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
    let mut table = Table::new([
        "method",
        "signal",
        "context",
        "in-scene (mm)",
        "in-scene (deg)",
        "held-out (mm)",
        "held-out (deg)",
        "success (%)",
        "held-out success (%)",
        "shelf",
        "trials to 1 mm, 1 deg",
    ]);
    for (name, m) in &summary.methods.0 {
        table.row([
            marked(result, name),
            m.signal.into(),
            m.context.into(),
            estimate(&m.translation_mm),
            estimate(&m.yaw_deg),
            estimate(&m.held_out.translation_mm),
            estimate(&m.held_out.yaw_deg),
            success(m.success.as_ref()),
            success(m.held_out_success.as_ref()),
            shelf(m.shelf.as_ref()),
            time_to_reach(m),
        ]);
    }
    table
}

/// `table.tex`: the same table as in the report, with its notes as comments.
pub fn table_tex(result: &ExperimentResult, summary: &Summary) -> String {
    format!(
        "% {}: {} training trials a run, {} seeds. IQM over seeds [95 % interval], last checkpoint.\n% {}",
        summary.experiment.replace('\n', " "),
        summary.trials,
        summary.seeds,
        results(result, summary).latex()
    )
}

/// For the terminal at the end of a run: the main figures and what rm-rl gained.
pub fn console_table(result: &ExperimentResult, summary: &Summary) -> String {
    let mut table =
        Table::new(["method", "in-scene mm", "deg", "held-out mm", "deg", "success %", "shelf"]);
    for (name, m) in &summary.methods.0 {
        table.row([
            marked(result, name),
            estimate(&m.translation_mm),
            estimate(&m.yaw_deg),
            format!("{:.2}", m.held_out.translation_mm.iqm),
            format!("{:.2}", m.held_out.yaw_deg.iqm),
            success(m.success.as_ref()),
            m.shelf.map_or("-".into(), |s| format!("{}/{}", s.placed, s.of)),
        ]);
    }
    let mut text = format!(
        "{}: {} of {} seeds, {} trials a run; IQM over seeds [95 % interval]\n",
        summary.experiment,
        summary.seeds,
        result.seeds.len(),
        summary.trials
    );
    text += &table.aligned();
    if result.methods.iter().any(|m| m.card.sees_truth) {
        text += &format!("{TOLD} is told the true offset: a reference, not a competitor\n");
    }
    for (rival, methods) in &summary.improvement_over.0 {
        if let Some(gain) = methods.get("rm-rl") {
            text += &format!(
                "rm-rl over {rival}: translation {} % lower, yaw {} % lower, P(better) {:.2}\n",
                interval(&gain.translation_pct, 0),
                interval(&gain.yaw_pct, 0),
                gain.probability
            );
        }
    }
    text
}

/// The method's name, marked if it is told the truth.
pub fn marked(result: &ExperimentResult, name: &str) -> String {
    let told = result.method(name).is_some_and(|m| m.card.sees_truth);
    if told { format!("{name} {TOLD}") } else { name.to_owned() }
}

pub fn estimate(e: &Estimate) -> String {
    interval(&Interval { value: e.iqm, ci95: e.ci95 }, 2)
}

/// `value [low, high]` with so many decimals; the value alone where there is no interval.
pub fn interval(i: &Interval, decimals: usize) -> String {
    let number = |x: f64| format!("{:.decimals$}", x + 0.0);
    match i.ci95 {
        Some([low, high]) => format!("{} [{}, {}]", number(i.value), number(low), number(high)),
        None => number(i.value),
    }
}

fn success(success: Option<&Success>) -> String {
    let percent =
        |s: &Success| Interval { value: 100.0 * s.rate, ci95: Some(s.ci95.map(|x| 100.0 * x)) };
    success.map_or("-".into(), |s| interval(&percent(s), 0))
}

fn shelf(shelf: Option<&ShelfSummary>) -> String {
    shelf.map_or("-".into(), |s| {
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
        let figure = estimate(&summary.methods.get("rm-rl").unwrap().translation_mm);
        assert!(results(&result, &summary).markdown().contains(&figure));
        assert!(table_tex(&result, &summary).contains(&figure));
        assert!(console_table(&result, &summary).contains(&figure));
    }

    #[test]
    fn a_method_that_is_told_the_truth_is_marked() {
        let result = synthetic::experiment(2);
        let text = results(&result, &Summary::of(&result, 20)).markdown();
        assert!(text.contains("| oracle † |") && text.contains("| true-labels † |"));
        assert!(text.contains("| rm-rl |") && text.contains("| no-correction |"));
    }

    #[test]
    fn cells_cannot_break_the_table_they_are_in() {
        let mut table = Table::new(["a", "b"]);
        table.row(["x|y", "50 % & $_"]);
        assert!(table.markdown().contains("x\\|y"));
        assert!(table.latex().contains("50 \\% \\& \\$\\_ \\\\"));
    }

    #[test]
    fn a_value_without_an_interval_stands_alone() {
        assert_eq!(interval(&Interval { value: 1.234, ci95: None }, 2), "1.23");
        assert_eq!(interval(&Interval { value: -4.0, ci95: Some([-8.6, 0.4]) }, 0), "-4 [-9, 0]");
    }
}
