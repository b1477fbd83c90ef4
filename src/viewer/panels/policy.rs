use bevy::prelude::Resource;
use bevy_egui::egui::{
    Align2, Color32, ColorImage, FontId, Image, Rect, RichText, Sense, TextureHandle,
    TextureOptions, Ui, pos2, vec2,
};

use super::Desk;
use super::style::{ACCENT, BAD, DIM, note, title};
use super::trial;
use crate::learn::BinProbabilities;
use crate::task::{Correction, Image as Observation};
use crate::viewer::replay::{Replay, Simulated};

const LABEL: Color32 = Color32::from_rgb(110, 170, 255);

/// The pictures before and after the trial that is shown, as egui holds them.
#[derive(Resource, Default)]
pub struct Seen {
    before: Option<(Observation, TextureHandle)>,
    after: Option<(Observation, TextureHandle)>,
}

/// What the policy saw, what it thought, what it did, and what came of it.
pub fn show(ui: &mut Ui, desk: &mut Desk) {
    let Some(replay) = &desk.replay else { return };
    let row = replay.row();
    title(ui, &format!("Trial {}", replay.place));
    ui.horizontal(|ui| {
        let simulated = desk.playback.recording().map(|recording| &recording.seen.image);
        if let Some(image) = row.intent.image.as_ref().or(simulated) {
            picture(ui, image, "before", &mut desk.seen.before);
        }
        match &replay.after {
            Some(image) => picture(ui, image, "after", &mut desk.seen.after),
            None => {
                ui.vertical(|ui| said(ui, replay, "what the policy saw"));
            }
        }
    });
    if replay.after.is_some() {
        said(ui, replay, "what the policy saw, and the target afterwards");
    }
    if let Some(stored) = replay.stored() {
        trial::table(ui, "replayed", &trial::rows_of(&row.intent, stored));
    }
    thoughts(ui, replay);
    provenance(ui, replay);
    made(ui, replay);
}

/// Which picture, which scene instance, and how the trial ended.
fn said(ui: &mut Ui, replay: &Replay, seen: &str) {
    note(ui, format!("{seen}\nscene instance {}", replay.row().intent.instance));
    if let Some(stored) = replay.stored() {
        trial::verdict(ui, stored);
    }
}

fn picture(
    ui: &mut Ui,
    image: &Observation,
    name: &str,
    held: &mut Option<(Observation, TextureHandle)>,
) {
    if held.as_ref().is_none_or(|(shown, _)| shown != image) {
        let grey = ColorImage::from_gray([image.size().px; 2], image.pixels());
        let texture = ui.ctx().load_texture(name, grey, TextureOptions::NEAREST);
        *held = Some((image.clone(), texture));
    }
    if let Some((_, texture)) = held {
        ui.add(Image::new((texture.id(), vec2(112.0, 112.0))));
    }
}

/// The three distributions over corrections, the choice, and the label.
fn thoughts(ui: &mut Ui, replay: &Replay) {
    title(ui, "The policy's three distributions");
    let worked = replay.policies.look();
    let Some(bins) = worked.at(replay.chapter, replay.place) else {
        let why = match (&worked.failure, worked.is_done()) {
            (Some(failure), _) => format!("could not be recomputed: {failure}"),
            (None, true) => "this method has no distributions over bins".into(),
            (None, false) => {
                format!(
                    "learning again from the stored trials: {} of {}",
                    worked.learned, worked.of
                )
            }
        };
        note(ui, why);
        return;
    };
    let chosen = replay.row().intent.decision.correction;
    distributions(ui, replay, bins, chosen, replay.label().map(|label| label.correction));
    let checked = match worked.same {
        None => "recomputed from the stored trials".to_owned(),
        Some(true) => "recomputed; its last state is the stored one, to the bit".to_owned(),
        Some(false) => "recomputed, approximately: its last state is not the stored one".to_owned(),
    };
    note(ui, format!("orange: chosen, blue: label\n{checked}"));
}

