use std::path::{Path, PathBuf};

use crate::cli::Failure;
use crate::eyes::Frame;
use crate::real::camera::decode;

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

/// More are a mistake, and would take much memory.
const MOST_VIEWS: usize = 500;

/// How names of views end.
const KINDS: [&str; 3] = ["png", "jpg", "jpeg"];

/// PNG and JPEG files of a folder, in the order of their names.
pub fn files(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
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
    Ok(files)
}

/// Reads all PNG and JPEG files of a folder as grey frames.
pub fn read(folder: &Path) -> Result<Shots, Failure> {
    let files = files(folder)?;
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
        let picture = decode(&path.display().to_string(), &bytes)
            .map_err(|error| Failure::Input(error.to_string()))?;
        let (width, height) = (picture.width, picture.pixels.len() / picture.width);
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let shots = shots.get_or_insert_with(|| Shots { width, height, grey: Vec::new() });
        if (width, height) != (shots.width, shots.height) {
            let why = format!(
                "is {width}x{height} pixels, the views before it are {}x{}: all must be of one camera",
                shots.width, shots.height
            );
            return Err(wrong(&path, &why));
        }
        shots.grey.push((name, picture.pixels));
    }
    shots.ok_or_else(|| wrong(folder, &"holds no view"))
}

fn wrong(path: &Path, why: &dyn std::fmt::Display) -> Failure {
    Failure::Input(format!("{}: {why}", path.display()))
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
    use super::*;

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
        assert!(
            said(folder.path()).contains("b.png: the frame is torn"),
            "{}",
            said(folder.path())
        );
        std::fs::write(folder.path().join("b.png"), "text").unwrap();
        assert!(said(folder.path()).contains("b.png: no picture"), "{}", said(folder.path()));
    }
}
