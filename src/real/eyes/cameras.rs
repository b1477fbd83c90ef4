use std::path::Path;
use std::time::Duration;

use super::At;
use crate::cell::{DeviceError, Eyes, Measured, lift};
use crate::config::{CameraSpec, EyesSpec, SeatLimits};
use crate::eyes::{Finder, Lost, Place, Reading, Seen};
use crate::real::camera::{self, Bounds, Camera, CameraError, Taken, Watched};
use crate::real::link::fault;
use crate::task::{Image, ImageSize, Pose2};

/// Eyes that are cameras over both places: observation and measured placement come from their frames alone.
///
/// What is no fresh, whole and well exposed frame, or is read too uncertainly, is looked at again. If it stays so, a
/// plate is not seen, or its measurement is lost; a camera that does not serve, or was moved, is a fault.
pub struct CameraEyes {
    cameras: Vec<Watched<Box<dyn Camera>>>,
    finder: Finder,
    /// Each with the number of its camera.
    pick: (usize, Place),
    target: (usize, Place),
    seat: SeatLimits,
    looks: u32,
    image: ImageSize,
}

/// One frame, and what was read in it.
#[derive(Debug)]
pub struct Glance {
    pub taken: Taken,
    pub seen: Vec<Seen>,
    pub reading: Result<Reading, Lost>,
}

const DEVICE: &str = "eyes";
/// Between a look that was in vain and the next one: longer than a camera's frame.
const AGAIN: Duration = Duration::from_millis(80);

impl CameraEyes {
    /// Cameras as a robot file names them; folders lie beside that file. `place_from_field` is the middle of the policy's
    /// field, `image` its size. Nothing is asked of a camera yet.
    pub fn open(
        spec: &EyesSpec,
        beside: &Path,
        place_from_field: Pose2,
        image: ImageSize,
        seat: SeatLimits,
    ) -> Result<Self, DeviceError> {
        let bounds = Bounds { max_age_ms: spec.max_age_ms, min_sharpness: spec.min_sharpness };
        let mut cameras: Vec<Watched<Box<dyn Camera>>> = Vec::new();
        let mut open = |at: At, camera: &Option<CameraSpec>| {
            let missing =
                |key: &str| fault(DEVICE, format_args!("eyes.{}{key} is missing", at.key()));
            let camera = camera.as_ref().ok_or_else(|| missing(""))?;
            let place = spec.place(camera, lift(place_from_field));
            let place = place.ok_or_else(|| missing(".taught"))?;
            // One that names no address looks through the other's.
            if let Some(address) = &camera.address {
                let told = |why: CameraError| fault(DEVICE, why);
                let opened = camera::open(spec.kind, address, beside).map_err(told)?;
                cameras.push(Watched::new(opened, bounds));
            }
            let last = cameras.len().checked_sub(1).ok_or_else(|| missing(".address"))?;
            Ok::<_, DeviceError>((last, place))
        };
        let pick = open(At::Pick, &spec.pick)?;
        let target = open(At::Target, &spec.place)?;
        let finder = Finder::new();
        let finder = finder.ok_or_else(|| fault(DEVICE, "the tags' detector has no memory"))?;
        Ok(Self { cameras, finder, pick, target, seat, looks: spec.readings, image })
    }

    /// One look, with whatever comes of it.
    pub fn glance(&mut self, at: At) -> Result<Glance, CameraError> {
        let (taken, seen) = self.frame(at)?;
        let frame = taken.picture.frame().ok_or_else(|| half(at))?;
        let reading = self.place(at).1.read(&frame, &seen);
        Ok(Glance { taken, seen, reading })
    }

    /// Does this say that the camera does not serve, and not just that it does not see the plate?
    pub fn blinds(&self, at: At, lost: &Lost) -> bool {
        self.place(at).1.blinds(lost)
    }

    fn place(&self, at: At) -> &(usize, Place) {
        match at {
            At::Pick => &self.pick,
            At::Target => &self.target,
        }
    }

    fn frame(&mut self, at: At) -> Result<(Taken, Vec<Seen>), CameraError> {
        let (camera, lens) = {
            let (camera, place) = self.place(at);
            (*camera, place.sensor.lens)
        };
        let taken = self.cameras[camera].frame()?;
        let frame = taken.picture.frame().ok_or_else(|| half(at))?;
        let seen = self.finder.find(&frame, None, Some(&lens));
        Ok((taken, seen))
    }

    /// Looks until something is read, so often at most; `None` where the plate is not seen well enough.
    fn until_read<T>(
        &mut self,
        at: At,
        mut read: impl FnMut(&mut Self) -> Result<Result<T, Lost>, CameraError>,
    ) -> Result<Option<T>, DeviceError> {
        let told =
            |why: String| fault(DEVICE, format_args!("camera over the {}: {why}", at.words()));
        let mut last = Ok(None);
        for look in 0..self.looks {
            if look > 0 {
                std::thread::sleep(AGAIN);
            }
            last = match read(self) {
                Ok(Ok(value)) => return Ok(Some(value)),
                Ok(Err(lost)) if self.blinds(at, &lost) => Err(told(lost.to_string())),
                Ok(Err(_)) => Ok(None),
                Err(error) => Err(told(error.to_string())),
            };
        }
        last
    }

    fn reading(&mut self, at: At) -> Result<Option<Reading>, DeviceError> {
        self.until_read(at, |eyes| eyes.glance(at).map(|glance| glance.reading))
    }

    fn picture(&mut self, at: At) -> Result<Option<Image>, DeviceError> {
        self.until_read(at, |eyes| {
            let (taken, seen) = eyes.frame(at)?;
            let frame = taken.picture.frame().ok_or_else(|| half(at))?;
            Ok(eyes.place(at).1.picture(&frame, &seen, eyes.image))
        })
    }
}

fn half(at: At) -> CameraError {
    CameraError::Torn { at: at.words().to_owned(), why: "its last row is not full".to_owned() }
}

impl Eyes for CameraEyes {
    fn look(&mut self) -> Result<Image, DeviceError> {
        let unseen = || {
            fault(
                DEVICE,
                "the pick place: the plate's tags are not seen, and would stay in the picture",
            )
        };
        self.picture(At::Pick)?.ok_or_else(unseen)
    }

    fn locate(&mut self) -> Result<Option<Pose2>, DeviceError> {
        Ok(self.reading(At::Pick)?.map(|reading| reading.placement.pose))
    }

    fn measure(&mut self) -> Result<Option<Measured>, DeviceError> {
        let reading = self.reading(At::Target)?;
        Ok(reading.map(|Reading { placement, .. }| Measured {
            placement,
            seated: self.seat.holds(&placement),
        }))
    }

    /// None of a target where no plate is seen.
    fn look_after(&mut self) -> Result<Option<Image>, DeviceError> {
        self.picture(At::Target)
    }
}
