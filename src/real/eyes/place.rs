use crate::config::{CameraSpec, EyesSpec};
use crate::eyes::{Board, Field, FieldError, Frame, Limits, Lost, Reading, Seen, Sensor, Taught};
use crate::task::{Image, ImageSize, Pose2};

/// A place that a camera looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    Pick,
    Target,
}

/// How plates and pictures of one place come out of frames.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub sensor: Sensor,
    /// Plates are read by their outline.
    bare: bool,
    /// Of the policy's field, whose middle the scene says.
    place_from_field: Pose2,
}

impl At {
    pub const BOTH: [Self; 2] = [Self::Pick, Self::Target];

    /// As people would say it.
    pub fn words(self) -> &'static str {
        match self {
            Self::Pick => "pick place",
            Self::Target => "target",
        }
    }

    /// Its key in `[eyes]`.
    pub fn key(self) -> &'static str {
        match self {
            Self::Pick => "pick",
            Self::Target => "place",
        }
    }
}

impl Place {
    /// `None` of a camera that was not taught.
    pub fn new(spec: &EyesSpec, camera: &CameraSpec, place_from_field: Pose2) -> Option<Self> {
        let taught = camera.taught?;
        let limits = Limits {
            camera_mm: spec.max_moved_mm,
            sd_mm: spec.max_sd_mm,
            sd_deg: spec.max_sd_deg,
            ..Limits::default()
        };
        let sensor = Sensor {
            lens: camera.lens,
            carried: Board::lid(),
            fixed: camera.beside.as_deref().and_then(Board::named),
            taught: Taught {
                carried: taught.lid.isometry(),
                fixed: taught.beside.map(|frame| frame.isometry()),
                outline: taught.outline.map(|outline| outline.pose()),
            },
            limits,
        };
        Some(Self { sensor, bare: camera.plate == "bare", place_from_field })
    }

    /// Where the plate lies. A lid's tags are checked by the outline where both are told.
    pub fn read(&self, frame: &Frame<'_>, seen: &[Seen]) -> Result<Reading, Lost> {
        self.check_size(frame)?;
        if self.bare {
            return self.sensor.read_outline(frame, seen);
        }
        let reading = self.sensor.read(seen)?;
        if self.sensor.taught.outline.is_some()
            && let Ok(outline) = self.sensor.read_outline(frame, seen)
        {
            self.sensor.agree(&reading, &outline)?;
        }
        Ok(reading)
    }

    /// The policy's field, with whatever tags the plate carries painted over; tags that may be there and were not
    /// found would stay: a place whose plate carries some has no picture then.
    pub fn picture(
        &self,
        frame: &Frame<'_>,
        seen: &[Seen],
        size: ImageSize,
    ) -> Result<Image, Lost> {
        self.check_size(frame)?;
        let (masked, hidden) = self.sensor.masked(frame, seen);
        // A bare plate carries none, unless somebody has left the lid on it.
        if !hidden && (!self.bare || self.sensor.sees_carried(seen)) {
            return Err(Lost::NotSeen { board: self.sensor.carried.name });
        }
        let masked = Frame::new(&masked, frame.width());
        let top = self.sensor.top(&self.sensor.camera(seen)?);
        let field = top * crate::cell::lift(self.place_from_field);
        let lens = &self.sensor.lens;
        let frame = masked.as_ref().unwrap_or(frame);
        let field = Field::of(frame, lens, &field, size.px, size.mm)?;
        Ok(Image::new(size, field.into_pixels()).unwrap_or_else(|| unreachable!("a pixel each")))
    }

    /// See [`CameraEyes::blinds`](super::CameraEyes::blinds).
    pub fn blinds(&self, lost: &Lost) -> bool {
        let carried = self.sensor.carried.name;
        match lost {
            Lost::CameraMoved { .. } | Lost::NotTaught { .. } | Lost::Field(_) => true,
            Lost::NotSeen { board } | Lost::Poor { board, .. } => *board != carried,
            Lost::Implausible { .. }
            | Lost::Uncertain { .. }
            | Lost::NoOutline
            | Lost::Disagree { .. } => false,
        }
    }

    fn check_size(&self, frame: &Frame<'_>) -> Result<(), FieldError> {
        self.sensor.lens.check_size(frame)
    }
}
