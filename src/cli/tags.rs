use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use super::out::say;
use crate::cli::Failure;
use crate::eyes::{Board, CELLS, Tag, pattern};
use crate::report::plots::true_to_scale;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  rmrl tags --out boards.pdf                   all boards, a page each
  rmrl tags --out lid.svg --board lid          one, to edit or to cut

lid      lies on the plate for teaching, gauge and evaluation
target   lies below the target, pick below the pick place: cut out what carries the
         plate; the dark part lets a bare plate's outline show
camera   is held before the camera for calibration

Print at 100 %, without fitting to the page, then measure the ruler on each page: 100 mm.")]
pub struct Args {
    /// File to write: FILE.pdf, or FILE.svg (of several boards one file each, FILE-lid.svg ...)
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Only this one: lid, target, pick or camera
    #[arg(long, value_name = "BOARD")]
    board: Option<String>,
}

pub fn run(args: Args) -> Result<(), Failure> {
    let boards = match &args.board {
        Some(name) => vec![board("--board", name)?],
        None => Board::NAMES.iter().filter_map(|name| Board::named(name)).collect(),
    };
    let kind = args.out.extension().and_then(|e| e.to_str()).map(str::to_ascii_lowercase);
    let pages: Vec<(String, String)> =
        boards.iter().map(|board| (board.name.to_owned(), svg(board))).collect();
    match kind.as_deref() {
        Some("pdf") => {
            let svgs: Vec<String> = pages.into_iter().map(|(_, svg)| svg).collect();
            let pdf = true_to_scale(&svgs)?;
            write(&args.out, &pdf)?;
        }
        Some("svg") => {
            let one = pages.len() == 1;
            let stem = args.out.file_stem().and_then(|s| s.to_str()).unwrap_or("boards");
            for (name, svg) in &pages {
                let beside = args.out.with_file_name(format!("{stem}-{name}.svg"));
                write(if one { &args.out } else { &beside }, svg.as_bytes())?;
            }
        }
        _ => {
            let told = args.out.display();
            return Err(Failure::Input(format!("--out = {told}: must end in .pdf or .svg")));
        }
    }
    for Board { name, tags, .. } in &boards {
        let side = tags.first().map_or(0.0, |tag| tag.side_mm);
        let ids: Vec<u32> = tags.iter().map(|tag| tag.id).collect();
        let range = format!("{} to {}", ids.first().unwrap_or(&0), ids.last().unwrap_or(&0));
        say!("{name:8} {} tags of {side} mm, tag36h11 {range}", tags.len())?;
    }
    say!("print at 100 %, then measure the ruler: 100 mm")
}

/// A board by its name, or what names there are.
pub fn board(option: &str, name: &str) -> Result<Board, Failure> {
    Board::named(name).ok_or_else(|| {
        let names = Board::NAMES.join(", ");
        Failure::Input(format!("{option} = {name}: must be one of {names}"))
    })
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    std::fs::write(path, bytes).map_err(|e| Failure::Input(format!("{}: {e}", path.display())))?;
    say!("written {}", path.display())
}

/// A sheet of A4, mm.
const SHEET_MM: [f64; 2] = [297.0, 210.0];
const RULER_MM: f64 = 100.0;
/// White that stays between tags and what is dark beside them, mm.
const PAPER_MM: f64 = 2.0;
/// Half sizes of a plate (ANSI/SLAS 1-2004), mm: where it lies, or where to cut.
const PLATE_MM: [f64; 2] = [63.88, 42.74];

/// The board on a sheet of A4, millimetres as the drawing's unit.
fn svg(board: &Board) -> String {
    let [half_x, half_y] = board.half_size_mm();
    let [long, short] = SHEET_MM;
    let (width, height) = if half_x >= half_y { (long, short) } else { (short, long) };
    let mut svg = String::new();
    // Writing to a string cannot fail.
    let _ = write!(
        svg,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}mm\" height=\"{height}mm\" \
         viewBox=\"0 0 {width} {height}\">\n\
         <rect width=\"{width}\" height=\"{height}\" fill=\"white\"/>\n\
         <g transform=\"translate({} {})\">\n",
        width / 2.0,
        (height - RULER_BAND_MM) / 2.0,
    );
    if ["target", "pick"].contains(&board.name) {
        // A bare plate is seen by its outline, which white paper below would hide.
        let inner = board.tags.iter().map(|tag| tag.at.y_mm.abs() - 0.625 * tag.side_mm);
        let y = inner.fold(half_y, f64::min) - PAPER_MM;
        let _ = writeln!(
            svg,
            "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" fill=\"#3a3a3a\"/>",
            -half_x,
            -y,
            2.0 * half_x,
            2.0 * y
        );
    }
    if board.name != "camera" {
        let [x, y] = PLATE_MM;
        let _ = writeln!(
            svg,
            "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" fill=\"none\" stroke=\"#999999\" \
             stroke-width=\"0.15\"/>\n<path d=\"M-3 0H3M0 -3V3\" stroke=\"#999999\" \
             stroke-width=\"0.15\"/>",
            -x,
            -y,
            2.0 * x,
            2.0 * y
        );
    }
    board.tags.iter().for_each(|tag| draw(&mut svg, tag));
    let _ = writeln!(svg, "</g>");
    ruler(&mut svg, board, height);
    svg.push_str("</svg>\n");
    svg
}

/// Height of what is below the tags, mm.
const RULER_BAND_MM: f64 = 11.0;

