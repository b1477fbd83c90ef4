//! The parsers under test, by their sources: they know nothing of the rest of rmrl, and rmrl as a
//! whole takes minutes to build with instruments.

#[path = "../../../src/twin/script/mod.rs"]
pub mod script;
#[path = "../../../src/wire/mod.rs"]
pub mod wire;
/// What reads a URDF, without the rest of `arm`, which needs the physics' geometry.
pub mod arm {
    #[path = "../../../../src/arm/capsule.rs"]
    mod capsule;
    #[path = "../../../../src/arm/inverse.rs"]
    mod inverse;
    #[path = "../../../../src/arm/kinematics.rs"]
    mod kinematics;
    #[path = "../../../../src/arm/posture.rs"]
    mod posture;
    #[path = "../../../../src/arm/ur.rs"]
    mod ur;
    #[path = "../../../../src/arm/urdf.rs"]
    mod urdf;
    #[path = "../../../../src/arm/urdf_tree.rs"]
    mod urdf_tree;
    #[path = "../../../../src/arm/urdf_words.rs"]
    mod urdf_words;

    pub use capsule::Capsule;
    pub use inverse::Unreachable;
    pub use kinematics::{Dh, DhDelta, Joints, Kinematics};
    pub use posture::{Posture, Singular};
    pub use urdf::{Rod, UrdfArm, UrdfError};
}
