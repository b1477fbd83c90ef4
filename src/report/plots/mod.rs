//! Figures, drawn once as SVG and turned into PNG and PDF from there. One embedded font, DejaVu
//! Sans, measures and draws all text: no system font and no fontconfig is asked.

mod axis;
mod curves;
mod legend;
mod palette;
mod panel;
mod profile;
mod series;

use std::sync::{Arc, OnceLock};

use krilla_svg::{SurfaceExt, SvgSettings};
use plotters::style::{FontStyle, register_font};
use resvg::{tiny_skia, usvg};

use super::{ExperimentResult, ReportError};

pub use curves::{MOST_BAND_ROUNDS, by_budget, learning_curves};
pub use profile::performance_profile;

/// Licence in `fonts/LICENSE-DejaVu.txt`.
static DEJAVU_SANS: &[u8] = include_bytes!("../fonts/DejaVuSans.ttf");
/// What text in the figures asks for: a browser takes its own, everything else the embedded one.
const FONT: &str = "sans-serif";
/// Pixels of every figure.
const WIDTH: u32 = 1200;
/// Drawing units a pixel, on paper as on the screen: plotters knows whole units only, and lines
/// of whole pixels would have steps.
const UNITS: u32 = 2;
/// Pixels of the PNG for one of the SVG.
const PNG_SCALE: f32 = 2.0;

/// A figure in its three forms.
#[derive(Clone, Debug)]
pub struct Figure {
    pub svg: String,
    /// At twice the SVG's size.
    pub png: Vec<u8>,
    pub pdf: Vec<u8>,
}

impl Figure {
    /// Renders an SVG as PNG and PDF.
    ///
    /// # Errors
    /// [`ReportError::Figure`] if the drawing is no valid SVG or cannot be converted.
    pub fn from_svg(svg: String) -> Result<Self, ReportError> {
        let failed = |why: &dyn std::fmt::Display| ReportError::Figure(why.to_string());
        let options = usvg::Options { fontdb: fonts(), ..usvg::Options::default() };
        let tree = usvg::Tree::from_str(&svg, &options).map_err(|e| failed(&e))?;
        let size = tree.size().to_int_size().scale_by(PNG_SCALE);
        let mut pixels = size
            .and_then(|s| tiny_skia::Pixmap::new(s.width(), s.height()))
            .ok_or_else(|| failed(&"the figure has no area"))?;
        let scale = tiny_skia::Transform::from_scale(PNG_SCALE, PNG_SCALE);
        resvg::render(&tree, scale, &mut pixels.as_mut());
        let png = pixels.encode_png().map_err(|e| failed(&e))?;
        let pdf = pdf(&tree)?;
        Ok(Self { svg, png, pdf })
    }
}

/// One page of the drawing's size, a point a pixel. Equal drawings give equal bytes.
fn pdf(tree: &usvg::Tree) -> Result<Vec<u8>, ReportError> {
    let mut document = krilla::Document::new();
    page(&mut document, tree, 1.0)?;
    finished(document)
}

/// A PDF with a page for each drawing, true to scale: what an SVG says in millimetres measures as much on
/// paper. Equal drawings give equal bytes.
///
/// # Errors
/// [`ReportError::Figure`] if a drawing is no valid SVG or cannot be converted.
pub fn true_to_scale(svgs: &[String]) -> Result<Vec<u8>, ReportError> {
    let failed = |why: usvg::Error| ReportError::Figure(why.to_string());
    let options = usvg::Options { fontdb: fonts(), ..usvg::Options::default() };
    let mut document = krilla::Document::new();
    for svg in svgs {
        let tree = usvg::Tree::from_str(svg, &options).map_err(failed)?;
        // Of CSS: 96 pixels are an inch, as 72 points are.
        page(&mut document, &tree, 72.0 / 96.0)?;
    }
    finished(document)
}

