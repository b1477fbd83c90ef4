use std::io::{ErrorKind, Read};
use std::time::Instant;

use crate::arm::{DhDelta, Joints, Kinematics};
use crate::cell::DeviceError;
use crate::real::link::{PATIENCE, connect, fault};
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

/// The nominal arm with its own calibration. An arm whose flange is far from where the nominal one
/// has it is another arm.
pub fn calibrated(nominal: &Kinematics, info: &KinematicsInfo) -> Result<Kinematics, DeviceError> {
    let own = nominal.with_deltas(&deltas(nominal, info));
    let (mm, deg) = apart(nominal, &own);
    // Not a number is not near.
    if mm <= FARTHEST_MM && deg <= FARTHEST_DEG {
        return Ok(own);
    }
    let what = format!(
        "its flange is up to {mm:.1} mm and {deg:.1} deg from that of the robot file's arm: \
         another kind of arm?"
    );
    Err(fault(DEVICE, what))
}

/// How far the flanges of two arms are from each other at most, in some postures: mm and deg. Rows
/// of a table say nothing of it: the axes of shoulder, elbow and wrist 1 are nearly parallel, and
/// calibrated tables hold lengths of hundreds of metres along them that cancel (Universal Robots'
/// ROS 2 driver, `ur_calibration`).
pub fn apart(a: &Kinematics, b: &Kinematics) -> (f64, f64) {
    POSTURES_DEG.iter().fold((0.0, 0.0), |(mm, deg): (f64, f64), posture| {
        let joints = Joints::from(posture.map(f64::to_radians));
        let off = a.forward(&joints).inverse() * b.forward(&joints);
        let (far, turned) = (off.translation.vector.norm() * 1e3, off.rotation.angle());
        // `max` would pass over what is not a number.
        let larger = |most: f64, new: f64| if new <= most { most } else { new };
        (larger(mm, far), larger(deg, turned.to_degrees()))
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

/// Stretched and bent, to all sides.
const POSTURES_DEG: [[f64; 6]; 6] = [
    [0.0, 0.0, 0.0, 0.0, 0.0, 0.0],
    [0.0, -90.0, 0.0, -90.0, 0.0, 0.0],
    [-30.0, -100.0, -120.0, -130.0, -120.0, 0.0],
    [60.0, -60.0, 90.0, -30.0, 90.0, 90.0],
    [150.0, -120.0, 60.0, 60.0, -90.0, 180.0],
    [-120.0, -45.0, -90.0, 45.0, 45.0, -90.0],
];
/// Some millimetres are usual; another model's links differ by far more.
const FARTHEST_MM: f64 = 30.0;
const FARTHEST_DEG: f64 = 3.0;

/// Within half a turn.
fn turn(angle: f64) -> f64 {
    libm::remainder(angle, std::f64::consts::TAU)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arm::Dh;

    fn info(rows: [Dh; 6]) -> KinematicsInfo {
        KinematicsInfo {
            theta: rows.map(|row| row.theta),
            a: rows.map(|row| row.a),
            d: rows.map(|row| row.d),
            alpha: rows.map(|row| row.alpha),
            ..KinematicsInfo::default()
        }
    }

    #[test]
    fn lengths_that_cancel_along_parallel_axes_are_the_same_arm() {
        let nominal = Kinematics::ur5e();
        let mut rows = *nominal.rows();
        rows[1].d += 439.0;
        rows[2].d -= 446.0;
        rows[3].d += 7.0;
        let own = calibrated(&nominal, &info(rows)).unwrap();
        let (mm, deg) = apart(&nominal, &own);
        assert!(mm < 1e-6 && deg < 1e-6, "{mm} mm, {deg} deg");
        // A calibrated chain must still be solved where it lies.
        let near = Joints::from([-33.6, -99.3, -126.7, -134.0, -123.6, 0.0].map(f64::to_radians));
        let joints = own.inverse(&nominal.forward(&near), &near).unwrap();
        assert!((joints - near).amax() < 1e-6, "{joints}");
    }

    #[test]
    fn another_model_or_nonsense_is_refused() {
        let nominal = Kinematics::ur5e();
        let mut ur3e = *nominal.rows();
        (ur3e[1].a, ur3e[2].a) = (-0.24355, -0.2132);
        let said = calibrated(&nominal, &info(ur3e)).unwrap_err().to_string();
        assert!(said.contains("another kind of arm"), "{said}");
        let mut nonsense = *nominal.rows();
        nonsense[4].d = f64::NAN;
        assert!(calibrated(&nominal, &info(nonsense)).is_err());
    }
}
