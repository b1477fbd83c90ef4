use std::net::{IpAddr, Ipv4Addr};

use serde::Deserialize;

use crate::input::{Check, ConfigError};
use crate::task::{Noise, Pose2};
use crate::wire::robot_state::Layout;

/// The `[twin]` section of a robot file: how `rmrl twin` plays this robot, and in what the played
/// one differs from what its file says.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TwinSpec {
    /// Times life.
    pub speed: f64,
    /// Where it listens; in a file only loopback, elsewhere only by `--listen`.
    pub listen: IpAddr,
    /// The scene on its table: a built-in name or a TOML file.
    pub scene: String,
    /// Of everything that is drawn: its own calibration, its eyes' noise.
    pub seed: u64,
    /// As the pendant says when it starts.
    pub remote_control: bool,
    /// More than this against the tool ends in a protective stop, N, as the force limit of a
    /// controller's safety configuration; 150 unless given, as UR's factory setting [m].
    pub force_limit_n: f64,
    /// Layout of the robot state on 30001 and 30002: "5", or "3.4" for clients that know no newer one.
    pub client_interface: Layout,
    /// The plate lies under a lid with tags when it starts.
    pub lid: bool,
    pub gaps: Gaps,
}

/// What is true of the played robot and does not stand in its file: transfer is not trivial.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Gaps {
    /// Largest deviation of a link's length from nominal, mm. The controller knows it, as a real
    /// one knows its factory calibration, and tells it who asks.
    pub calibration_mm: f64,
    /// The same for a link's angles, deg.
    pub calibration_deg: f64,
    /// What that calibration leaves over: nobody is told. mm.
    pub residual_mm: f64,
    /// The same for angles, deg.
    pub residual_deg: f64,
    /// Largest error of the mounted tool against the TCP that is set, mm an axis.
    pub tool_mm: f64,
    /// The same for the tool's direction, deg an axis.
    pub tool_deg: f64,
    /// By how much the joints lag behind their targets, ms.
    pub tracking_ms: f64,
    /// A joint that is nearer to its target than this stays where it is, deg.
    pub stiction_deg: f64,
    /// True friction of pads and of furniture, as multiples of the files' values.
    pub pad_friction: f64,
    pub furniture_friction: f64,
    /// Where the pick place truly stands, against where it was taught, in its own frame.
    pub fixture: Pose2,
    /// Noise of the eyes' plate poses.
    pub eyes: Noise,
    /// Noise of the image, grey levels, and of its light, share.
    pub camera: f64,
    pub lighting: f64,
    /// Largest deviation of a camera from where it should be mounted, mm and deg an axis.
    pub camera_mm: f64,
    pub camera_deg: f64,
    /// The same of its focal lengths and middle, share; its distortion grows with it.
    pub lens_share: f64,
    /// Noise of the reported tool force, N.
    pub force_n: f64,
}

impl Default for TwinSpec {
    fn default() -> Self {
        Self {
            speed: 1.0,
            listen: IpAddr::V4(Ipv4Addr::LOCALHOST),
            scene: "open".to_owned(),
            seed: 1,
            remote_control: true,
            force_limit_n: 150.0,
            client_interface: Layout::V5,
            lid: false,
            gaps: Gaps::default(),
        }
    }
}

impl Default for Gaps {
    fn default() -> Self {
        Self {
            calibration_mm: 0.8,
            calibration_deg: 0.1,
            residual_mm: 0.05,
            residual_deg: 0.005,
            tool_mm: 0.2,
            tool_deg: 0.1,
            tracking_ms: 8.0,
            stiction_deg: 0.002,
            pad_friction: 0.9,
            furniture_friction: 1.15,
            fixture: Pose2::IDENTITY,
            eyes: Noise { mm: 0.2, deg: 0.2 },
            camera: 3.0,
            lighting: 0.1,
            camera_mm: 10.0,
            camera_deg: 2.0,
            lens_share: 0.02,
            force_n: 0.5,
        }
    }
}

impl TwinSpec {
    /// Fastest multiple of life that may be asked for.
    pub const FASTEST: f64 = 1000.0;

    /// Everything in range, and the address a loopback one.
    pub fn check(&self, check: Check<'_>) -> Result<(), ConfigError> {
        Self::check_speed(check, "twin.speed", self.speed)?;
        let loopback = self.listen.is_loopback();
        let valid = "must be a loopback address; elsewhere only by rmrl twin --listen";
        check.that(loopback, "twin.listen", self.listen, valid)?;
        check.within("twin.force_limit_n", self.force_limit_n, 10.0, 1000.0)?;
        let gaps = &self.gaps;
        for (key, value, most) in [
            ("calibration_mm", gaps.calibration_mm, 5.0),
            ("calibration_deg", gaps.calibration_deg, 2.0),
            ("residual_mm", gaps.residual_mm, 5.0),
            ("residual_deg", gaps.residual_deg, 2.0),
            ("tool_mm", gaps.tool_mm, 20.0),
            ("tool_deg", gaps.tool_deg, 10.0),
            ("tracking_ms", gaps.tracking_ms, 200.0),
            ("stiction_deg", gaps.stiction_deg, 0.1),
            ("pad_friction", gaps.pad_friction, 3.0),
            ("furniture_friction", gaps.furniture_friction, 3.0),
            ("eyes.mm", gaps.eyes.mm, 20.0),
            ("eyes.deg", gaps.eyes.deg, 20.0),
            ("camera", gaps.camera, 100.0),
            ("lighting", gaps.lighting, 1.0),
            ("camera_mm", gaps.camera_mm, 30.0),
            ("camera_deg", gaps.camera_deg, 5.0),
            ("lens_share", gaps.lens_share, 0.05),
            ("force_n", gaps.force_n, 20.0),
        ] {
            check.within(&format!("twin.gaps.{key}"), value, 0.0, most)?;
        }
        let fixture = gaps.fixture.axes();
        for (axis, value) in ["x_mm", "y_mm", "yaw_deg"].iter().zip(fixture) {
            check.within(&format!("twin.gaps.fixture.{axis}"), value, -10.0, 10.0)?;
        }
        Ok(())
    }

    /// A speed in range, under the key by which it was given.
    pub fn check_speed(check: Check<'_>, key: &str, speed: f64) -> Result<(), ConfigError> {
        check.within(key, speed, 0.01, Self::FASTEST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<(), String> {
        let spec: TwinSpec = crate::input::parse_toml("t.toml", text).map_err(|e| e.to_string())?;
        spec.check(Check { file: "t.toml" }).map_err(|e| e.to_string())
    }

    #[test]
    fn what_is_left_out_has_a_default_that_passes() {
        parse("").unwrap();
        parse("speed = 50\n[gaps]\ntool_mm = 1.0").unwrap();
    }

    #[test]
    fn a_file_cannot_open_the_twin_to_the_network() {
        assert!(parse("listen = \"0.0.0.0\"").unwrap_err().contains("twin.listen"));
        parse("listen = \"127.0.0.2\"").unwrap();
    }

    #[test]
    fn numbers_out_of_range_and_unknown_keys_are_named() {
        assert!(parse("speed = 0").unwrap_err().contains("twin.speed = 0"));
        assert!(parse("[gaps]\ntool_mm = -1").unwrap_err().contains("twin.gaps.tool_mm"));
        let far = parse("[gaps.fixture]\nx_mm = 0\ny_mm = 30\nyaw_deg = 0").unwrap_err();
        assert!(far.contains("twin.gaps.fixture.y_mm = 30"), "{far}");
        assert!(parse("sped = 1").unwrap_err().contains("`speed`"));
    }
}
