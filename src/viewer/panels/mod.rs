//! The panels around the cell, and the words in it. Mouse and keys come in here too, through egui,
//! so that a click on a panel is never also one on the cell.

mod by_hand;
mod curve;
mod help;
mod inset;
mod live;
mod policy;
mod real;
mod replay;
mod style;
mod timeline;
mod top;
mod trial;
mod view;
mod words;

use bevy::ecs::system::SystemParam;
use bevy::prelude::*;
use bevy_egui::{EguiContexts, egui};

pub use inset::Inset;
pub use policy::Seen;
pub use style::dress;
pub use view::{ViewRect, fit_camera};

use super::by_hand::ByHand;
use super::camera::{Looks, MainCamera, Orbit};
use super::keys::{self, Action};
use super::live::Live;
use super::overlays::Overlays;
use super::playback::Playback;
use super::real::RealArm;
use super::replay::Replay;
use super::scene::Ghosts;
use super::{Cell, Shown};

/// All that the panels show and change.
#[derive(SystemParam)]
pub struct Desk<'w, 's> {
    commands: Commands<'w, 's>,
    cell: Res<'w, Cell>,
    shown: ResMut<'w, Shown>,
    playback: ResMut<'w, Playback>,
    orbit: ResMut<'w, Orbit>,
    looks: Res<'w, Looks>,
    overlays: ResMut<'w, Overlays>,
    open: ResMut<'w, Open>,
    inset: ResMut<'w, Inset>,
    seen: ResMut<'w, Seen>,
    rect: ResMut<'w, ViewRect>,
    ghosts: ResMut<'w, Ghosts>,
    by_hand: Option<ResMut<'w, ByHand>>,
    replay: Option<ResMut<'w, Replay>>,
    live: Option<ResMut<'w, Live>>,
    real: Option<Res<'w, RealArm>>,
    camera: Single<'w, 's, (&'static Camera, &'static GlobalTransform), With<MainCamera>>,
}

/// Which windows are open.
#[derive(Resource, Clone, Debug, Default)]
pub struct Open {
    pub help: bool,
    /// What was asked for last and could not be shown.
    pub failure: Option<String>,
}

/// Width of a side panel, points.
const SIDE: f32 = 268.0;

/// Draws every panel and does what they, the mouse and the keys ask for.
pub fn panels(mut contexts: EguiContexts, mut desk: Desk) -> Result {
    let ctx = contexts.ctx_mut()?.clone();
    for action in keys::pressed(&ctx) {
        act(&mut desk, action);
    }
    let builder =
        egui::UiBuilder::new().layer_id(egui::LayerId::background()).max_rect(ctx.content_rect());
    let mut ui = egui::Ui::new(ctx.clone(), "root".into(), builder);
    let ui = &mut ui;
    egui::Panel::top("top").show(ui, |ui| top::show(ui, &mut desk));
    if desk.live.is_none() && desk.real.is_none() {
        egui::Panel::bottom("time").show(ui, |ui| timeline::show(ui, &mut desk));
    }
    egui::Panel::left("left").exact_size(SIDE).resizable(false).show(ui, |ui| {
        egui::ScrollArea::vertical().show(ui, |ui| {
            replay::failure(ui, &desk);
            by_hand::show(ui, &mut desk);
            replay::show(ui, &mut desk);
            live::show(ui, &mut desk);
            real::show(ui, &desk);
        });
    });
    egui::Panel::right("right").exact_size(SIDE).resizable(false).show(ui, |ui| {
        egui::ScrollArea::vertical().show(ui, |ui| {
            if desk.replay.is_some() {
                policy::show(ui, &mut desk);
            } else if desk.live.is_some() {
                let run = desk.live.as_ref().and_then(|live| live.run());
                live::last(ui, &desk, run.as_ref().and_then(|run| run.last.as_ref()));
            } else if let Some(real) = &desk.real {
                live::last(ui, &desk, real.last().as_ref());
            } else {
                trial::show(ui, &mut desk);
            }
        });
    });
    view::show(ui, &mut desk);
    words::show(&ctx, &desk);
    inset::show(&ctx, &mut desk);
    help::show(&ctx, &mut desk.open.help);
    Ok(())
}

fn act(desk: &mut Desk, action: Action) {
    match action {
        Action::Help => desk.open.help ^= true,
        Action::Pause => match &mut desk.live {
            Some(live) => {
                let paused = !live.paused;
                live.pause(paused);
            }
            None => desk.playback.toggle(),
        },
        Action::Step { forwards } => match &mut desk.live {
            Some(live) if forwards => live.step(),
            Some(_) => {}
            None => desk.playback.step(forwards),
        },
        Action::Restart => desk.playback.restart(),
        Action::Slower | Action::Faster => {
            let faster = action == Action::Faster;
            match &mut desk.live {
                Some(live) => live::turn(live, faster),
                None => desk.playback.speed = desk.playback.speed.next(faster),
            }
        }
        Action::Look(preset) => *desk.orbit = desk.looks.0[preset as usize],
        Action::Toggle(overlay) => *desk.overlays.of(overlay) ^= true,
        Action::Run => by_hand::run(desk),
        Action::Correct { axis, steps } => by_hand::nudge(desk, axis, steps, true),
        Action::Offset { axis, steps } => by_hand::nudge(desk, axis, steps, false),
        Action::Trial { next } => replay::turn(desk, next),
        Action::RoleModel => replay::to_role_model(desk),
    }
}
