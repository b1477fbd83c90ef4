use nalgebra::{Isometry3, UnitQuaternion, Vector3};

use super::*;
use crate::config::Robot;
use crate::eyes::drawn::{Drawn, Print, draw, flat, small_lens, within};
use crate::task::Pose2;

/// The text of a robot file that loads from this folder, without eyes.
pub fn robot(folder: &Path) -> String {
    let text = |name: &str| Robot::FILES.iter().find(|(found, _)| *found == name).unwrap().1;
    std::fs::write(folder.join("ur5e.urdf"), text("ur5e.urdf")).unwrap();
    let mut robot: toml_edit::DocumentMut = text("ur5e-twin.toml").parse().unwrap();
    robot.remove("eyes");
    robot.to_string()
}

/// A board before a camera that stands in the cell: views as files, poses of the tool that holds it.
struct Bench {
    folder: tempfile::TempDir,
    world_from_camera: Isometry3<f64>,
}

impl Bench {
    fn new(views: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let world_from_camera =
            Isometry3::new(Vector3::new(0.3, 0.1, 0.0), Vector3::new(0.05, 0.1, 0.3))
                * Drawn::over(450.0);
        let tool_from_board =
            Isometry3::new(Vector3::new(0.01, -0.02, 0.03), Vector3::new(0.1, 0.0, 1.0));
        let mut poses = String::new();
        let mut draw = draw(11);
        for view in 0..views {
            let mut any = |range| within(&mut draw, range);
            let at = Vector3::new(any(0.12), any(0.09), 0.43 + any(0.06));
            let down = UnitQuaternion::from_axis_angle(&Vector3::x_axis(), std::f64::consts::PI);
            let turn = Vector3::new(any(0.5), any(0.5), any(0.7));
            let camera_from_board =
                Isometry3::from_parts(at.into(), down * UnitQuaternion::from_scaled_axis(turn));
            let world_from_board = world_from_camera * camera_from_board;
            let mut sheet = flat(Pose2::IDENTITY, 0.0, Print::Board(Board::camera(), 4.0));
            sheet.world_from_sheet = world_from_board;
            let drawn =
                Drawn { seed: view, ..Drawn::new(small_lens(), world_from_camera, vec![sheet]) };
            let png = views::png_of(&drawn.pixels(), 640, png::ColorType::Grayscale);
            let name = format!("{view:03}.png");
            std::fs::write(folder.path().join(&name), png).unwrap();
            let tool = Frame::from_isometry(&(world_from_board * tool_from_board.inverse()));
            poses += &format!("\"{name}\" = {}\n", store::frame(&tool));
        }
        std::fs::write(folder.path().join("poses.toml"), poses).unwrap();
        let text = format!("# mine\n{}", robot(folder.path()));
        std::fs::write(folder.path().join("robot.toml"), text).unwrap();
        Self { folder, world_from_camera }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn to(&self) -> To {
        To { robot: Some(self.file("robot.toml")), camera: Some(Place::Place), json: false }
    }

    fn camera(&self) -> Result<(), Failure> {
        let views = self.folder.path().to_owned();
        camera(CameraArgs { views, board: "camera".into(), to: self.to() })
    }

    fn hand_eye(&self) -> Result<(), Failure> {
        mounting(HandEyeArgs {
            views: self.folder.path().to_owned(),
            poses: self.file("poses.toml"),
            mount: MountArg::EyeToHand,
            board: "camera".into(),
            lens: None,
            to: self.to(),
        })
    }
}

#[test]
fn lens_and_mounting_enter_the_robot_file_from_views_and_poses_alone() {
    let bench = Bench::new(12);
    let error = bench.hand_eye().unwrap_err().to_string();
    assert!(error.contains("lacks eyes.place.lens"), "{error}");
    bench.camera().unwrap();
    bench.hand_eye().unwrap();
    let text = std::fs::read_to_string(bench.file("robot.toml")).unwrap();
    assert!(text.starts_with("# mine\n"), "{text}");
    let table: toml::Table = text.parse().unwrap();
    let place = &table["eyes"]["place"];
    let lens: Lens = place["lens"].clone().try_into().unwrap();
    assert!((lens.fx - small_lens().fx).abs() < 0.005 * lens.fx, "{text}");
    let found: Frame = place["world_from_camera"].clone().try_into().unwrap();
    let off = bench.world_from_camera.inverse() * found.isometry();
    let (mm, deg) = (off.translation.vector.norm() * 1000.0, off.rotation.angle().to_degrees());
    // A quarter of a frame's pixels, twelve views, and the lens of the same views.
    assert!(mm < 1.5 && deg < 0.3, "{mm} {deg}\n{text}");
    for residual in ["lens_residual_px", "camera_residual_mm", "camera_residual_deg"] {
        let value = place[residual].as_float().unwrap();
        assert!(value > 0.0 && value < 1.0, "{residual} {value}");
    }
    // A view without a pose, and no view at all.
    std::fs::write(bench.file("poses.toml"), "").unwrap();
    let error = bench.hand_eye().unwrap_err();
    assert!(error.exit_code() == 2 && error.to_string().contains("000.png"), "{error}");
}

#[test]
fn bad_views_are_refused_and_nothing_is_stored() {
    let bench = Bench::new(5);
    let before = std::fs::read_to_string(bench.file("robot.toml")).unwrap();
    let error = bench.camera().unwrap_err();
    assert_eq!(error.exit_code(), 1);
    assert!(error.to_string().contains("5 usable views, at least 8"), "{error}");
    let none = CameraArgs { views: bench.file("none"), board: "camera".into(), to: bench.to() };
    assert_eq!(camera(none).unwrap_err().exit_code(), 2);
    let views = bench.folder.path().to_owned();
    let other = CameraArgs { views, board: "plate".into(), to: bench.to() };
    let error = camera(other).unwrap_err().to_string();
    assert!(error.contains("--board = plate: must be one of lid"), "{error}");
    assert_eq!(std::fs::read_to_string(bench.file("robot.toml")).unwrap(), before);
}
