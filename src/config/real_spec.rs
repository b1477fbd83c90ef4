use serde::Deserialize;

use super::eyes_spec::check_http;
use super::frame::Frame;
use crate::input::{Check, ConfigError};
use crate::wire;

/// The `[real]` section of a robot file: where the arm is reached, how carefully it is moved, and
/// where its places are.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RealSpec {
    /// Name or address of the controller.
    pub host: String,
    pub rtde_port: u16,
    pub dashboard_port: u16,
    /// Takes the control program (30002 and 30003 do).
    pub script_port: u16,
    /// Tells the arm's calibration.
    pub primary_port: u16,
    pub gripper_port: u16,
    /// Where plate poses and pictures come from, as in `http://127.0.0.1:30080`, where the file has no
    /// section `[eyes]`.
    pub eyes_url: Option<String>,
    /// The scene that stands on the table: a built-in name or a TOML file.
    pub scene: String,
    /// State older than this while moving stops the motion, ms.
    pub stale_ms: f64,
    /// The controller stops the arm by itself when it hears nothing for 1/this, Hz.
    pub watchdog_hz: f64,
    /// Move in safety mode REDUCED too.
    pub allow_reduced: bool,
    /// The first motion of a session is made at this share of its speed.
    pub first_motion_share: f64,
    /// Of a stop.
    pub stop_mm_s2: f64,
    /// More force than this in any motion stops it and calls a person, N.
    pub force_limit_n: f64,
    /// A motion has ended when the measured tool is this near to its target.
    pub reached_mm: f64,
    pub reached_deg: f64,
    /// Closing force of the gripper, share of its range.
    pub gripper_force: f64,
    /// Speed of the fingers, share of its range.
    pub gripper_speed: f64,
    /// Distance between the pads of the fully open gripper, mm; `gripper.opening_mm` where absent.
    pub gripper_open_mm: Option<f64>,
    /// How much nearer the pads come where the gripper closes fully, mm: its maker's stroke;
    /// `gripper_open_mm` where absent.
    pub gripper_stroke_mm: Option<f64>,
    /// Fingers that stop farther than this from the plate's thickness hold something else, mm.
    pub grip_tolerance_mm: f64,
    /// `base_from_tool` at a nominal grip of the plate on its riser; the scene's where absent.
    pub pick: Option<Frame>,
    /// `base_from_tool` at a nominal grip of the plate on its target; the scene's where absent.
    pub place: Option<Frame>,
    /// `base_from_tool` where the arm stands aside for the camera; home where absent.
    pub view: Option<Frame>,
}

impl Default for RealSpec {
    fn default() -> Self {
        Self {
            host: "127.0.0.1".to_owned(),
            rtde_port: wire::rtde::PORT,
            dashboard_port: wire::dashboard::PORT,
            script_port: 30003,
            primary_port: wire::primary::PORT,
            gripper_port: wire::gripper::PORT,
            eyes_url: None,
            scene: "open".to_owned(),
            stale_ms: 40.0,
            watchdog_hz: 10.0,
            allow_reduced: false,
            first_motion_share: 0.25,
            stop_mm_s2: 3000.0,
            force_limit_n: 80.0,
            reached_mm: 0.5,
            reached_deg: 0.3,
            gripper_force: 0.5,
            gripper_speed: 0.5,
            gripper_open_mm: None,
            gripper_stroke_mm: None,
            grip_tolerance_mm: 4.0,
            pick: None,
            place: None,
            view: None,
        }
    }
}

impl RealSpec {
    /// Everything in range, before anything is connected to.
    pub fn check(&self, check: Check<'_>) -> Result<(), ConfigError> {
        check.that(
            !self.host.trim().is_empty(),
            "real.host",
            "\"\"",
            "must name the controller",
        )?;
        for (key, port) in [
            ("rtde_port", self.rtde_port),
            ("dashboard_port", self.dashboard_port),
            ("script_port", self.script_port),
            ("primary_port", self.primary_port),
            ("gripper_port", self.gripper_port),
        ] {
            check.that(port > 0, &format!("real.{key}"), port, "must be from 1 to 65535")?;
        }
        if let Some(url) = &self.eyes_url {
            check_http(check, "real.eyes_url", url)?;
        }
        for (key, value, low, high) in [
            ("stale_ms", self.stale_ms, 4.0, 200.0),
            ("watchdog_hz", self.watchdog_hz, 1.0, 125.0),
            ("first_motion_share", self.first_motion_share, 0.01, 1.0),
            ("stop_mm_s2", self.stop_mm_s2, 100.0, 2e4),
            ("force_limit_n", self.force_limit_n, 5.0, 250.0),
            ("reached_mm", self.reached_mm, 0.01, 5.0),
            ("reached_deg", self.reached_deg, 0.01, 5.0),
            ("gripper_force", self.gripper_force, 0.0, 1.0),
            ("gripper_speed", self.gripper_speed, 0.0, 1.0),
            ("grip_tolerance_mm", self.grip_tolerance_mm, 0.5, 50.0),
        ] {
            check.within(&format!("real.{key}"), value, low, high)?;
        }
        for (key, value) in [
            ("gripper_open_mm", self.gripper_open_mm),
            ("gripper_stroke_mm", self.gripper_stroke_mm),
        ] {
            check.within(&format!("real.{key}"), value.unwrap_or(1.0), 1.0, 300.0)?;
        }
        for (key, frame) in [("pick", self.pick), ("place", self.place), ("view", self.view)] {
            if let Some(frame) = frame {
                frame.check(check, &format!("real.{key}"), 2e3)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::parse_toml;

    fn parse(text: &str) -> Result<RealSpec, String> {
        let spec: RealSpec = parse_toml("r.toml", text).map_err(|e| e.to_string())?;
        spec.check(Check { file: "r.toml" }).map_err(|e| e.to_string())?;
        Ok(spec)
    }

    #[test]
    fn what_is_left_out_has_the_controllers_own_ports() {
        let spec = parse("host = \"192.168.0.4\"").unwrap();
        assert_eq!((spec.rtde_port, spec.dashboard_port, spec.stale_ms), (30004, 29999, 40.0));
        assert!(!spec.allow_reduced);
    }

    #[test]
    fn what_cannot_be_right_is_named() {
        for (text, key) in [
            ("host = \"\"", "real.host"),
            ("rtde_port = 0", "real.rtde_port"),
            ("eyes_url = \"https://camera\"", "real.eyes_url"),
            ("eyes_url = \"http://\"", "real.eyes_url"),
            ("gripper_stroke_mm = 0.085", "real.gripper_stroke_mm"),
            ("stale_ms = 1000", "real.stale_ms"),
            ("first_motion_share = nan", "real.first_motion_share"),
            ("pick = { xyz_mm = [9e9, 0, 0], rpy_deg = [0, 0, 0] }", "real.pick.xyz_mm"),
            ("hostt = \"a\"", "hostt"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.contains(key), "{text}: {error}");
        }
    }
}
