//! What reads a URDF, without the rest of `arm`, which needs the physics' geometry.

#[path = "../../../src/arm/capsule.rs"]
mod capsule;
#[path = "../../../src/arm/inverse.rs"]
mod inverse;
#[path = "../../../src/arm/kinematics.rs"]
mod kinematics;
#[path = "../../../src/arm/posture.rs"]
mod posture;
#[path = "../../../src/arm/ur.rs"]
mod ur;
#[path = "../../../src/arm/urdf.rs"]
mod urdf;
#[path = "../../../src/arm/urdf_tree.rs"]
mod urdf_tree;
#[path = "../../../src/arm/urdf_words.rs"]
mod urdf_words;

pub use capsule::Capsule;
pub use inverse::Unreachable;
pub use kinematics::{Dh, DhDelta, Joints, Kinematics};
pub use posture::{Posture, Singular};
pub use urdf::{Rod, UrdfArm, UrdfError};
