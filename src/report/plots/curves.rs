use super::axis::Axis;
use super::palette::{Look, looks};
use super::panel::Panel;
use super::series::{Line, Quantity};
use super::{Area, DrawError, TITLE_HEIGHT, UNITS, WIDTH};
use crate::learn::Role;
use crate::report::metrics::PRECISE;
use crate::report::stats::Bootstrap;
use crate::report::table::TOLD;
use crate::report::{ExperimentResult, MethodResult, Metric, ReportError, Shown, shown_in};

/// Bands are drawn to about a pixel: more resamples than this would not be seen.
pub const MOST_BAND_ROUNDS: usize = 5_000;
/// Pixels of a panel of differences.
const DIFFERENCE_HEIGHT: u32 = 300;
/// What lines and bands are.
const STATISTIC: &str = "interquartile mean, 95 % bootstrap band";
/// The first trial of the logarithmic axis.
const FROM: f64 = 20.0;

/// Learning curves as SVG: for each metric a row of panels, in-scene and held-out, against physical trials
/// (and robot hours on top), and a row of differences to the best rival, paired over seeds. Interquartile
/// mean over runs, 95 % bootstrap band, each run faintly; references dashed.
pub fn learning_curves(result: &ExperimentResult, rounds: usize) -> Result<String, ReportError> {
    let metrics = shown_in(Shown::Curves);
    let mut drawing = Drawing::new(result, rounds);
    let rival = best_rival(result).filter(|rival| drawing.contestants(rival) > 0);
    let (first, last) = ends(result);
    let x = Axis { from: first, to: last, logarithmic: false };
    let panel_height = Panel::height(result.methods.len() + 2);
    let row_height = panel_height + if rival.is_some() { DIFFERENCE_HEIGHT } else { 0 };
    let height = TITLE_HEIGHT + metrics.len() as u32 * row_height;
    super::svg((WIDTH, height), |area| {
        let (title, mut rest) = area.split_vertically(TITLE_HEIGHT * UNITS);
        super::title(&title, result, STATISTIC)?;
        for (row, &metric) in metrics.iter().enumerate() {
            let (panels, below) = rest.split_vertically(panel_height * UNITS);
            let is_last = row + 1 == metrics.len();
            let hours = hours_per_trial(result).filter(|_| row == 0);
            drawing.errors(&panels, metric, x, (is_last && rival.is_none(), hours))?;
            rest = below;
            if let Some(rival) = rival {
                let (panels, below) = rest.split_vertically(DIFFERENCE_HEIGHT * UNITS);
                drawing.differences(&panels, (metric, rival), x, is_last)?;
                rest = below;
            }
        }
        Ok(())
    })
}

/// Errors in-scene against physical trials on a logarithmic axis from 20, as SVG: which method to take for how
/// many trials. A panel a metric.
pub fn by_budget(result: &ExperimentResult, rounds: usize) -> Result<String, ReportError> {
    let metrics = shown_in(Shown::Curves);
    let mut drawing = Drawing::new(result, rounds);
    let last = ends(result).1.max(2.0 * FROM);
    let x = Axis { from: FROM, to: last, logarithmic: true };
    let panel_height = Panel::height(result.methods.len() + 2);
    let rows = metrics.len().div_ceil(2) as u32;
    super::svg((WIDTH, TITLE_HEIGHT + rows * panel_height), |area| {
        let (title, rest) = area.split_vertically(TITLE_HEIGHT * UNITS);
        super::title(&title, result, STATISTIC)?;
        let cells = rest.split_evenly((rows as usize, 2));
        for (cell, &metric) in cells.iter().zip(&metrics) {
            let quantity = Quantity { metric, held_out: false };
            let lines = drawing.lines(quantity);
            // What is not there yet hides nothing: only what is shown sets the height.
            let shown = lines.iter().flat_map(|line| &line.centre).filter(|s| x.holds(s.trial));
            let top = shown.map(|s| s.estimate.iqm).fold(0.0, f64::max);
            drawing.panel(quantity, x, (0.0, above(top))).titled(true, None).draw(cell, &lines)?;
        }
        Ok(())
    })
}