fn draw(svg: &mut String, tag: &Tag) {
    let Some(cells) = pattern(tag.id) else { return };
    let (cell, half) = (tag.cell_mm(), CELLS as f64 / 2.0);
    let black = |row: usize, column: usize| !cells[row][column];
    // Runs along rows and along columns cover each other's seams.
    let mut path = String::new();
    for line in 0..CELLS {
        for across in [true, false] {
            let is_black = |at: usize| if across { black(line, at) } else { black(at, line) };
            let mut from = None;
            for at in 0..=CELLS {
                match (from, at < CELLS && is_black(at)) {
                    (None, true) => from = Some(at),
                    (Some(start), false) => {
                        let place = |at: usize| (at as f64 - half) * cell;
                        let run = (at - start) as f64 * cell;
                        let (x, y) = if across { (start, line) } else { (line, start) };
                        let (w, h) = if across { (run, cell) } else { (cell, run) };
                        let (x, y) = (place(x), place(y));
                        let _ = write!(path, "M{x} {y}h{w}v{h}h{}z", -w);
                        from = None;
                    }
                    _ => {}
                }
            }
        }
    }
    // The drawing's y runs down.
    let (x, y, turn) = (tag.at.x_mm, -tag.at.y_mm, -tag.at.yaw_deg);
    let below = half * cell + 1.6;
    let _ = writeln!(
        svg,
        "<g transform=\"translate({x} {y}) rotate({turn})\"><path d=\"{path}\" fill=\"black\"/>\
         <text x=\"{}\" y=\"{below}\" font-family=\"sans-serif\" font-size=\"1.6\" fill=\"#999999\">{}</text></g>",
        -half * cell,
        tag.id
    );
}

fn ruler(svg: &mut String, board: &Board, height: f64) {
    let (left, y) = (12.0, height - 8.0);
    let mut ticks = format!("M{left} {y}h{RULER_MM}");
    for mm in 0..=RULER_MM as usize {
        let long = match mm % 10 {
            0 => 3.0,
            5 => 2.0,
            _ => 1.2,
        };
        let _ = write!(ticks, "M{} {y}v{}", left + mm as f64, -long);
    }
    let side = board.tags.first().map_or(0.0, |tag| tag.side_mm);
    let beside = left + RULER_MM + 4.0;
    let _ = writeln!(
        svg,
        "<path d=\"{ticks}\" stroke=\"black\" stroke-width=\"0.15\" fill=\"none\"/>\n\
         <text x=\"{beside}\" y=\"{y}\" font-family=\"sans-serif\" font-size=\"2.8\">100 mm. rmrl \
         board {}: tag36h11, {side} mm, print at 100 %</text>",
        board.name,
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eyes::{Finder, Frame};

    /// The page as a printer would see it: 4 pixels a millimetre.
    fn printed(board: &Board) -> (Vec<u8>, usize) {
        use resvg::{tiny_skia, usvg};
        let tree = usvg::Tree::from_str(&svg(board), &usvg::Options::default()).unwrap();
        let scale = 4.0 * 25.4 / 96.0;
        let size =
            [tree.size().width(), tree.size().height()].map(|px| (px * scale).round() as u32);
        let mut pixels = tiny_skia::Pixmap::new(size[0], size[1]).unwrap();
        let transform = tiny_skia::Transform::from_scale(scale, scale);
        resvg::render(&tree, transform, &mut pixels.as_mut());
        (pixels.pixels().iter().map(|pixel| pixel.red()).collect(), size[0] as usize)
    }

    #[test]
    fn every_tag_of_every_board_is_printed_true_to_scale_where_it_should_be() {
        let mut finder = Finder::new().unwrap();
        for name in Board::NAMES {
            let board = Board::named(name).unwrap();
            let (pixels, width) = printed(&board);
            let frame = Frame::new(&pixels, width).unwrap();
            let seen = finder.find(&frame, None, None);
            assert_eq!(seen.len(), board.tags.len(), "{name}");
            let middle_x = width as f64 / 2.0 - 0.5;
            let middle_y = (frame.height() as f64 - 4.0 * RULER_BAND_MM) / 2.0 - 0.5;
            for tag in seen {
                let truth = board.tag(tag.id).unwrap().corners();
                for (at, on) in tag.corners.iter().zip(truth) {
                    let (x, y) = ((at.x - middle_x) / 4.0, (middle_y - at.y) / 4.0);
                    let off = libm::hypot(x - on.x, y - on.y);
                    assert!(off < 0.06, "{name} {}: {off} mm", tag.id);
                }
            }
        }
    }

    #[test]
    fn pages_of_a_pdf_are_sheets_of_a4_and_the_ruler_measures_a_hundred_millimetres() {
        let svgs: Vec<String> =
            Board::NAMES.iter().map(|name| svg(&Board::named(name).unwrap())).collect();
        for svg in &svgs {
            assert!(svg.contains("h100M") && svg.contains("mm\""), "{svg}");
        }
        let pdf = true_to_scale(&svgs).unwrap();
        assert_eq!(pdf, true_to_scale(&svgs).unwrap());
        let text = String::from_utf8_lossy(&pdf);
        // Sheets of 297 by 210 mm in points.
        let boxes: Vec<[f64; 2]> = text
            .split("/MediaBox")
            .skip(1)
            .map(|after| {
                let numbers = after.split(['[', ']']).nth(1).unwrap().split_whitespace();
                let numbers: Vec<f64> = numbers.map(|n| n.parse().unwrap()).collect();
                [numbers[2], numbers[3]]
            })
            .collect();
        assert_eq!(boxes.len(), 4, "{}", text.len());
        for [width, height] in boxes {
            let (long, short) = (width.max(height), width.min(height));
            assert!((long - 297.0 / 25.4 * 72.0).abs() < 0.1, "{long}");
            assert!((short - 210.0 / 25.4 * 72.0).abs() < 0.1, "{short}");
        }
    }
}
