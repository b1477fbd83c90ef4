//! Descriptions of arms: whatever is read has solid shapes and finite numbers.
#![no_main]

use libfuzzer_sys::fuzz_target;
use rmrl_fuzz::arm::{Joints, UrdfArm};

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Ok(arm) = UrdfArm::parse(text) else { return };
    let (low, high) = arm.kinematics.range();
    assert!((0..6).all(|i| low[i] < high[i] && arm.joint_speed[i] > 0.0));
    assert!(arm.kinematics.forward(&Joints::repeat(0.3)).translation.vector.norm().is_finite());
    for shape in arm.shapes(&[]).unwrap_or_default() {
        assert!(shape.radius > 0.0 && shape.radius.is_finite());
        assert!(shape.from.iter().chain(shape.to.iter()).all(|x| x.is_finite()));
    }
});
