use bevy_egui::egui::{Color32, Context, FontId, RichText, Stroke, TextStyle, Ui, Visuals};

pub const DIM: Color32 = Color32::from_rgb(158, 168, 180);
pub const GOOD: Color32 = Color32::from_rgb(105, 210, 130);
pub const BAD: Color32 = Color32::from_rgb(255, 120, 105);
pub const ACCENT: Color32 = Color32::from_rgb(255, 160, 60);

/// Sizes and colours: body text of 14 points, legible at 1280x720.
pub fn dress(ctx: &Context) {
    let mut visuals = Visuals::dark();
    visuals.panel_fill = Color32::from_rgb(24, 28, 34);
    visuals.window_fill = Color32::from_rgb(24, 28, 34);
    visuals.override_text_color = Some(Color32::from_rgb(226, 231, 237));
    visuals.widgets.noninteractive.bg_stroke = Stroke::new(1.0, Color32::from_rgb(52, 58, 66));
    ctx.set_visuals(visuals);
    ctx.all_styles_mut(|style| {
        for (name, size) in [
            (TextStyle::Body, 14.0),
            (TextStyle::Button, 14.0),
            (TextStyle::Monospace, 13.5),
            (TextStyle::Heading, 17.0),
            (TextStyle::Small, 12.0),
        ] {
            let family = style.text_styles.get(&name).map(|f| f.family.clone()).unwrap_or_default();
            style.text_styles.insert(name, FontId::new(size, family));
        }
        style.spacing.item_spacing.y = 5.0;
        style.spacing.slider_width = 120.0;
    });
}

pub fn title(ui: &mut Ui, text: &str) {
    ui.add_space(6.0);
    ui.label(RichText::new(text).strong().size(15.5).color(ACCENT));
}

pub fn note(ui: &mut Ui, text: impl Into<String>) {
    ui.label(RichText::new(text).size(12.5).color(DIM));
}
