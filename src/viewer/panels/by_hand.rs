use bevy_egui::egui::{ComboBox, RichText, Slider, SliderClamping, Ui};

use super::Desk;
use super::style::{BAD, note, title};
use crate::config::{Robot, Scene};
use crate::task::Pose2;
use crate::viewer::by_hand::OFFSET_REACH;

/// A trial of one's own: scene, offset, correction, go.
pub fn show(ui: &mut Ui, desk: &mut Desk) {
    let Some(hand) = &mut desk.by_hand else { return };
    title(ui, "By hand");
    let lies = if hand.offset == Pose2::IDENTITY { "where it should" } else { "a little off" };
    let who = if desk.cell.robot.arm.is_some() { "arm" } else { "gripper" };
    note(
        ui,
        format!(
            "The plate lies {lies}. The {who} picks where it would lie nominally, shifted by your \
             correction, and puts it down at the target. Equal to the offset, it places perfectly."
        ),
    );
    let (mut scene, mut robot) = (hand.scene.clone(), hand.robot.clone());
    ui.add_space(4.0);
    ComboBox::from_label("scene").selected_text(&scene).show_ui(ui, |ui| {
        for name in Scene::NAMES {
            ui.selectable_value(&mut scene, name.to_owned(), name);
        }
    });
    ComboBox::from_label("robot").selected_text(&robot).show_ui(ui, |ui| {
        for name in Robot::NAMES {
            ui.selectable_value(&mut robot, name.to_owned(), name);
        }
    });
    let mut noise = hand.noise;
    ui.checkbox(&mut noise, "noise of arm and camera");

    let (mut offset, mut correction) = (hand.offset, hand.correction);
    title(ui, "Where the plate lies");
    axes(ui, &mut offset, OFFSET_REACH);
    title(ui, "Correction of the pick");
    axes(ui, &mut correction, desk.cell.robot.envelope.correction_mm);
    ui.horizontal(|ui| {
        if ui.button("equal to the offset").clicked() {
            correction = offset;
        }
        if ui.button("none").clicked() {
            correction = Pose2::IDENTITY;
        }
    });
    ui.add_space(6.0);
    let run_now = ui
        .add_sized([ui.available_width(), 30.0], |ui: &mut Ui| {
            ui.button(RichText::new("Run the trial (Enter)").strong())
        })
        .clicked();
    let again = ui.button("back to the start").clicked();
    if let Some(failure) = &hand.failure {
        ui.colored_label(BAD, failure);
    }

    let elsewhere = scene != hand.scene || robot != hand.robot;
    let entered = elsewhere.then(|| hand.enter(&scene, &robot)).flatten();
    let changed = offset != hand.offset || correction != hand.correction || noise != hand.noise;
    (hand.offset, hand.correction, hand.noise) = (offset, correction, noise);
    if let Some(cell) = entered {
        hand.reset(&cell, &mut desk.playback, &mut desk.shown);
        desk.commands.insert_resource(cell);
    } else if changed || again {
        hand.reset(&desk.cell, &mut desk.playback, &mut desk.shown);
    }
    if run_now {
        run(desk);
    }
}

pub fn run(desk: &mut Desk) {
    if let Some(hand) = &mut desk.by_hand {
        hand.run(&desk.cell, &mut desk.playback);
    }
}

/// Moves the correction or the offset by half a millimetre or half a degree.
pub fn nudge(desk: &mut Desk, axis: usize, steps: i32, correction: bool) {
    let Some(hand) = &mut desk.by_hand else { return };
    let reach = if correction { desk.cell.robot.envelope.correction_mm } else { OFFSET_REACH };
    let pose = if correction { &mut hand.correction } else { &mut hand.offset };
    let mut axes = pose.axes();
    axes[axis] = (axes[axis] + 0.5 * f64::from(steps)).clamp(-reach, reach);
    *pose = Pose2::from_axes(axes);
    hand.reset(&desk.cell, &mut desk.playback, &mut desk.shown);
}

fn axes(ui: &mut Ui, pose: &mut Pose2, reach: f64) {
    for (value, name, unit) in [
        (&mut pose.x_mm, "x", " mm"),
        (&mut pose.y_mm, "y", " mm"),
        (&mut pose.yaw_deg, "yaw", " deg"),
    ] {
        // Only what the user moves is rounded: a value from the command line stays as it is.
        let slider = Slider::new(value, -reach..=reach).clamping(SliderClamping::Edits);
        let slider = slider.step_by(0.1).min_decimals(1).max_decimals(2).suffix(unit);
        ui.add(slider.text(name));
    }
}
