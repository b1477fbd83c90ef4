//! `results/faults`: every moment as a line of CSV, and a table of counts.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::ops::Range;
use std::path::PathBuf;

use crate::Moment;
use crate::cases::CASES;
use crate::ledger::Ledger;

/// Tells the person who waits for it.
pub fn note(moment: &Moment) {
    eprintln!("{}", line(moment).trim_end());
}

/// Writes everything so far.
pub fn write(
    folder: &str,
    cases: Range<usize>,
    moments: &[Moment],
    ledger: &Ledger,
    stops_by_load: &[String],
    speed: f64,
) {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(folder);
    std::fs::create_dir_all(&folder).unwrap();
    let mut csv = String::from(
        "fault,at_s,moving,exit_code,stood_after_s,crept_mm,open_trial,trials_so_far,said,wrong\n",
    );
    for moment in moments {
        csv += &line(moment);
    }
    std::fs::write(folder.join("moments.csv"), csv).unwrap();
    std::fs::write(folder.join("table.md"), table(cases, moments, ledger, stops_by_load, speed))
        .unwrap();
}

fn line(moment: &Moment) -> String {
    let Moment { case, at, moving, code, said, stood_after, crept_mm, .. } = moment;
    let code = code.map_or("went on".into(), |code| code.to_string());
    let quoted = |text: &str| text.replace(['"', '\n'], "'");
    format!(
        "{},{at:.2},{moving},{code},{stood_after:.2},{crept_mm:.3},{},{},\"{}\",\"{}\"\n",
        CASES[*case].name,
        moment.open_trial,
        moment.trials,
        quoted(said),
        quoted(&moment.wrong.join("; "))
    )
}

fn table(
    cases: Range<usize>,
    moments: &[Moment],
    ledger: &Ledger,
    stops_by_load: &[String],
    speed: f64,
) -> String {
    let mut text = String::from(
        "| fault | moments | while moving | driver stopped | went on | to a stand, s: median, most \
         | crept, mm: most | trials cut off | wrong |\n|---|---|---|---|---|---|---|---|---|\n",
    );
    for case in cases.clone() {
        let what = &CASES[case];
        let of: Vec<&Moment> = moments.iter().filter(|moment| moment.case == case).collect();
        let count = |holds: fn(&Moment) -> bool| of.iter().filter(|m| holds(m)).count();
        let mut stood: Vec<f64> =
            of.iter().filter(|m| m.code.is_some()).map(|m| m.stood_after).collect();
        stood.sort_by(f64::total_cmp);
        let median = stood.get(stood.len() / 2).map_or("-".into(), |s| format!("{s:.2}"));
        let most = stood.last().map_or("-".into(), |s| format!("{s:.2}"));
        let crept = of.iter().map(|m| m.crept_mm).fold(0.0, f64::max);
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} | {median}, {most} | {crept:.3} | {} | {} |",
            what.name,
            of.len(),
            count(|m| m.moving),
            count(|m| m.code.is_some()),
            count(|m| m.code.is_none()),
            count(|m| m.open_trial),
            count(|m| !m.wrong.is_empty()),
        );
    }
    let _ = writeln!(
        text,
        "\n{} moments at {speed} times life. In the run's file: {} trials, {} of them \
         `interrupted`; none lost, none twice, none changed, unless the last column says so. \
         Besides, the driver stopped {} times before any fault, on a machine that was busy with \
         other things; these count as no moments ({}).\n",
        moments.len(),
        ledger.0.len(),
        ledger.interrupted(),
        stops_by_load.len(),
        counts(stops_by_load.iter().map(String::as_str)),
    );
    text += "| fault | what the driver said |\n|---|---|\n";
    for case in cases {
        let what = &CASES[case];
        let of = moments.iter().filter(|m| m.case == case && m.code.is_some());
        let _ = writeln!(text, "| {} | {} |", what.name, counts(of.map(|m| m.said.as_str())));
    }
    text
}

fn counts<'a>(said: impl Iterator<Item = &'a str>) -> String {
    let mut counts = BTreeMap::new();
    for text in said {
        *counts.entry(reason(text)).or_insert(0) += 1;
    }
    let parts: Vec<String> = counts.iter().map(|(what, n)| format!("{what}: {n}")).collect();
    parts.join("; ")
}

/// What happened, without readings and advice.
fn reason(said: &str) -> &str {
    let said = said.trim_start_matches("stopped for safety: ");
    let end = said.find([':', ';']).unwrap_or(said.len());
    if end == 0 { "nothing" } else { &said[..end] }
}