fn page(
    document: &mut krilla::Document,
    tree: &usvg::Tree,
    points_a_pixel: f32,
) -> Result<(), ReportError> {
    let failed = |why: &str| ReportError::Figure(format!("as PDF: {why}"));
    let [width, height] = [tree.size().width(), tree.size().height()].map(|px| px * points_a_pixel);
    let size = krilla::geom::Size::from_wh(width, height)
        .ok_or_else(|| failed("the figure has no area"))?;
    let mut page = document.start_page_with(krilla::page::PageSettings::new(size));
    let mut surface = page.surface();
    surface
        .draw_svg(tree, size, SvgSettings::default())
        .ok_or_else(|| failed("the drawing cannot be converted"))?;
    surface.finish();
    page.finish();
    Ok(())
}

fn finished(document: krilla::Document) -> Result<Vec<u8>, ReportError> {
    document.finish().map_err(|e| ReportError::Figure(format!("as PDF: {e:?}")))
}

/// The embedded font alone, as every family.
fn fonts() -> Arc<usvg::fontdb::Database> {
    static FONTS: OnceLock<Arc<usvg::fontdb::Database>> = OnceLock::new();
    let load = || {
        let mut fonts = usvg::fontdb::Database::new();
        fonts.load_font_data(DEJAVU_SANS.to_vec());
        fonts.set_sans_serif_family("DejaVu Sans");
        Arc::new(fonts)
    };
    FONTS.get_or_init(load).clone()
}

/// Draws on a canvas of `width` by `height` pixels and returns the SVG. The closure works in
/// drawing units, [`UNITS`] a pixel.
fn svg(
    (width, height): (u32, u32),
    draw: impl FnOnce(Area<'_>) -> Result<(), DrawError>,
) -> Result<String, ReportError> {
    register_font(FONT, FontStyle::Normal, DEJAVU_SANS)
        .map_err(|_| ReportError::Figure("the embedded font cannot be read".into()))?;
    let units = (width * UNITS, height * UNITS);
    let mut text = String::new();
    {
        use plotters::prelude::{IntoDrawingArea, SVGBackend, WHITE};
        let area = SVGBackend::with_string(&mut text, units).into_drawing_area();
        let drawn =
            area.fill(&WHITE).and_then(|()| draw(area.clone())).and_then(|()| area.present());
        drawn.map_err(|e| ReportError::Figure(e.to_string()))?;
    }
    let drawn_size = format!("width=\"{}\" height=\"{}\"", units.0, units.1);
    let shown_size = format!("width=\"{width}\" height=\"{height}\"");
    Ok(text.replacen(&drawn_size, &shown_size, 1))
}

type Area<'a> =
    plotters::drawing::DrawingArea<plotters::prelude::SVGBackend<'a>, plotters::coord::Shift>;
type DrawError = plotters::drawing::DrawingAreaErrorKind<std::io::Error>;

/// Pixels of a picture's title.
const TITLE_HEIGHT: u32 = 44;

/// Experiment, n and statistic.
fn title(area: &Area<'_>, result: &ExperimentResult, statistic: &str) -> Result<(), DrawError> {
    use plotters::prelude::{IntoTextStyle, Text};
    use plotters::style::text_anchor::{HPos, Pos, VPos};
    let ExperimentResult { name, evaluation_trials: trials, .. } = result;
    let (seeds, s) = match result.complete_seeds() {
        1 => (1, ""),
        n => (n, "s"),
    };
    let said = format!("{name}: {seeds} seed{s}, {trials} evaluation trials each; {statistic}");
    let style = text(38).into_text_style(area).pos(Pos::new(HPos::Left, VPos::Center));
    area.draw(&Text::new(said, (130, (TITLE_HEIGHT * UNITS / 2) as i32 + 6), style))
}

/// Black text so many drawing units high; plotters writes 0.8 of that as the SVG's font size.
fn text(units: i32) -> (&'static str, i32) {
    (FONT, units)
}
