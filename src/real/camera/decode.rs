use std::io::Cursor;

use zune_core::bytestream::ZCursor;
use zune_core::colorspace::ColorSpace;
use zune_core::options::DecoderOptions;
use zune_jpeg::JpegDecoder;

use super::{CameraError, Grey};

/// Longest side of a picture that is decoded, pixels.
const LARGEST: usize = 8192;

/// A JPEG or a PNG as a grey picture; `at` says where it came from. Truncated files are torn.
pub fn decode(at: &str, bytes: &[u8]) -> Result<Grey, CameraError> {
    match bytes {
        [0xff, 0xd8, ..] => jpeg(at, bytes),
        [0x89, b'P', b'N', b'G', ..] => png(at, bytes),
        _ => Err(CameraError::NoPicture {
            at: at.to_owned(),
            why: format!("{} bytes that are neither JPEG nor PNG", bytes.len()),
        }),
    }
}

fn jpeg(at: &str, bytes: &[u8]) -> Result<Grey, CameraError> {
    let torn = |why: String| CameraError::Torn { at: at.to_owned(), why };
    // Some cameras pad what follows the end.
    let padding = |byte: &&u8| matches!(**byte, 0 | b'\r' | b'\n');
    let end = bytes.len() - bytes.iter().rev().take_while(padding).count();
    if !bytes[..end].ends_with(&[0xff, 0xd9]) {
        return Err(torn("the JPEG has no end".to_owned()));
    }
    let options = DecoderOptions::default()
        .set_strict_mode(true)
        .set_max_width(LARGEST)
        .set_max_height(LARGEST)
        .jpeg_set_out_colorspace(ColorSpace::Luma);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(&bytes[..end]), options);
    let pixels = decoder.decode().map_err(|why| torn(why.to_string()))?;
    let (width, height) = decoder.dimensions().ok_or_else(|| torn("no size".to_owned()))?;
    if width == 0 || pixels.len() != width * height {
        return Err(torn(format!("{} pixels of {width} x {height}", pixels.len())));
    }
    Ok(Grey { pixels, width })
}

fn png(at: &str, bytes: &[u8]) -> Result<Grey, CameraError> {
    let torn = |why: String| CameraError::Torn { at: at.to_owned(), why };
    let mut decoder = png::Decoder::new(Cursor::new(bytes));
    decoder.set_transformations(png::Transformations::normalize_to_color8());
    let mut reader = decoder.read_info().map_err(|why| torn(why.to_string()))?;
    let (width, height) = (reader.info().width as usize, reader.info().height as usize);
    if width.max(height) > LARGEST {
        return Err(torn(format!("{width} x {height} pixels are more than {LARGEST} a side")));
    }
    let size = reader.output_buffer_size().ok_or_else(|| torn("no size".to_owned()))?;
    let mut samples = vec![0; size];
    let info = reader.next_frame(&mut samples).map_err(|why| torn(why.to_string()))?;
    samples.truncate(info.buffer_size());
    let grey = |part: &[u8]| match *part {
        // ITU-R BT.601.
        [r, g, b, ..] => {
            ((299 * u32::from(r) + 587 * u32::from(g) + 114 * u32::from(b) + 500) / 1000) as u8
        }
        [grey, ..] => grey,
        [] => 0,
    };
    let pixels = samples.chunks_exact(info.color_type.samples()).map(grey).collect();
    Ok(Grey { pixels, width })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn picture() -> Vec<u8> {
        (0..64 * 48).map(|i| ((i % 64) * 3 + i / 64) as u8).collect()
    }

    fn as_png(color: png::ColorType, samples: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, 64, 48);
        encoder.set_color(color);
        encoder.write_header().unwrap().write_image_data(samples).unwrap();
        bytes
    }

    fn as_jpeg(color: jpeg_encoder::ColorType, samples: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        jpeg_encoder::Encoder::new(&mut bytes, 95).encode(samples, 64, 48, color).unwrap();
        bytes
    }

    fn coloured() -> Vec<u8> {
        picture().into_iter().flat_map(|grey| [grey; 3]).collect()
    }

    #[test]
    fn png_and_jpeg_grey_and_coloured_tell_the_same() {
        let png = as_png(png::ColorType::Grayscale, &picture());
        assert_eq!(decode("a", &png).unwrap(), Grey { pixels: picture(), width: 64 });
        let png = as_png(png::ColorType::Rgb, &coloured());
        assert_eq!(decode("a", &png).unwrap().pixels, picture());
        for jpeg in [
            as_jpeg(jpeg_encoder::ColorType::Luma, &picture()),
            as_jpeg(jpeg_encoder::ColorType::Rgb, &coloured()),
        ] {
            let grey = decode("a", &jpeg).unwrap();
            let off = grey.pixels.iter().zip(picture()).map(|(a, b)| a.abs_diff(b)).max();
            assert!(grey.width == 64 && off < Some(12), "{off:?}");
        }
    }

    #[test]
    fn a_part_of_a_picture_is_torn() {
        let jpeg = as_jpeg(jpeg_encoder::ColorType::Luma, &picture());
        let png = as_png(png::ColorType::Grayscale, &picture());
        for bytes in [jpeg, png] {
            for share in 1..20 {
                let part = &bytes[..(bytes.len() * share / 20).max(9)];
                let error = decode("cam", part).unwrap_err();
                assert!(matches!(error, CameraError::Torn { .. }), "{share}: {error}");
            }
        }
        assert!(matches!(decode("cam", b"<html>"), Err(CameraError::NoPicture { .. })));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(
            kind in 0..3usize, mut bytes in prop::collection::vec(any::<u8>(), 0..400), cut in 0..3000usize, flip in 0..3000usize,
        ) {
            let _ = decode("cam", &bytes);
            let mut whole = match kind {
                0 => as_jpeg(jpeg_encoder::ColorType::Luma, &picture()),
                1 => as_png(png::ColorType::Grayscale, &picture()),
                _ => { bytes.splice(0..0, [0xff, 0xd8]); bytes.extend([0xff, 0xd9]); bytes }
            };
            let at = flip % whole.len();
            whole[at] ^= 0x55;
            let _ = decode("cam", &whole);
            whole.truncate(cut);
            let _ = decode("cam", &whole);
        }
    }
}