/// What all panels of a figure share.
struct Drawing<'r> {
    result: &'r ExperimentResult,
    looks: Vec<Look>,
    bootstrap: Bootstrap,
}

impl<'r> Drawing<'r> {
    fn new(result: &'r ExperimentResult, rounds: usize) -> Self {
        let looks = looks(result.methods.iter().map(|m| &m.card));
        Self { result, looks, bootstrap: Bootstrap::new(rounds.min(MOST_BAND_ROUNDS)) }
    }

    fn named(&self) -> impl Iterator<Item = (&'r MethodResult, (String, Look))> + use<'_, 'r> {
        self.result.methods.iter().zip(&self.looks).map(|(method, look)| {
            let told = if method.card.sees_truth { TOLD } else { "" };
            (method, (format!("{}{told}", method.card.name), *look))
        })
    }

    fn lines(&mut self, quantity: Quantity) -> Vec<Line> {
        let named: Vec<_> = self.named().collect();
        let lines = named.into_iter();
        lines
            .map(|(method, named)| Line::of(method, named, quantity, &mut self.bootstrap))
            .collect()
    }

    /// Who is compared with the best rival.
    fn contestants(&self, rival: &MethodResult) -> usize {
        self.result.methods.iter().filter(|method| contests(method, rival)).count()
    }

    fn panel(&self, quantity: Quantity, x: Axis, y: (f64, f64)) -> Panel {
        let metric = quantity.metric;
        let goal = PRECISE.iter().find(|(key, _)| *key == metric.key);
        let goal = goal.map(|(_, goal)| (*goal, format!("{goal} {}", metric.unit)));
        let floor = self.result.floor.and_then(|floor| floor.under(&metric));
        let floor = floor.map(|floor| (floor, "arm's own noise".to_owned()));
        let evaluated = if quantity.held_out { "held-out" } else { "in-scene" };
        Panel {
            title: format!("{}, {evaluated}", metric.title),
            y_title: metric.axis(),
            x,
            has_x_title: false,
            hours_per_trial: None,
            y,
            levels: goal.into_iter().chain(floor).filter(|(level, _)| *level < y.1).collect(),
        }
    }

    /// A row of errors.
    fn errors(
        &mut self,
        area: &Area<'_>,
        metric: Metric,
        x: Axis,
        (has_x_title, hours): (bool, Option<f64>),
    ) -> Result<(), DrawError> {
        let columns = [false, true].map(|held_out| self.lines(Quantity { metric, held_out }));
        let top = columns.iter().flatten().map(|line| line.ends().1).fold(0.0, f64::max);
        let cells = area.split_evenly((1, 2));
        for ((cell, lines), held_out) in cells.iter().zip(&columns).zip([false, true]) {
            let panel = self.panel(Quantity { metric, held_out }, x, (0.0, above(top)));
            panel.titled(has_x_title, hours).draw(cell, lines)?;
        }
        Ok(())
    }

    /// A row of differences to the best rival.
    fn differences(
        &mut self,
        area: &Area<'_>,
        (metric, rival): (Metric, &MethodResult),
        x: Axis,
        has_x_title: bool,
    ) -> Result<(), DrawError> {
        let mut lines = |held_out: bool| -> Vec<Line> {
            let quantity = Quantity { metric, held_out };
            let named: Vec<_> = self.named().filter(|(m, _)| contests(m, rival)).collect();
            let of = |(method, named)| {
                Line::difference(method, rival, named, quantity, &mut self.bootstrap)
            };
            named.into_iter().map(of).collect()
        };
        let columns = [lines(false), lines(true)];
        let ends = columns.iter().flatten().map(Line::ends);
        let (low, high) = ends.fold((0.0, 0.0), |(a, b): (f64, f64), (l, h)| (a.min(l), b.max(h)));
        let room = 0.06 * (high - low).max(1e-6);
        let cells = area.split_evenly((1, 2));
        for ((cell, lines), held_out) in cells.iter().zip(&columns).zip([false, true]) {
            let evaluated = if held_out { "held-out" } else { "in-scene" };
            let panel = Panel {
                title: format!("difference to the best rival, {evaluated}"),
                y_title: format!("difference ({})", metric.unit),
                x,
                has_x_title,
                hours_per_trial: None,
                y: (low - room, high + room),
                levels: vec![(0.0, rival.card.name.clone())],
            };
            panel.draw(cell, lines)?;
        }
        Ok(())
    }
}

