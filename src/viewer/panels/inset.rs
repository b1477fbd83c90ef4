use bevy::prelude::Resource;
use bevy_egui::egui::{
    Align2, Color32, ColorImage, Context, FontId, LayerId, Order, Painter, Rect, Stroke,
    StrokeKind, TextureHandle, TextureOptions, pos2, vec2,
};
use nalgebra::Isometry3;

use super::Desk;
use crate::config::Scene;
use crate::sim::Camera;
use crate::task::{Image, Phase, Pose2, Setup, Streams, TrialKey};

/// The picture that the camera would take now, kept until the plate or the scene changes.
#[derive(Resource, Default)]
pub struct Inset {
    taken: Option<(Scene, Isometry3<f64>)>,
    texture: Option<TextureHandle>,
}

/// Side of the inset, points.
const SIDE: f32 = 150.0;
const FRAME: Color32 = Color32::from_rgb(178, 140, 255);

/// The camera's own picture in the upper right of the drawn one, without its noise.
pub fn show(ctx: &Context, desk: &mut Desk) {
    if !desk.overlays.camera {
        return;
    }
    let Some(plate) = desk.shown.0.bodies.plate else { return };
    let now = (desk.cell.scene.clone(), plate);
    if desk.inset.taken.as_ref() != Some(&now) {
        let Some(image) = take(&now.0, &plate, desk) else { return };
        let grey = ColorImage::from_gray([image.size().px; 2], image.pixels());
        desk.inset.texture = Some(ctx.load_texture("inset", grey, TextureOptions::NEAREST));
        desk.inset.taken = Some(now);
    }
    let Some(texture) = &desk.inset.texture else { return };
    let layer = LayerId::new(Order::Background, "words".into());
    let painter = Painter::new(ctx.clone(), layer, desk.rect.rect);
    let corner = desk.rect.rect.right_top() + vec2(-12.0, 12.0);
    let rect = Rect::from_min_max(corner + vec2(-SIDE, 0.0), corner + vec2(0.0, SIDE));
    let whole = Rect::from_min_max(pos2(0.0, 0.0), pos2(1.0, 1.0));
    painter.image(texture.id(), rect, whole, Color32::WHITE);
    painter.rect_stroke(rect, 0.0, Stroke::new(1.5, FRAME), StrokeKind::Outside);
    let below = rect.right_bottom() + vec2(0.0, 3.0);
    let words = "what the camera sees, 160 mm";
    painter.text(below, Align2::RIGHT_TOP, words, FontId::proportional(12.5), FRAME);
}

/// A real arm has a camera of its own.
fn take(scene: &Scene, plate: &Isometry3<f64>, desk: &Desk) -> Option<Image> {
    let by_hand = desk.by_hand.as_ref().map(|hand| &hand.task);
    let replayed = desk.replay.as_ref().map(|replay| &replay.experiment.task);
    let trained = desk.live.as_ref().map(|live| &live.experiment.task);
    let task = by_hand.or(replayed).or(trained)?.clone();
    let key = TrialKey { phase: Phase::Train, index: 0 };
    let setup =
        Setup { streams: Streams::new(1), key, instance: 0, offset: Pose2::IDENTITY, made: 0 };
    Some(Camera::new(scene, task.image).look(plate, &setup, &task.without_noise()))
}
