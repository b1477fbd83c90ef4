use std::path::{Path, PathBuf};

use crate::cli::Failure;
use crate::eyes::Frame;

/// Frames of one size from the files of a folder, in the order of their names.
pub struct Shots {
    pub width: usize,
    pub height: usize,
    grey: Vec<(String, Vec<u8>)>,
}

impl Shots {
    /// Each with the name of its file.
    pub fn frames(&self) -> impl Iterator<Item = (String, Frame<'_>)> {
        self.grey
            .iter()
            .filter_map(|(name, pixels)| Some((name.clone(), Frame::new(pixels, self.width)?)))
    }
}

/// More pixels are no camera's frame, and more memory than a mistake should take.
const MOST_PIXELS: usize = 64 << 20;
const MOST_VIEWS: usize = 500;

/// How names of views end.
const KINDS: [&str; 3] = ["png", "jpg", "jpeg"];

/// Reads all PNG and JPEG files of a folder as grey frames.
pub fn read(folder: &Path) -> Result<Shots, Failure> {
    let wrong = |path: &Path, why: &dyn std::fmt::Display| {
        Failure::Input(format!("{}: {why}", path.display()))
    };
    let entries = std::fs::read_dir(folder).map_err(|e| wrong(folder, &e))?;
    let mut files: Vec<PathBuf> = Vec::new();
    for entry in entries {
        let path = entry.map_err(|e| wrong(folder, &e))?.path();
        let kind = path.extension().unwrap_or_default();
        if KINDS.iter().any(|known| kind.eq_ignore_ascii_case(known)) {
            files.push(path);
        }
    }
    files.sort();
    if files.is_empty() {
        return Err(wrong(folder, &"holds no view: *.png or *.jpg files are needed"));
    }
    if files.len() > MOST_VIEWS {
        let why = format!("holds {} views: at most {MOST_VIEWS} are read", files.len());
        return Err(wrong(folder, &why));
    }
    let mut shots: Option<Shots> = None;
    for path in files {
        let bytes = std::fs::read(&path).map_err(|e| wrong(&path, &e))?;
        let decoded = if bytes.starts_with(JPEG) { grey_jpeg(&bytes) } else { grey(&bytes) };
        let (width, height, pixels) = decoded.map_err(|why| wrong(&path, &why))?;
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let shots = shots.get_or_insert_with(|| Shots { width, height, grey: Vec::new() });
        if (width, height) != (shots.width, shots.height) {
            let why = format!(
                "is {width}x{height} pixels, the views before it are {}x{}: all must be of one camera",
                shots.width, shots.height
            );
            return Err(wrong(&path, &why));
        }
        shots.grey.push((name, pixels));
    }
    shots.ok_or_else(|| wrong(folder, &"holds no view"))
}

/// What every JPEG begins with.
const JPEG: &[u8] = &[0xff, 0xd8];
const MOST_SIDE: usize = 16384;

/// Width, height and luma of a JPEG; one that is cut off is refused.
fn grey_jpeg(bytes: &[u8]) -> Result<(usize, usize, Vec<u8>), String> {
    use zune_core::bytestream::ZCursor;
    use zune_core::colorspace::ColorSpace;
    use zune_core::options::DecoderOptions;
    let told = |why: zune_jpeg::errors::DecodeErrors| format!("is no readable JPEG: {why:?}");
    let options = DecoderOptions::default()
        .set_strict_mode(true)
        .set_max_width(MOST_SIDE)
        .set_max_height(MOST_SIDE)
        .jpeg_set_out_colorspace(ColorSpace::Luma);
    let mut decoder = zune_jpeg::JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    decoder.decode_headers().map_err(told)?;
    let info = decoder.info().ok_or("is no readable JPEG")?;
    let (width, height) = (usize::from(info.width), usize::from(info.height));
    if width * height > MOST_PIXELS {
        return Err(format!("is {width}x{height} pixels: at most {MOST_PIXELS} in all are read"));
    }
    let pixels = decoder.decode().map_err(told)?;
    let whole = pixels.len() == width * height;
    whole.then_some((width, height, pixels)).ok_or_else(|| "is no grey or colour JPEG".into())
}

