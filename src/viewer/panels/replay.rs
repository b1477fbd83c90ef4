use bevy_egui::egui::{ComboBox, RichText, ScrollArea, Slider, TextStyle, Ui};
use egui_plot::{HLine, MarkerShape, Plot, PlotPoints, Points, VLine};

use super::style::{ACCENT, BAD, DIM, note, title};
use super::{Desk, curve};
use crate::viewer::replay::{Chapter, Peer, Replay};

/// The run, the trial in it, its learning curve and the trial's peers.
pub fn show(ui: &mut Ui, desk: &mut Desk) {
    let Some(replay) = &desk.replay else { return };
    title(ui, &format!("{}, seed {}", replay.info.method, replay.info.seed));
    note(ui, format!("{}: {}", replay.experiment.name, replay.experiment.summary));
    let wanted = navigate(ui, replay);
    title(ui, "Learning curve");
    let here = replay.chapter.checkpoint().unwrap_or(replay.place as u64);
    let Replay { result, checkpoints, judged, experiment, .. } = replay.as_ref();
    curve::show(ui, (result, checkpoints), judged, experiment.batch, Some(here));
    let picked = peers(ui, replay);
    if let Some((chapter, place)) = wanted.or(picked.map(|place| (replay.chapter, place))) {
        go(desk, chapter, place);
    }
}

/// Turns to a trial; a trial beyond the end leaves everything as it was.
pub fn go(desk: &mut Desk, chapter: Chapter, place: usize) {
    let Some(replay) = &mut desk.replay else { return };
    let mut turn = || {
        if chapter != replay.chapter {
            replay.enter(chapter)?;
        }
        replay.turn_to(place);
        replay.cell()
    };
    match turn() {
        Ok(mut cell) => {
            let playing = desk.playback.playing;
            replay.simulate(&cell, &mut desk.playback, true);
            // Whoever looks at ends goes on looking at ends.
            if !playing {
                desk.playback.seek(f64::INFINITY);
                desk.playback.playing = false;
            }
            match desk.playback.recording() {
                Some(recording) => cell.scene = recording.scene.clone(),
                None => desk.shown.0 = replay.still(&cell),
            }
            desk.ghosts.0 = replay.ghosts(&cell);
            if cell.scene != desk.cell.scene {
                desk.commands.insert_resource(cell);
            }
            desk.open.failure = None;
        }
        Err(error) => desk.open.failure = Some(error.to_string()),
    }
}

/// The next trial or the one before.
pub fn turn(desk: &mut Desk, next: bool) {
    let Some(replay) = &desk.replay else { return };
    let place = if next { replay.place + 1 } else { replay.place.saturating_sub(1) };
    if place < replay.rows.len() && place != replay.place {
        go(desk, replay.chapter, place);
    }
}

/// The trial whose action became the label of this one.
pub fn to_role_model(desk: &mut Desk) {
    let Some(label) = desk.replay.as_ref().and_then(|replay| replay.label()) else { return };
    go(desk, Chapter::Training, label.role_model as usize);
}

fn navigate(ui: &mut Ui, replay: &Replay) -> Option<(Chapter, usize)> {
    let mut wanted = None;
    let mut chapter = replay.chapter;
    ComboBox::from_id_salt("chapter").width(240.0).selected_text(chapter.name()).show_ui(
        ui,
        |ui| {
            for other in &replay.chapters {
                ui.selectable_value(&mut chapter, *other, other.name());
            }
        },
    );
    if chapter != replay.chapter {
        return Some((chapter, 0));
    }
    let last = replay.rows.len() - 1;
    let mut place = replay.place;
    ui.horizontal(|ui| {
        if ui.button("<").on_hover_text("P").clicked() {
            place = place.saturating_sub(1);
        }
        if ui.button(">").on_hover_text("N").clicked() {
            place = (place + 1).min(last);
        }
        ui.spacing_mut().slider_width = 90.0;
        ui.add(Slider::new(&mut place, 0..=last).text(format!("of {last}")));
    });
    if place != replay.place {
        wanted = Some((chapter, place));
    }
    wanted
}

/// Where the trials with the same role model put their plates; a click goes to one.
fn peers(ui: &mut Ui, replay: &Replay) -> Option<usize> {
    let peers = replay.peers();
    if peers.is_empty() {
        return None;
    }
    title(ui, &format!("Role model and {} peers", peers.len() - 1));
    let at = |pick: &dyn Fn(&&Peer) -> bool| -> PlotPoints<'_> {
        let errors = peers.iter().filter(pick).filter_map(|p| p.error);
        errors.map(|e| [e.x_mm, e.y_mm]).collect()
    };
    let model = at(&|p| p.is_role_model);
    let here = at(&|p| p.place == replay.place);
    let others = at(&|_| true);
    Plot::new("peers")
        .height(150.0)
        .data_aspect(1.0)
        .allow_scroll(false)
        .allow_drag(false)
        .allow_zoom(false)
        .x_axis_label("x error, mm")
        .y_axis_label("y, mm")
        .show(ui, |plot| {
            plot.hline(HLine::new("", 0.0).color(DIM.gamma_multiply(0.4)).width(1.0));
            plot.vline(VLine::new("", 0.0).color(DIM.gamma_multiply(0.4)).width(1.0));
            plot.points(Points::new("peers", others).radius(2.5).color(DIM));
            plot.points(Points::new("this", here).radius(5.0).color(ACCENT));
            let star = Points::new("role model", model).shape(MarkerShape::Asterisk).radius(7.0);
            plot.points(star.color(curve::HELD_OUT));
        });
    let mut picked = None;
    let height = ui.text_style_height(&TextStyle::Body).max(ui.spacing().interact_size.y);
    let list = ScrollArea::vertical().id_salt("peers").max_height(110.0).auto_shrink([false, true]);
    list.show_rows(ui, height, peers.len(), |ui, rows| {
        for peer in &peers[rows] {
            let error = peer.error.map_or("no placement".to_owned(), |e| {
                format!("{:.2} mm {:.2} deg", e.translation_mm(), e.yaw_deg.abs())
            });
            let mark = if peer.is_role_model { "*" } else { " " };
            let text = format!("{mark}{:>4} {:>7.3}  {error}", peer.place, peer.reward);
            let text = RichText::new(text).monospace().size(12.5);
            if ui.selectable_label(peer.place == replay.place, text).clicked() {
                picked = Some(peer.place);
            }
        }
    });
    picked
}

/// What could not be shown.
pub fn failure(ui: &mut Ui, desk: &Desk) {
    if let Some(failure) = &desk.open.failure {
        ui.label(RichText::new(failure).color(BAD));
    }
}
