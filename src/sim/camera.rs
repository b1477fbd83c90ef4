use crate::cell::{DeviceError, Image};
use crate::config::Scene;
use crate::task::{Pose2, Setup};

/// A software camera.
pub struct Camera;

impl Camera {
    pub fn new(_: &Scene) -> Self {
        Self
    }

    pub(super) fn look(&self, _: Pose2, _: &Setup, _: f64, _: f64) -> Result<Image, DeviceError> {
        Image::new(vec![0; Image::SIDE * Image::SIDE])
            .ok_or(DeviceError::Fault { device: "camera", what: "size".into() })
    }
}
