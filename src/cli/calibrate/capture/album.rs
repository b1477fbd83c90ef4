use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::cli::Failure;
use crate::cli::calibrate::{poses, store, views};
use crate::config::Frame;
use crate::eyes::calibrate::View;
use crate::eyes::{Board, Finder};
use crate::real::camera::Grey;

/// A folder of views, which grows and never loses one.
pub struct Album {
    folder: PathBuf,
    /// Of all frames; 0 before the first.
    pub width: usize,
    pub height: usize,
    /// What each view shows of the board, those that were there before too.
    pub views: Vec<View>,
    next: usize,
    /// Each view has its pose.
    posed: bool,
}

const POSES: &str = "poses.toml";

impl Album {
    /// Goes on with what the folder holds, if anything.
    pub fn open(
        folder: &Path,
        board: &Board,
        finder: &mut Finder,
        posed: bool,
    ) -> Result<Self, Failure> {
        let wrong = |path: &Path, why: &dyn std::fmt::Display| {
            Failure::Input(format!("{}: {why}", path.display()))
        };
        std::fs::create_dir_all(folder).map_err(|e| wrong(folder, &e))?;
        let mut album = Self {
            folder: folder.to_owned(),
            width: 0,
            height: 0,
            views: Vec::new(),
            next: 0,
            posed,
        };
        let mut names = BTreeSet::new();
        if !views::files(folder)?.is_empty() {
            let shots = views::read(folder)?;
            (album.width, album.height) = (shots.width, shots.height);
            for (name, frame) in shots.frames() {
                album.views.push(View::new(&name, board, &finder.find(&frame, None, None)));
                names.insert(name);
            }
        }
        let file = folder.join(POSES);
        if file.exists() {
            if !posed && !names.is_empty() {
                let why = "its views have poses: go on with --poses, or in another folder";
                return Err(wrong(&file, &why));
            }
            let poses = poses::read(&file)?;
            if posed {
                names.iter().try_for_each(|view| poses.of(view).map(drop))?;
            }
            names.extend(poses.views().map(str::to_owned));
        } else if let Some(name) = names.first().filter(|_| posed) {
            let why = "has no pose: take views with --poses into a folder of their own";
            return Err(wrong(&folder.join(name), &why));
        }
        let number = |name: &String| name.split('.').next()?.parse::<usize>().ok();
        album.next = names.iter().filter_map(number).max().map_or(0, |last| last + 1);
        Ok(album)
    }

    /// Its name; on disk once this returns.
    pub fn add(
        &mut self,
        picture: &Grey,
        view: View,
        world_from_tool: Option<&Frame>,
    ) -> Result<String, Failure> {
        let (width, height) = (picture.width, picture.pixels.len() / picture.width.max(1));
        if !self.views.is_empty() && (width, height) != (self.width, self.height) {
            return Err(Failure::Input(format!(
                "{}: the views there are {}x{} pixels, the camera's {width}x{height}: take them into another folder",
                self.folder.display(),
                self.width,
                self.height
            )));
        }
        let name = format!("{:03}.png", self.next);
        // A pose without its view harms nobody; a view without its pose would.
        if self.posed
            && let Some(pose) = world_from_tool
        {
            let line = format!("\"{name}\" = {}\n", store::frame(pose));
            let path = self.folder.join(POSES);
            let file = OpenOptions::new().create(true).append(true).open(&path);
            file.and_then(|mut file| written(&mut file, line.as_bytes()))
                .map_err(|e| unwritten(&path, &e))?;
        }
        let path = self.folder.join(&name);
        let png = encoded(picture, height).map_err(|e| unwritten(&path, &e))?;
        let file = File::create_new(&path);
        file.and_then(|mut file| {
            written(&mut file, &png).inspect_err(|_| drop(std::fs::remove_file(&path)))
        })
        .map_err(|e| unwritten(&path, &e))?;
        (self.width, self.height) = (width, height);
        self.views.push(View { name: name.clone(), ..view });
        self.next += 1;
        Ok(name)
    }
}