impl Panel {
    fn titled(self, has_x_title: bool, hours_per_trial: Option<f64>) -> Self {
        Self { has_x_title, hours_per_trial, ..self }
    }
}

fn above(top: f64) -> f64 {
    if top > 0.0 { 1.08 * top } else { 1.0 }
}

/// Is it in the contest with the rival?
fn contests(method: &MethodResult, rival: &MethodResult) -> bool {
    method.card.role != Role::Reference && method.card.name != rival.card.name
}

/// The rival whose errors cost least in the end, in-scene.
fn best_rival(result: &ExperimentResult) -> Option<&MethodResult> {
    let cost = |method: &MethodResult| {
        let costs: Vec<f64> = method.final_checkpoints().map(|(_, c)| c.in_scene.cost()).collect();
        (!costs.is_empty()).then(|| costs.iter().sum::<f64>() / costs.len() as f64)
    };
    let rivals = result.methods.iter().filter(|method| method.card.role == Role::Rival);
    let costed = rivals.filter_map(|method| Some((cost(method)?, method)));
    costed.min_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, method)| method)
}

/// The first trial of the x axis, 0 or below, and the last one.
fn ends(result: &ExperimentResult) -> (f64, f64) {
    let checkpoints = || result.methods.iter().flat_map(|m| &m.runs).flat_map(|r| &r.checkpoints);
    let first = checkpoints().map(|c| c.trial).min().unwrap_or(0).min(0);
    let last = checkpoints().map(|c| c.trial).max().filter(|&trial| trial > 0);
    (first as f64, last.unwrap_or(result.trials.max(1) as i64) as f64)
}

/// Mean robot time of a trial over all runs, hours.
fn hours_per_trial(result: &ExperimentResult) -> Option<f64> {
    let (hours, trials) = result
        .methods
        .iter()
        .flat_map(|m| m.final_checkpoints().map(|(_, c)| (c, m.card.on_top() as i64)))
        .fold((0.0, 0), |(h, t), (c, on_top)| (h + c.robot_hours, t + c.trial + on_top));
    (trials > 0 && hours > 0.0).then(|| hours / trials as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::synthetic;

    #[test]
    fn the_picture_names_experiment_seeds_statistic_floor_tolerance_and_the_best_rival() {
        let svg = learning_curves(&synthetic::experiment(6), 50).unwrap();
        for said in [
            "narrow: 6 seeds, 50 evaluation trials each; interquartile mean",
            "own noise",
            "1 mm",
            "1 deg",
            "difference to the best rival, held-out",
            "rm-rl-pretrained",
        ] {
            assert!(svg.contains(said), "{said}");
        }
        assert!(!svg.contains("00000000"), "a tick shows what rounding left");
        let mut result = synthetic::experiment(6);
        result.floor = None;
        result.methods.retain(|m| m.card.role != Role::Rival);
        let svg = learning_curves(&result, 50).unwrap();
        assert!(!svg.contains("own noise") && !svg.contains("best rival"));
    }

    #[test]
    fn the_budgets_begin_at_twenty_trials() {
        let svg = by_budget(&synthetic::experiment(3), 50).unwrap();
        assert!(svg.contains(">\n20\n") || svg.contains(">20<"), "{}", &svg[..3000]);
        assert!(!svg.contains(">\n0.05\n"));
    }
}
