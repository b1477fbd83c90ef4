use std::io::{ErrorKind, Read};
use std::time::Instant;

use super::link::{PATIENCE, connect, fault};
use crate::arm::{DhDelta, Kinematics};
use crate::cell::DeviceError;
use crate::wire::primary::{KinematicsInfo, Packages};

const DEVICE: &str = "calibration";

/// Reads the arm's own kinematic calibration from the primary interface.
pub fn read(host: &str, port: u16) -> Result<KinematicsInfo, DeviceError> {
    let mut stream = connect(DEVICE, host, port)?;
    let mut packages = Packages::default();
    let end = Instant::now() + PATIENCE;
    let mut bytes = [0; 4096];
    while Instant::now() < end {
        while let Some(package) = packages.next_package().map_err(|e| fault(DEVICE, e))? {
            if let Some(info) = KinematicsInfo::find(&package).map_err(|e| fault(DEVICE, e))? {
                return Ok(info);
            }
        }
        match stream.read(&mut bytes) {
            Ok(0) => return Err(fault(DEVICE, "the controller closed the connection")),
            Ok(count) => packages.push(&bytes[..count]),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(fault(DEVICE, error)),
        }
    }
    Err(fault(DEVICE, format_args!("{host}:{port} does not tell it")))
}

/// The nominal arm with its own calibration. An arm whose parameters are far from nominal is
/// another arm.
pub fn calibrated(nominal: &Kinematics, info: &KinematicsInfo) -> Result<Kinematics, DeviceError> {
    let deltas = deltas(nominal, info);
    let (mm, deg) = size(&deltas);
    if mm > FARTHEST_MM || deg > FARTHEST_DEG {
        let what = format!(
            "differs from the robot file's arm by {mm:.1} mm and {deg:.1} deg: another kind of arm?"
        );
        return Err(fault(DEVICE, what));
    }
    Ok(nominal.with_deltas(&deltas))
}

/// Largest deviation from nominal: mm and deg.
pub fn size(deltas: &[DhDelta; 6]) -> (f64, f64) {
    deltas.iter().fold((0.0, 0.0), |(mm, deg): (f64, f64), row| {
        let far = row.a.abs().max(row.d.abs()) * 1e3;
        let turned = row.theta.abs().max(row.alpha.abs()).to_degrees();
        (mm.max(far), deg.max(turned))
    })
}

/// What the calibration adds to each nominal row.
pub fn deltas(nominal: &Kinematics, info: &KinematicsInfo) -> [DhDelta; 6] {
    std::array::from_fn(|joint| {
        let row = nominal.rows()[joint];
        DhDelta {
            theta: turn(info.theta[joint] - row.theta),
            a: info.a[joint] - row.a,
            d: info.d[joint] - row.d,
            alpha: turn(info.alpha[joint] - row.alpha),
        }
    })
}

/// The parallel axes of shoulder and elbow are calibrated with large `d` and `theta` that cancel
/// each other on a real arm; metres of it are a different arm.
const FARTHEST_MM: f64 = 60.0;
const FARTHEST_DEG: f64 = 10.0;

/// Within half a turn.
fn turn(angle: f64) -> f64 {
    libm::remainder(angle, std::f64::consts::TAU)
}