fn written(file: &mut File, bytes: &[u8]) -> std::io::Result<()> {
    file.write_all(bytes).and_then(|()| file.sync_all())
}

fn unwritten(path: &Path, why: &dyn std::fmt::Display) -> Failure {
    Failure::Work(anyhow::anyhow!("{}: {why}", path.display()))
}

fn encoded(picture: &Grey, height: usize) -> Result<Vec<u8>, png::EncodingError> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, picture.width as u32, height as u32);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::Eight);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&picture.pixels)?;
    writer.finish()?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(light: u8) -> Grey {
        Grey { pixels: (0..48 * 64).map(|at| light.wrapping_add(at as u8)).collect(), width: 64 }
    }

    fn open(folder: &Path, posed: bool) -> Result<Album, Failure> {
        Album::open(folder, &Board::camera(), &mut Finder::new().unwrap(), posed)
    }

    fn empty() -> View {
        View::new("", &Board::camera(), &[])
    }

    fn refused(folder: &Path, posed: bool) -> String {
        let error = open(folder, posed).err().unwrap();
        assert_eq!(error.exit_code(), 2);
        error.to_string()
    }

    #[test]
    fn views_go_on_after_the_last_number_and_nothing_is_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let shots = folder.path().join("deep/shots");
        let mut album = open(&shots, false).unwrap();
        for (light, name) in [(10, "000.png"), (40, "001.png")] {
            assert_eq!(album.add(&picture(light), empty(), None).unwrap(), name);
        }
        std::fs::remove_file(shots.join("000.png")).unwrap();
        let mut album = open(&shots, false).unwrap();
        assert_eq!((album.views.len(), album.width, album.height), (1, 64, 48));
        assert_eq!(album.add(&picture(90), empty(), None).unwrap(), "002.png");
        let kept = views::read(&shots).unwrap();
        let pixels: Vec<_> = kept.frames().map(|(_, frame)| frame.pixels().to_vec()).collect();
        assert_eq!(pixels, [picture(40).pixels, picture(90).pixels]);
        let mut again = open(&shots, false).unwrap();
        std::fs::write(shots.join("003.png"), "of somebody else").unwrap();
        assert!(again.add(&picture(1), empty(), None).is_err());
        assert_eq!(std::fs::read(shots.join("003.png")).unwrap(), b"of somebody else");
        std::fs::remove_file(shots.join("003.png")).unwrap();
        let small = Grey { pixels: vec![9; 12], width: 4 };
        let said = open(&shots, false).unwrap().add(&small, empty(), None).unwrap_err();
        assert!(said.to_string().contains("64x48"), "{said}");
    }

    #[test]
    fn every_view_of_a_mounting_has_its_pose_and_a_lens_s_views_are_kept_apart() {
        let folder = tempfile::tempdir().unwrap();
        let tool = Frame { xyz_mm: [1.0, -2.5, 300.0], rpy_deg: [180.0, 0.0, 45.0] };
        let mut album = open(folder.path(), true).unwrap();
        album.add(&picture(3), empty(), Some(&tool)).unwrap();
        let read = poses::read(&folder.path().join(POSES)).unwrap();
        assert_eq!(Frame::from_isometry(&read.of("000.png").unwrap()), tool);
        assert!(refused(folder.path(), false).contains("--poses"));
        // A kill between pose and view leaves a pose; its number is not used again.
        std::fs::remove_file(folder.path().join("000.png")).unwrap();
        let mut album = open(folder.path(), true).unwrap();
        assert_eq!(album.add(&picture(5), empty(), Some(&tool)).unwrap(), "001.png");
        std::fs::write(folder.path().join(POSES), "").unwrap();
        assert!(refused(folder.path(), true).contains("001.png"));
        std::fs::remove_file(folder.path().join(POSES)).unwrap();
        assert!(refused(folder.path(), true).contains("has no pose"));
        assert!(open(folder.path(), false).is_ok());
    }
}
