use bevy_egui::egui::{Color32, Grid, RichText, Ui};

use super::Desk;
use super::style::{ACCENT, BAD, DIM, GOOD, note, title};
use crate::store::{Intent, Stored};
use crate::task::{Outcome, Pose2, is_success};

/// What happened in the trial that is played.
pub fn show(ui: &mut Ui, desk: &mut Desk) {
    title(ui, "The trial");
    let (Some(hand), Some(recording)) = (&desk.by_hand, desk.playback.recording()) else {
        note(ui, "Run it to see where the plate ends.");
        return;
    };
    if desk.playback.seconds() < recording.duration() {
        note(ui, "How it ends is told at its end.");
        return;
    }
    let attempt = &recording.attempt;
    let reward = hand.reward().of_attempt(attempt.outcome, attempt.measured.as_ref());
    let stored = Stored::new(attempt, reward);
    verdict(ui, &stored);
    table(ui, "by hand", &rows(recording.setup.offset, attempt.commanded, &stored));
    facts(ui, &stored);
}

pub type Rows = [(&'static str, Option<Pose2>); 5];

/// The poses of a stored trial.
pub fn rows_of(intent: &Intent, stored: &Stored) -> Rows {
    rows(intent.offset, intent.decision.correction, stored)
}

fn rows(offset: Pose2, commanded: Pose2, stored: &Stored) -> Rows {
    [
        ("offset", Some(offset)),
        ("correction", Some(commanded)),
        ("executed", Some(stored.executed)),
        ("in hand", stored.in_hand),
        ("placement", stored.truth.or(stored.measured).map(|p| p.pose)),
    ]
}

/// Poses, one a row.
pub fn table(ui: &mut Ui, id: &str, rows: &Rows) {
    Grid::new(id).num_columns(4).min_col_width(44.0).striped(true).show(ui, |ui| {
        for head in ["", "x mm", "y mm", "yaw deg"] {
            ui.label(RichText::new(head).size(12.5).color(DIM));
        }
        ui.end_row();
        for (name, pose) in rows {
            ui.label(*name);
            for value in pose.map_or([None; 3], |p| p.axes().map(Some)) {
                let text = value.map_or("-".to_owned(), |v| format!("{v:+.2}"));
                ui.label(RichText::new(text).monospace());
            }
            ui.end_row();
        }
    });
}

/// How it ended, in a few words.
pub fn verdict(ui: &mut Ui, stored: &Stored) {
    let (word, color) = outcome(stored);
    ui.label(RichText::new(word).strong().size(16.0).color(color));
    ui.label(RichText::new(format!("reward {:.3}", stored.reward)).monospace());
    if let Some(place) = stored.truth.or(stored.measured) {
        let (mm, deg) = (place.pose.translation_mm(), place.pose.yaw_deg.abs());
        ui.label(RichText::new(format!("{mm:.2} mm {deg:.2} deg")).monospace());
    }
}

/// Height, tilt, force, time.
pub fn facts(ui: &mut Ui, stored: &Stored) {
    ui.add_space(4.0);
    Grid::new("facts").num_columns(2).show(ui, |ui| {
        let mut row = |name: &str, value: String| {
            ui.label(RichText::new(name).color(DIM));
            ui.label(RichText::new(value).monospace());
            ui.end_row();
        };
        if let Some(place) = stored.truth.or(stored.measured) {
            row("height, tilt", format!("{:.2} mm, {:.2} deg", place.z_mm, place.tilt_deg));
        }
        row("largest force", format!("{:.1} N", stored.harm.peak_force_n));
        row("harm", stored.harm.words());
        row("robot time", format!("{:.2} s", stored.duration.seconds));
    });
}

/// The outcome in words, and whether that is good: green is for success only.
fn outcome(stored: &Stored) -> (String, Color32) {
    let placement = stored.truth.as_ref().or(stored.measured.as_ref());
    let success = is_success(stored.outcome, placement, stored.seated);
    match (stored.outcome, stored.seated) {
        (Outcome::Placed, true) if success => ("placed and seated".into(), GOOD),
        (Outcome::Placed, true) => ("placed and seated, but off".into(), ACCENT),
        (Outcome::Placed, false) => ("placed, not seated".into(), BAD),
        (other, _) => (other.name().replace('_', " "), BAD),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::Placement;

    #[test]
    fn only_a_success_is_green() {
        let ended = |x_mm: f64, seated: bool, outcome: Outcome| {
            let pose = Pose2::new(x_mm, 0.0, 0.0);
            let truth = Some(Placement { pose, z_mm: 0.0, tilt_deg: 0.0 });
            let none = Stored::interrupted(Pose2::IDENTITY, 0.0);
            super::outcome(&Stored { outcome, seated, truth, ..none }).1
        };
        assert_eq!(ended(0.5, true, Outcome::Placed), GOOD);
        assert_eq!(ended(10.0, true, Outcome::Placed), ACCENT);
        assert_eq!(ended(0.5, false, Outcome::Placed), BAD);
        assert_eq!(ended(0.5, true, Outcome::Jammed), BAD);
    }
}
