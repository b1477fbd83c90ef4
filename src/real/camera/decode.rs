use std::io::Cursor;

use zune_core::bytestream::ZCursor;
use zune_core::colorspace::ColorSpace;
use zune_core::options::DecoderOptions;
use zune_jpeg::JpegDecoder;

use super::{CameraError, Grey};

/// Longest side of a picture that is decoded, and most pixels: more is no camera's frame, and more memory than a
/// mistake should take.
const LONGEST_SIDE: usize = 16384;
const MOST_PIXELS: usize = 64 << 20;

/// A JPEG or a PNG of any kind as a grey picture, colours by their luma (ITU-R BT.601); `at` says where it came from.
///
/// # Errors
/// Files that are cut off, or broken, are torn; what is larger than any camera's frame is no picture.
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
        .set_max_width(LONGEST_SIDE)
        .set_max_height(LONGEST_SIDE)
        .jpeg_set_out_colorspace(ColorSpace::Luma);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(&bytes[..end]), options);
    decoder.decode_headers().map_err(|why| torn(why.to_string()))?;
    let (width, height) = decoder.dimensions().ok_or_else(|| torn("no size".to_owned()))?;
    bounded(at, width, height)?;
    let pixels = decoder.decode().map_err(|why| torn(why.to_string()))?;
    if width == 0 || pixels.len() != width * height {
        return Err(torn(format!("{} pixels of {width} x {height}", pixels.len())));
    }
    Ok(Grey { pixels, width })
}

fn png(at: &str, bytes: &[u8]) -> Result<Grey, CameraError> {
    let torn = |why: String| CameraError::Torn { at: at.to_owned(), why };
    let limits = png::Limits { bytes: 4 * MOST_PIXELS };
    let mut decoder = png::Decoder::new_with_limits(Cursor::new(bytes), limits);
    decoder.set_transformations(png::Transformations::normalize_to_color8());
    let mut reader = decoder.read_info().map_err(|why| torn(why.to_string()))?;
    let (width, height) = (reader.info().width as usize, reader.info().height as usize);
    bounded(at, width, height)?;
    let size = reader.output_buffer_size().ok_or_else(|| torn("no size".to_owned()))?;
    let mut samples = vec![0; size];
    let info = reader.next_frame(&mut samples).map_err(|why| torn(why.to_string()))?;
    samples.truncate(info.buffer_size());
    let grey = |part: &[u8]| match *part {
        [r, g, b, ..] => {
            ((299 * u32::from(r) + 587 * u32::from(g) + 114 * u32::from(b) + 500) / 1000) as u8
        }
        [grey, ..] => grey,
        [] => 0,
    };
    let pixels: Vec<u8> = samples.chunks_exact(info.color_type.samples()).map(grey).collect();
    if pixels.len() != width * height {
        return Err(torn(format!("{} pixels of {width} x {height}", pixels.len())));
    }
    Ok(Grey { pixels, width })
}

fn bounded(at: &str, width: usize, height: usize) -> Result<(), CameraError> {
    let why = if width.max(height) > LONGEST_SIDE {
        format!("{width} x {height} pixels: at most {LONGEST_SIDE} a side are read")
    } else if width.saturating_mul(height) > MOST_PIXELS {
        format!("{width} x {height} pixels: at most {MOST_PIXELS} in all are read")
    } else {
        return Ok(());
    };
    Err(CameraError::NoPicture { at: at.to_owned(), why })
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

    #[test]
    fn transparent_pictures_are_read_by_their_grey() {
        let samples: Vec<u8> = picture().into_iter().flat_map(|grey| [grey, 0]).collect();
        let png = as_png(png::ColorType::GrayscaleAlpha, &samples);
        assert_eq!(decode("a", &png).unwrap().pixels, picture());
    }

    /// A PNG's head that tells this size; its pixels are the small picture's.
    fn head_of(width: u32, height: u32) -> Vec<u8> {
        let mut bytes = as_png(png::ColorType::Grayscale, &picture());
        bytes[16..20].copy_from_slice(&width.to_be_bytes());
        bytes[20..24].copy_from_slice(&height.to_be_bytes());
        let sum = crc32(&bytes[12..29]);
        bytes[29..33].copy_from_slice(&sum.to_be_bytes());
        bytes
    }

    /// ISO 3309, as PNG has it.
    fn crc32(bytes: &[u8]) -> u32 {
        let step = |sum: u32, byte: &u8| {
            (0..8).fold(sum ^ u32::from(*byte), |s, _| {
                (s >> 1) ^ (0xedb8_8320 & (s & 1).wrapping_neg())
            })
        };
        !bytes.iter().fold(!0, step)
    }

    #[test]
    fn a_picture_larger_than_any_cameras_is_refused_before_its_pixels_are_read() {
        for (size, says) in [((20_000, 9), "16384 a side"), ((16_000, 16_000), "67108864 in all")] {
            let error = decode("cam", &head_of(size.0, size.1)).unwrap_err();
            let none = matches!(error, CameraError::NoPicture { .. });
            assert!(none && error.to_string().contains(says), "{error}");
        }
        let mut jpeg = as_jpeg(jpeg_encoder::ColorType::Luma, &picture());
        let frame = jpeg.windows(2).position(|w| w == [0xff, 0xc0]).unwrap();
        jpeg[frame + 5..frame + 9].copy_from_slice(&[0x3e, 0x80, 0x3e, 0x80]);
        let error = decode("cam", &jpeg).unwrap_err().to_string();
        assert!(error.contains("16000 x 16000"), "{error}");
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
