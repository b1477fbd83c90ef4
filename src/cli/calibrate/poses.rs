use std::collections::BTreeMap;
use std::path::Path;

use nalgebra::Isometry3;

use crate::cli::Failure;
use crate::config::Frame;
use crate::input::{Check, ConfigError, parse_toml};

/// Where the arm stood in each view.
#[derive(Debug)]
pub struct Poses {
    file: String,
    poses: BTreeMap<String, Frame>,
}

/// Farther from the world's origin no arm of this size stands, mm.
const REACH_MM: f64 = 10_000.0;

pub fn read(path: &Path) -> Result<Poses, Failure> {
    let file = path.display().to_string();
    let text = std::fs::read_to_string(path).map_err(|e| Failure::Input(format!("{file}: {e}")))?;
    Ok(parse(&file, &text)?)
}

fn parse(file: &str, text: &str) -> Result<Poses, ConfigError> {
    let poses: BTreeMap<String, Frame> = parse_toml(file, text)?;
    for (view, pose) in &poses {
        pose.check(Check { file }, view, REACH_MM)?;
    }
    Ok(Poses { file: file.to_owned(), poses })
}

impl Poses {
    /// Names of the views.
    pub fn views(&self) -> impl Iterator<Item = &str> {
        self.poses.keys().map(String::as_str)
    }

    /// `world_from_tool` of a view, metres.
    pub fn of(&self, view: &str) -> Result<Isometry3<f64>, Failure> {
        let pose = self.poses.get(view).map(Frame::isometry);
        pose.ok_or_else(|| {
            let told = format!("{}: lacks the pose of the view \"{view}\"", self.file);
            Failure::Input(format!("{told} = {{ xyz_mm = [...], rpy_deg = [...] }}"))
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_pose_is_found_by_its_views_name_and_what_is_wrong_is_named() {
        let text = "\"000.png\" = { xyz_mm = [1, 2, 3], rpy_deg = [0, 0, 90] }\n";
        let poses = parse("p.toml", text).unwrap();
        let pose = poses.of("000.png").unwrap();
        assert!((pose.translation.vector.z - 0.003).abs() < 1e-12);
        let error = poses.of("001.png").unwrap_err().to_string();
        assert!(error.contains("p.toml: lacks") && error.contains("001.png"), "{error}");
        for (text, named) in [
            ("\"a\" = { xyz_mm = [1, 2] , rpy_deg = [0, 0, 0] }", "\"a\""),
            ("\"a\" = { xyz_mm = [1, 2, 3] }", "rpy_deg"),
            ("\"a\" = { xyz_mm = [1, 2, 99999], rpy_deg = [0, 0, 0] }", "a.xyz_mm = 99999"),
            ("\"a\" = { xyz_mm = [1, 2, nan], rpy_deg = [0, 0, 0] }", "a.xyz_mm = NaN"),
        ] {
            let error = parse("p.toml", text).unwrap_err().to_string();
            assert!(error.starts_with("p.toml") && error.contains(named), "{error}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,80}(\n\\PC{0,40}){0,3}") {
            let _ = parse("p.toml", &text);
        }

        #[test]
        fn every_pose_that_is_written_is_read(xyz in prop::array::uniform3(-900.0..900.0f64), rpy in prop::array::uniform3(-179.0..179.0f64)) {
            let text = format!("\"v\" = {{ xyz_mm = {xyz:?}, rpy_deg = {rpy:?} }}");
            let pose = parse("p.toml", &text).unwrap().of("v").unwrap();
            let expected = Frame { xyz_mm: xyz, rpy_deg: rpy }.isometry();
            prop_assert!((pose.translation.vector - expected.translation.vector).norm() < 1e-12);
        }
    }
}
