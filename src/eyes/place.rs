use nalgebra::Isometry3;

use super::{Field, FieldError, Frame, Lost, Reading, Seen, Sensor};
use crate::task::{Image, ImageSize};

/// How plates and pictures of one place come out of frames.
#[derive(Clone, Debug)]
pub struct Place {
    pub sensor: Sensor,
    /// Plates are read by their outline.
    pub bare: bool,
    /// Of the policy's field, whose middle the scene says, in the taught plate's frame; metres.
    pub place_from_field: Isometry3<f64>,
}

impl Place {
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
        let frame = masked.as_ref().unwrap_or(frame);
        let lens = &self.sensor.lens;
        let field = Field::of(frame, lens, &(top * self.place_from_field), size.px, size.mm)?;
        Ok(Image::new(size, field.into_pixels()).unwrap_or_else(|| unreachable!("a pixel each")))
    }

    /// Does this say that the camera does not serve, and not just that it does not see the plate?
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