fn distributions(
    ui: &mut Ui,
    replay: &Replay,
    bins: &BinProbabilities,
    chosen: Correction,
    label: Option<Correction>,
) {
    let grid = replay.experiment.task.grid();
    let (chosen, label) = (grid.positions(chosen), label.map(|l| grid.positions(l)));
    let range = &replay.experiment.task.range;
    let axes = [("x", range.mm, "mm"), ("y", range.mm, "mm"), ("yaw", range.deg, "deg")];
    for (axis, (name, reach, unit)) in axes.into_iter().enumerate() {
        let (all, _) = ui.allocate_exact_size(vec2(ui.available_width(), 46.0), Sense::hover());
        let painter = ui.painter_at(all);
        let small = FontId::proportional(12.0);
        painter.text(all.left_top() + vec2(0.0, 8.0), Align2::LEFT_TOP, name, small.clone(), DIM);
        let bars = Rect::from_min_max(all.min + vec2(32.0, 2.0), all.max - vec2(4.0, 14.0));
        painter.rect_filled(bars, 2.0, Color32::from_rgb(34, 39, 46));
        let most = bins[axis].iter().copied().fold(1e-6, f32::max);
        let width = bars.width() / bins[axis].len() as f32;
        for (bin, p) in bins[axis].iter().enumerate() {
            let left = bars.left() + bin as f32 * width;
            let bar = Rect::from_min_max(
                pos2(left + 0.5, bars.bottom() - (bars.height() - 2.0) * p / most),
                pos2(left + width - 0.5, bars.bottom()),
            );
            painter.rect_filled(bar, 0.0, Color32::from_rgb(120, 132, 146));
        }
        let at = |position: f64| bars.left() + (position as f32 + 0.5) * width;
        if let Some(label) = label {
            painter.vline(at(label[axis]), bars.y_range(), (2.5, LABEL));
        }
        painter.vline(at(chosen[axis]), bars.shrink2(vec2(0.0, 5.0)).y_range(), (2.5, ACCENT));
        let below = bars.bottom() + 1.0;
        let least = format!("{:+} {unit}", -reach);
        painter.text(pos2(bars.left(), below), Align2::LEFT_TOP, least, small.clone(), DIM);
        painter.text(pos2(bars.center().x, below), Align2::CENTER_TOP, "0", small.clone(), DIM);
        painter.text(
            pos2(bars.right(), below),
            Align2::RIGHT_TOP,
            format!("{reach:+}"),
            small,
            DIM,
        );
    }
}

/// Whose action is the label, and how that changed.
fn provenance(ui: &mut Ui, replay: &Replay) {
    if replay.labels().is_empty() {
        return;
    }
    title(ui, "Label and where it comes from");
    for (at, label) in replay.labels().iter().rev().take(3) {
        let [x, y, yaw] = label.correction.axes();
        let whose = if label.role_model == replay.place as u64 {
            "itself".to_owned()
        } else {
            format!("trial {} (M)", label.role_model)
        };
        ui.label(format!("{x:+.2} mm  {y:+.2} mm  {yaw:+.2} deg"));
        note(ui, format!("from {whose}, best of {} so far, given after {at} trials", label.peers));
    }
    let more = replay.labels().len().saturating_sub(3);
    if more > 0 {
        note(ui, format!("and {more} before"));
    }
}

/// How faithful the motion is.
fn made(ui: &mut Ui, replay: &Replay) {
    ui.add_space(4.0);
    match &replay.simulated {
        Simulated::Same => note(ui, "motion simulated again; it ended as stored, to the bit"),
        Simulated::Differs => {
            let text = "motion simulated again, approximately: it ended elsewhere than stored \
                        (another version, or edited files); the tables show what is stored";
            ui.label(RichText::new(text).size(12.5).color(BAD));
        }
        Simulated::Hardware => {
            note(ui, "made on hardware: no motion is stored, only what was measured")
        }
        Simulated::Failed(why) => {
            ui.label(RichText::new(format!("cannot be simulated: {why}")).size(12.5).color(BAD));
        }
    }
}
