use std::fmt::Write as _;

use serde_json::json;

use super::study::Told;
use crate::eyes::gauge::{
    Fault, MOST_LIGHT_DRIFT, MOST_LOST, NEEDED_DEG, NEEDED_MM, Repeatability,
};

/// Minutes that a drift may go on between two checks.
const MINUTES: f64 = 10.0;

/// A row: what, x, y and yaw or one figure, what is needed, and whether it is met where something is.
struct Row {
    place: &'static str,
    what: String,
    figures: Vec<String>,
    needed: String,
    verdict: &'static str,
}

/// One table of all studies, and why looks were lost.
pub fn text(studies: &[Told]) -> String {
    let mut rows = vec![Row {
        place: "camera",
        what: "figure".into(),
        figures: ["x mm", "y mm", "yaw deg"].map(str::to_owned).into(),
        needed: "needed".into(),
        verdict: "",
    }];
    studies.iter().for_each(|told| rows.extend(rows_of(told)));
    let widest = |of: &dyn Fn(&Row) -> usize| rows.iter().map(of).max().unwrap_or(0);
    let (place, what) = (widest(&|row| row.place.len()), widest(&|row| row.what.len()));
    let needed = widest(&|row| row.needed.len());
    let mut text = String::new();
    for row in &rows {
        let figures: String = row.figures.iter().map(|figure| format!(" {figure:>9}")).collect();
        let line = format!(
            "{:place$}  {:what$} {figures:30}  {:>needed$}  {}",
            row.place, row.what, row.needed, row.verdict
        );
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{}", line.trim_end());
    }
    for told in studies {
        for (why, times) in &told.lost {
            let _ = writeln!(text, "lost at the {}, {times} times: {why}", told.at.words());
        }
    }
    text.truncate(text.trim_end().len());
    text
}

fn rows_of(told: &Told) -> Vec<Row> {
    let place = told.at.words();
    let row = |what: String, figures: Vec<String>, needed: String, met: Option<bool>| Row {
        place,
        what,
        figures,
        needed,
        verdict: met.map_or("", |met| if met { "ok" } else { "WRONG" }),
    };
    let three = |of: [f64; 3]| of.map(fixed).to_vec();
    let within = |of: [f64; 3]| of[0].max(of[1]) <= NEEDED_MM && of[2] <= NEEDED_DEG;
    let needed = || format!("{NEEDED_MM} mm, {NEEDED_DEG} deg");
    let lost = |what: String, of: &Repeatability| {
        let share = of.lost as f64 / of.looks.max(1) as f64;
        let figure = format!("{:.1} %", 100.0 * share);
        let most = format!("{:.0} %", 100.0 * MOST_LOST);
        row(what, vec![figure], most, Some(share <= MOST_LOST))
    };
    let of = &told.still;
    let readings = of.looks - of.lost;
    let drifts = [0, 1, 2].map(|axis| of.drift[axis] * MINUTES);
    let drifting = of.faults().iter().any(|fault| matches!(fault, Fault::Drifts { .. }));
    let light = of.light_drift;
    let dimming = of.faults().iter().any(|fault| matches!(fault, Fault::Light { .. }));
    let mut rows = vec![
        row(
            format!("repeatability (sd), {readings} readings"),
            three(of.sd),
            needed(),
            Some(within(of.sd)),
        ),
        row("95 % of readings lie within +-".into(), three(of.range95), String::new(), None),
        row(
            "as readings say of themselves (sd)".into(),
            vec![
                format!("{:.3}", of.said[0]),
                format!("{:.3}", of.said[0]),
                format!("{:.3}", of.said[1]),
            ],
            String::new(),
            None,
        ),
        row(
            format!("drift in {MINUTES:.0} min, over {:.1} min", told.minutes),
            three(drifts),
            needed(),
            Some(!drifting),
        ),
        row(
            "  its standard error".into(),
            three(of.drift_sd.map(|sd| sd * MINUTES)),
            String::new(),
            None,
        ),
        row(
            "exposure drift, grey levels a minute".into(),
            vec![format!("{light:.2} +-{:.2}", of.light_drift_sd)],
            format!("{MOST_LIGHT_DRIFT}"),
            Some(!dimming),
        ),
        lost(format!("lost of {} looks", of.looks), of),
    ];
    if let Some(of) = &told.replaced {
        let readings = of.looks - of.lost;
        rows.push(row(
            format!("after re-placing (sd), {readings} readings"),
            three(of.sd),
            needed(),
            Some(within(of.sd)),
        ));
        rows.push(row(
            "95 % of readings lie within +-".into(),
            three(of.range95),
            String::new(),
            None,
        ));
        rows.push(lost(format!("lost of {} looks after re-placing", of.looks), of));
    }
    rows
}

/// To a thousandth, without a negative zero.
fn fixed(value: f64) -> String {
    format!("{:.3}", (value * 1e3).round() / 1e3 + 0.0)
}

/// The same for programs: mm and deg, drifts a minute.
pub fn json(robot: &str, studies: &[Told]) -> serde_json::Value {
    let three = |of: [f64; 3]| json!({ "x_mm": of[0], "y_mm": of[1], "yaw_deg": of[2] });
    let study = |of: &Repeatability| {
        json!({
            "looks": of.looks, "lost": of.lost, "sd": three(of.sd), "range95": three(of.range95),
            "drift_per_minute": three(of.drift), "drift_standard_error": three(of.drift_sd),
            "light_drift_per_minute": of.light_drift,
            "light_drift_standard_error": of.light_drift_sd,
            "said_sd": { "mm": of.said[0], "deg": of.said[1] },
        })
    };
    let camera = |told: &Told| {
        json!({
            "camera": told.at.key(), "minutes": told.minutes, "still": study(&told.still),
            "replaced": told.replaced.as_ref().map(study), "lost": told.lost, "faults": told.faults(),
            "interrupted": told.stopped,
        })
    };
    let cameras: Vec<_> = studies.iter().map(camera).collect();
    let ok = studies.iter().all(|told| told.faults().is_empty() && !told.stopped);
    json!({
        "robot": robot, "cameras": cameras, "ok": ok,
        "needed": {
            "sd_mm": NEEDED_MM, "sd_deg": NEEDED_DEG, "lost": MOST_LOST,
            "light_drift_per_minute": MOST_LIGHT_DRIFT, "drift_minutes": MINUTES,
        },
    })
}
