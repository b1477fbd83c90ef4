use std::path::{Path, PathBuf};

use super::{Camera, CameraError, Taken, decode};

/// Pictures of a folder, each once, in the order of their names: for tests and for work without a camera.
#[derive(Debug)]
pub struct Folder {
    folder: PathBuf,
    /// The next comes last.
    left: Vec<PathBuf>,
    number: u64,
}

/// Longest file that is read, bytes.
const LONGEST: u64 = 64 * 1024 * 1024;

impl Folder {
    /// Files that end in `.jpg`, `.jpeg` or `.png`.
    pub fn open(folder: &Path) -> Result<Self, CameraError> {
        let at = folder.display().to_string();
        let unread = |error: std::io::Error| CameraError::Unreachable {
            at: at.clone(),
            why: error.to_string(),
        };
        let mut left = Vec::new();
        for entry in std::fs::read_dir(folder).map_err(unread)? {
            let path = entry.map_err(unread)?.path();
            let kind = path.extension().map(|kind| kind.to_string_lossy().to_ascii_lowercase());
            if matches!(kind.as_deref(), Some("jpg" | "jpeg" | "png")) {
                left.push(path);
            }
        }
        left.sort_by(|a, b| b.cmp(a));
        Ok(Self { folder: folder.to_owned(), left, number: 0 })
    }
}

impl Camera for Folder {
    fn is_live(&self) -> bool {
        false
    }

    fn frame(&mut self) -> Result<Taken, CameraError> {
        let unread = |path: &Path, why: String| {
            let at = path.display().to_string();
            Err(CameraError::Unreachable { at, why })
        };
        let Some(path) = self.left.pop() else {
            return unread(&self.folder, "no more pictures: JPEGs or PNGs".to_owned());
        };
        let read = std::fs::metadata(&path).and_then(|about| match about.len() <= LONGEST {
            true => std::fs::read(&path),
            false => Err(std::io::Error::other(format!("longer than {LONGEST} bytes"))),
        });
        let bytes = match read {
            Ok(bytes) => bytes,
            Err(error) => return unread(&path, error.to_string()),
        };
        self.number += 1;
        let picture = decode(&path.display().to_string(), &bytes)?;
        Ok(Taken { picture, number: Some(self.number), at: None })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_come_in_the_order_of_their_names_and_then_no_more() {
        let dir = tempfile::tempdir().unwrap();
        for (name, light) in [("b.jpg", 90), ("a.JPG", 30), ("c.jpeg", 150)] {
            let mut bytes = Vec::new();
            let encoder = jpeg_encoder::Encoder::new(&mut bytes, 95);
            encoder.encode(&[light; 64], 8, 8, jpeg_encoder::ColorType::Luma).unwrap();
            std::fs::write(dir.path().join(name), bytes).unwrap();
        }
        std::fs::write(dir.path().join("notes.txt"), "none").unwrap();
        std::fs::write(dir.path().join("d.png"), "none either").unwrap();
        let mut folder = Folder::open(dir.path()).unwrap();
        let lights: Vec<u8> = (0..3).map(|_| folder.frame().unwrap().picture.pixels[0]).collect();
        assert!(lights[0] < lights[1] && lights[1] < lights[2], "{lights:?}");
        assert!(matches!(folder.frame(), Err(CameraError::NoPicture { .. })));
        assert!(matches!(folder.frame(), Err(CameraError::Unreachable { .. })));
        assert!(Folder::open(&dir.path().join("none")).is_err());
    }
}
