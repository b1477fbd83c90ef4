//! The one part of the primary interface, TCP 30001, that our driver reads: the arm's own kinematic
//! calibration. Packages are a u32 size and a u8 type; a robot state (16) holds sub-packages of
//! the same form, of which type 5 is the kinematics information.

use super::WireError;
use super::robot_state::ROBOT_STATE;
use super::rtde::Value;

/// Port of the service.
pub const PORT: u16 = 30001;

const KINEMATICS: u8 = 5;
/// Size and type.
const HEADER: usize = 5;
/// Checksums, four parameters a joint, and the status.
const KINEMATICS_BODY: usize = 24 + 4 * 48 + 4;

/// Denavit-Hartenberg parameters of the arm as calibrated at the maker's: full values, not
/// differences from nominal. Metres and radians, UR's convention.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct KinematicsInfo {
    /// One a joint.
    pub checksum: [u32; 6],
    pub theta: [f64; 6],
    pub a: [f64; 6],
    pub d: [f64; 6],
    pub alpha: [f64; 6],
    /// 0: calibrated and linearised [m].
    pub status: u32,
}

/// A whole package of the primary interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Package {
    pub kind: u8,
    pub payload: Vec<u8>,
}

/// Cuts the stream into packages.
#[derive(Clone, Debug, Default)]
pub struct Packages {
    buffer: Vec<u8>,
}

impl Packages {
    /// Longest package; real ones are a tenth of that.
    pub const LONGEST: usize = 64 * 1024;

    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The next whole package, or nothing yet. After an error the stream has no meaning any more.
    pub fn next_package(&mut self) -> Result<Option<Package>, WireError> {
        let Some(&[a, b, c, d, kind]) = self.buffer.first_chunk::<HEADER>() else {
            return Ok(None);
        };
        let size = u32::from_be_bytes([a, b, c, d]) as usize;
        if !(HEADER..=Self::LONGEST).contains(&size) {
            self.buffer.clear();
            let allowed = format!("{HEADER} to {}", Self::LONGEST);
            return Err(WireError::Size { what: "primary package", size, allowed });
        }
        if self.buffer.len() < size {
            return Ok(None);
        }
        let rest = self.buffer.split_off(size);
        let payload = std::mem::replace(&mut self.buffer, rest).split_off(HEADER);
        Ok(Some(Package { kind, payload }))
    }
}

/// The first sub-package of this kind, if the package is a robot state with one in it.
pub(super) fn part_of(package: &Package, kind: u8) -> Result<Option<Package>, WireError> {
    if package.kind != ROBOT_STATE {
        return Ok(None);
    }
    let mut parts = Packages::default();
    parts.push(&package.payload);
    while let Some(part) = parts.next_package()? {
        if part.kind == kind {
            return Ok(Some(part));
        }
    }
    Ok(None)
}

impl KinematicsInfo {
    /// The calibration in a package, if that is a robot state with one in it.
    pub fn find(package: &Package) -> Result<Option<Self>, WireError> {
        let part = part_of(package, KINEMATICS)?;
        part.map(|part| Self::decode(&part.payload)).transpose()
    }

    /// A robot state that holds nothing but this.
    pub fn encode(&self) -> Vec<u8> {
        package(ROBOT_STATE, &self.encode_part())
    }

    /// The sub-package alone.
    pub(super) fn encode_part(&self) -> Vec<u8> {
        let mut body = Vec::with_capacity(KINEMATICS_BODY);
        body.extend(self.checksum.iter().flat_map(|sum| sum.to_be_bytes()));
        for parameters in [&self.theta, &self.a, &self.d, &self.alpha] {
            body.extend(parameters.iter().flat_map(|x| x.to_be_bytes()));
        }
        body.extend(self.status.to_be_bytes());
        package(KINEMATICS, &body)
    }

    fn decode(body: &[u8]) -> Result<Self, WireError> {
        use super::rtde::{Kind, Recipe};
        let vectors = [Kind::Vector6; 4];
        let mut kinds = vec![Kind::Vector6UInt32];
        kinds.extend(vectors);
        kinds.push(Kind::UInt32);
        // Later versions may append to it.
        let known = body.get(..KINEMATICS_BODY).unwrap_or(body);
        let values = Recipe::new(kinds).unpack(known)?;
        match values.as_slice() {
            [
                Value::Vector6UInt32(checksum),
                Value::Vector6(theta),
                Value::Vector6(a),
                Value::Vector6(d),
                Value::Vector6(alpha),
                Value::UInt32(status),
            ] => {
                let all = [theta, a, d, alpha];
                if all.into_iter().flatten().any(|x| !x.is_finite()) {
                    let why = "holds something that is not a number";
                    return Err(WireError::malformed("calibration", why));
                }
                let (theta, a, d, alpha) = (*theta, *a, *d, *alpha);
                Ok(Self { checksum: *checksum, theta, a, d, alpha, status: *status })
            }
            _ => Err(WireError::malformed("calibration", "is of another form")),
        }
    }
}

/// A package, or a part of one: size, kind, body.
pub(super) fn package(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut bytes = ((HEADER + body.len()) as u32).to_be_bytes().to_vec();
    bytes.push(kind);
    bytes.extend(body);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_calibration_survives_the_wire(
            checksum in any::<[u32; 6]>(),
            v in prop::array::uniform24(-4.0..4.0f64),
            status in any::<u32>(),
            cut in 1..60usize,
        ) {
            let six = |i: usize| std::array::from_fn(|j| v[6 * i + j]);
            let sent = KinematicsInfo {
                checksum, theta: six(0), a: six(1), d: six(2), alpha: six(3), status,
            };
            let mut packages = Packages::default();
            let mut found = None;
            for part in sent.encode().chunks(cut) {
                packages.push(part);
                if let Some(package) = packages.next_package().unwrap() {
                    found = KinematicsInfo::find(&package).unwrap();
                }
            }
            prop_assert_eq!(found, Some(sent));
        }

        #[test]
        fn no_bytes_make_the_parser_panic(
            kind in any::<u8>(),
            bytes in prop::collection::vec(any::<u8>(), 0..300),
        ) {
            let mut packages = Packages::default();
            packages.push(&bytes);
            while let Ok(Some(_)) = packages.next_package() {}
            for kind in [kind, ROBOT_STATE] {
                let _ = KinematicsInfo::find(&Package { kind, payload: bytes.clone() });
            }
        }
    }

    #[test]
    fn other_packages_and_other_parts_are_passed_over() {
        let info = KinematicsInfo {
            checksum: [1; 6],
            theta: [0.0; 6],
            a: [-0.4; 6],
            d: [0.1; 6],
            alpha: [0.0; 6],
            status: 0,
        };
        let message = Package { kind: 20, payload: vec![1, 2, 3] };
        assert_eq!(KinematicsInfo::find(&message), Ok(None));
        let mut payload = package(0, &[9; 30]);
        payload.extend(&info.encode()[HEADER..]);
        let state = Package { kind: ROBOT_STATE, payload };
        assert_eq!(KinematicsInfo::find(&state), Ok(Some(info)));
    }
}
