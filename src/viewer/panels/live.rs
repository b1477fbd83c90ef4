use bevy_egui::egui::{ProgressBar, RichText, Ui};

use super::style::{ACCENT, BAD, GOOD, note, title};
use super::{Desk, curve, trial};
use crate::store::TrialRow;
use crate::viewer::live::{Live, Pace};

const PACES: [(Pace, &str); 5] = [
    (Pace::Watched(0.1), "0.1 x"),
    (Pace::Watched(0.25), "0.25 x"),
    (Pace::Watched(1.0), "real time"),
    (Pace::Watched(4.0), "4 x"),
    (Pace::Free, "as fast as it goes"),
];

/// The next slower or faster pace.
pub fn turn(live: &mut Live, faster: bool) {
    let now = PACES.iter().position(|(pace, _)| *pace == live.pace).unwrap_or(0);
    let next = if faster { now + 1 } else { now.saturating_sub(1) };
    live.set_pace(PACES[next.min(PACES.len() - 1)].0);
}

/// The training, its speed, and how far it has come.
pub fn show(ui: &mut Ui, desk: &mut Desk) {
    let Some(live) = &mut desk.live else { return };
    title(ui, &format!("Live: {}, seed {}", live.method, live.seed));
    note(ui, format!("{}: {}", live.experiment.name, live.experiment.summary));
    let run = live.run();
    let made = run.as_ref().map_or(0, |run| run.judged.len());
    let all = live.trials();
    let bar = ProgressBar::new(made as f32 / all as f32).text(format!("{made} of {all} trials"));
    ui.add(bar);
    if live.ended.is_none() {
        note(ui, live.now().unwrap_or_else(|| "preparing".into()));
    }

    title(ui, "Speed");
    ui.horizontal_wrapped(|ui| {
        for (pace, name) in PACES {
            if ui.selectable_label(live.pace == pace, name).clicked() {
                live.set_pace(pace);
            }
        }
    });
    let free = live.pace == Pace::Free;
    if free {
        note(ui, "Only now and then a moment is drawn.");
    }
    let running = live.ended.is_none();
    ui.add_enabled_ui(running, |ui| {
        ui.horizontal(|ui| {
            let word = if live.paused { "go on" } else { "pause" };
            if ui.button(word).clicked() {
                let paused = !live.paused;
                live.pause(paused);
            }
            if ui.button("step >").clicked() {
                live.step();
            }
            if ui.button("stop the training").clicked() {
                live.stop();
            }
        });
    });
    match live.ended {
        None => {
            let process = live.process();
            note(
                ui,
                format!(
                    "Process {process}. It goes on when this window is closed; everything is kept."
                ),
            );
        }
        Some(Some(0)) => drop(ui.label(RichText::new("complete").strong().color(GOOD))),
        Some(Some(130)) => {
            drop(ui.label(RichText::new("stopped; everything is kept").color(ACCENT)))
        }
        Some(code) => {
            let code = code.map_or("killed".to_owned(), |c| format!("exit code {c}"));
            ui.label(RichText::new(format!("the training ended ({code})")).color(BAD));
        }
    }
    title(ui, "Learning curve");
    if let Some(run) = &run {
        let judged = (&run.result, run.checkpoints.as_slice());
        curve::show(ui, judged, &run.judged, live.experiment.batch, None);
    }
}

/// The last trial that is on disk.
pub fn last(ui: &mut Ui, desk: &Desk, row: Option<&TrialRow>) {
    title(ui, "Now");
    if let Some(trial) = desk.live.as_ref().and_then(|live| live.now()) {
        ui.label(trial);
    }
    ui.label(format!("{}, {:.2} s", desk.shown.0.segment, desk.shown.0.seconds));
    title(ui, "The last trial on disk");
    let Some(row) = row else {
        note(ui, "none yet");
        return;
    };
    let Some(stored) = &row.result else { return };
    note(
        ui,
        format!(
            "{} {}, scene instance {}",
            row.intent.key.phase.name(),
            row.intent.key.index,
            row.intent.instance
        ),
    );
    trial::verdict(ui, stored);
    trial::table(ui, "last", &trial::rows_of(&row.intent, stored));
    trial::facts(ui, stored);
}