/// Width, height and grey pixels of a PNG of any kind; colours by their luma (ITU-R BT.601).
fn grey(bytes: &[u8]) -> Result<(usize, usize, Vec<u8>), String> {
    let told = |why: png::DecodingError| format!("is no readable PNG: {why}");
    let limits = png::Limits { bytes: 4 * MOST_PIXELS };
    let mut decoder = png::Decoder::new_with_limits(std::io::Cursor::new(bytes), limits);
    decoder.set_transformations(png::Transformations::normalize_to_color8());
    let mut reader = decoder.read_info().map_err(told)?;
    let (width, height) = (reader.info().width as usize, reader.info().height as usize);
    if width.saturating_mul(height) > MOST_PIXELS {
        return Err(format!("is {width}x{height} pixels: at most {MOST_PIXELS} in all are read"));
    }
    let size = reader.output_buffer_size().ok_or("is too large")?;
    let mut pixels = vec![0; size];
    let info = reader.next_frame(&mut pixels).map_err(told)?;
    pixels.truncate(info.buffer_size());
    let samples = info.color_type.samples();
    let luma = |colour: &[u8]| match colour {
        [r, g, b, ..] => {
            let [r, g, b] = [*r, *g, *b].map(u32::from);
            ((299 * r + 587 * g + 114 * b + 500) / 1000) as u8
        }
        [grey, ..] => *grey,
        [] => 0,
    };
    let grey: Vec<u8> = pixels.chunks_exact(samples).map(luma).collect();
    let whole = grey.len() == width * height;
    whole.then_some((width, height, grey)).ok_or_else(|| "is cut off".into())
}

#[cfg(test)]
pub fn png_of(pixels: &[u8], width: usize, colour: png::ColorType) -> Vec<u8> {
    let mut bytes = Vec::new();
    let height = pixels.len() / width / colour.samples();
    let mut encoder = png::Encoder::new(&mut bytes, width as u32, height as u32);
    encoder.set_color(colour);
    encoder.set_depth(png::BitDepth::Eight);
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(pixels).unwrap();
    writer.finish().unwrap();
    bytes
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn grey_and_coloured_pictures_are_read_as_grey() {
        let bytes = png_of(&[0, 50, 100, 150, 200, 255], 3, png::ColorType::Grayscale);
        assert_eq!(grey(&bytes).unwrap(), (3, 2, vec![0, 50, 100, 150, 200, 255]));
        let bytes = png_of(&[255, 255, 255, 255, 0, 0], 2, png::ColorType::Rgb);
        assert_eq!(grey(&bytes).unwrap(), (2, 1, vec![255, 76]));
        let bytes = png_of(&[7, 255, 9, 0], 2, png::ColorType::GrayscaleAlpha);
        assert_eq!(grey(&bytes).unwrap(), (2, 1, vec![7, 9]));
    }

    fn jpeg() -> (Vec<u8>, Vec<u8>) {
        let pixels: Vec<u8> = (0..64 * 48).map(|at| (40 + at % 64 * 2 + at / 64) as u8).collect();
        let mut bytes = Vec::new();
        let encoder = jpeg_encoder::Encoder::new(&mut bytes, 95);
        encoder.encode(&pixels, 64, 48, jpeg_encoder::ColorType::Luma).unwrap();
        (pixels, bytes)
    }

    #[test]
    fn a_jpeg_is_read_as_grey_and_one_that_is_cut_off_is_refused() {
        let (pixels, bytes) = jpeg();
        let (width, height, read) = grey_jpeg(&bytes).unwrap();
        assert_eq!((width, height), (64, 48));
        let off = read.iter().zip(&pixels).map(|(a, b)| a.abs_diff(*b)).max();
        assert!(off < Some(8), "{off:?}");
        for share in [2, 3, 5] {
            let cut = &bytes[..bytes.len() * (share - 1) / share];
            assert!(grey_jpeg(cut).is_err(), "{share}");
        }
    }

    #[test]
    fn a_folder_without_views_a_broken_file_and_mixed_sizes_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let said = |path: &Path| read(path).err().unwrap().to_string();
        assert!(said(&folder.path().join("none")).contains("none: "));
        assert!(said(folder.path()).contains("holds no view"));
        let small = png_of(&[1, 2, 3, 4], 2, png::ColorType::Grayscale);
        std::fs::write(folder.path().join("a.png"), &small).unwrap();
        let large = png_of(&[1, 2, 3, 4, 5, 6], 3, png::ColorType::Grayscale);
        std::fs::write(folder.path().join("b.png"), large).unwrap();
        assert!(said(folder.path()).contains("b.png: is 3x2 pixels"), "{}", said(folder.path()));
        std::fs::write(folder.path().join("b.png"), &small[..small.len() / 2]).unwrap();
        assert!(said(folder.path()).contains("b.png: is no readable PNG"));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(mut bytes in prop::collection::vec(any::<u8>(), 0..200), real in any::<bool>(), at in 0usize..80) {
            if real {
                // A whole picture with one byte changed gets farther.
                let changed = bytes.first().copied().unwrap_or(0);
                bytes = png_of(&[9; 12], 4, png::ColorType::Grayscale);
                let at = at % bytes.len();
                bytes[at] = changed;
            }
            let _ = grey(&bytes);
        }

        #[test]
        fn no_changed_jpeg_makes_it_panic(at in any::<prop::sample::Index>(), to in any::<u8>()) {
            let (_, mut bytes) = jpeg();
            let at = at.index(bytes.len());
            bytes[at] = to;
            let _ = grey_jpeg(&bytes);
        }
    }
}
