use nalgebra::{Isometry3, Point2, Point3};

use super::{Frame, Lens, Picture};

/// A square of a plane as it looks from straight above, without perspective and distortion.
#[derive(Clone, PartialEq, Eq)]
pub struct Field {
    pixels: Vec<u8>,
    side: usize,
    /// Micrometres, so that fields compare.
    width_um: u64,
}

/// A field that the frame does not show.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum FieldError {
    #[error(
        "the frame does not show all of the field: {x_mm:.0}, {y_mm:.0} mm from its middle lies outside"
    )]
    OutOfFrame { x_mm: f64, y_mm: f64 },
    #[error("the frame is {frame} pixels large, the lens says {lens}")]
    OtherSize { frame: String, lens: String },
    #[error(
        "a field of {side} pixels and {width_mm} mm: needs 1 to 4096 pixels and 0.001 to 10000 mm"
    )]
    NoSize { side: usize, width_mm: f64 },
}

impl Field {
    /// The square of `width_mm` around the origin of a plane (`camera_from_plane`, metres), in `side` by
    /// `side` pixels: columns along the plane's x, rows along -y. A pixel is the mean of its square,
    /// looked at as finely as the frame shows it.
    pub fn of(
        frame: &Frame<'_>,
        lens: &Lens,
        camera_from_plane: &Isometry3<f64>,
        side: usize,
        width_mm: f64,
    ) -> Result<Self, FieldError> {
        lens.check_size(frame)?;
        if !(1..=4096).contains(&side) || !(0.001..=10000.0).contains(&width_mm) {
            return Err(FieldError::NoSize { side, width_mm });
        }
        let mm_per_px = width_mm / side as f64;
        let pixel = |x_mm: f64, y_mm: f64| {
            lens.project(&(camera_from_plane * (Point3::new(x_mm, y_mm, 0.0) / 1000.0)))
        };
        let out = |x_mm: f64, y_mm: f64| FieldError::OutOfFrame { x_mm, y_mm };
        // Pixels of the frame along a pixel of the field, in its middle.
        let middle = pixel(0.0, 0.0).ok_or(out(0.0, 0.0))?;
        let next = [pixel(mm_per_px, 0.0), pixel(0.0, mm_per_px)];
        let widest = next.iter().flatten().map(|at| (at - middle).norm()).fold(0.0, f64::max);
        let looks = (widest.ceil() as usize + 1).clamp(2, 12);
        // Exact at the corners of the field's pixels, straight in between: a pixel is too small for a lens to bend it.
        let along = |corner: usize| corner as f64 * mm_per_px - width_mm / 2.0;
        let edge = |row: usize| -> Result<Vec<Point2<f64>>, FieldError> {
            let corner = |column: usize| {
                let (x, y) = (along(column), -along(row));
                pixel(x, y).ok_or(out(x, y))
            };
            (0..=side).map(corner).collect()
        };
        let within = |look: usize| (look as f64 + 0.5) / looks as f64;
        let mut pixels = Vec::with_capacity(side * side);
        let mut upper = edge(0)?;
        for row in 0..side {
            let lower = edge(row + 1)?;
            for column in 0..side {
                let corners = [upper[column], upper[column + 1], lower[column], lower[column + 1]];
                if !corners.iter().all(|at| frame.shows(*at)) {
                    return Err(out(along(column), -along(row)));
                }
                let mut sum = 0.0;
                for down in 0..looks {
                    let between = |at: usize| upper[at] + (lower[at] - upper[at]) * within(down);
                    let (left, right) = (between(column), between(column + 1));
                    for across in 0..looks {
                        sum += frame.between(left + (right - left) * within(across));
                    }
                }
                pixels.push((sum / (looks * looks) as f64 + 0.5) as u8);
            }
            upper = lower;
        }
        Ok(Self { pixels, side, width_um: (width_mm * 1000.0).round() as u64 })
    }

    /// Pixels a side.
    pub fn side(&self) -> usize {
        self.side
    }

    pub fn pixels(&self) -> &[u8] {
        &self.pixels
    }

    pub fn into_pixels(self) -> Vec<u8> {
        self.pixels
    }

    /// For [`find_plate`](super::find_plate).
    pub fn picture(&self) -> Option<Picture<'_>> {
        Picture::new(&self.pixels, self.side, self.width_um as f64 / 1000.0 / self.side as f64)
    }
}

impl std::fmt::Debug for Field {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Field({0}x{0})", self.side)
    }
}

impl Lens {
    /// Is the frame as large as those that the lens was calibrated with?
    pub fn check_size(&self, frame: &Frame<'_>) -> Result<(), FieldError> {
        let says = |width: usize, height: usize| format!("{width}x{height}");
        let (is, expected) = ((frame.width(), frame.height()), (self.width, self.height));
        match is == expected {
            true => Ok(()),
            false => Err(FieldError::OtherSize {
                frame: says(is.0, is.1),
                lens: says(expected.0, expected.1),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use nalgebra::{UnitQuaternion, Vector3};

    use super::*;
    use crate::eyes::drawn::{Drawn, Print, flat, frame, small_lens};
    use crate::eyes::find_plate;
    use crate::task::Pose2;

    fn camera() -> Isometry3<f64> {
        let tilt = UnitQuaternion::from_scaled_axis(Vector3::new(0.08, -0.05, 0.4));
        Drawn::over(480.0) * tilt
    }

    fn top(drawn: &Drawn, height_mm: f64) -> Isometry3<f64> {
        drawn.world_from_camera.inverse() * Isometry3::translation(0.0, 0.0, height_mm / 1000.0)
    }

    #[test]
    fn a_plate_lies_in_the_field_where_it_lies_on_the_plane() {
        let pose = Pose2::new(4.0, -3.0, 6.0);
        let drawn = Drawn::new(small_lens(), camera(), vec![flat(pose, 14.35, Print::Plate)]);
        let pixels = drawn.pixels();
        let frame = frame(&drawn, &pixels);
        for side in [64, 96, 320] {
            let field = Field::of(&frame, &drawn.lens, &top(&drawn, 14.35), side, 160.0).unwrap();
            let found = find_plate(&field.picture().unwrap()).unwrap();
            let off = pose.inverse().compose(found.pose);
            assert!(off.translation_mm() < 0.15 && off.yaw_deg.abs() < 0.1, "{side}: {off:?}");
        }
    }

    /// A checkerboard finer than a pixel of the field is an even grey, not a pattern of its own.
    #[test]
    fn what_is_finer_than_a_pixel_becomes_its_mean() {
        let lens = small_lens();
        let pixels: Vec<u8> =
            (0..lens.width * lens.height)
                .map(|i| {
                    if (i % lens.width / 2 + i / lens.width / 2).is_multiple_of(2) {
                        40
                    } else {
                        200
                    }
                })
                .collect();
        let frame = Frame::new(&pixels, lens.width).unwrap();
        let plane = camera().inverse();
        let field = Field::of(&frame, &lens, &plane, 24, 160.0).unwrap();
        let off = field.pixels().iter().map(|light| (f64::from(*light) - 120.0).abs());
        let worst = off.fold(0.0, f64::max);
        assert!(worst < 25.0, "{worst}");
    }

    #[test]
    fn a_field_beyond_the_frame_and_a_frame_of_another_size_are_refused() {
        let lens = small_lens();
        let pixels = vec![100; lens.width * lens.height];
        let frame = Frame::new(&pixels, lens.width).unwrap();
        let plane = camera().inverse();
        let of = |lens: &Lens, side, mm| Field::of(&frame, lens, &plane, side, mm);
        assert!(of(&lens, 64, 160.0).is_ok());
        assert!(matches!(of(&lens, 64, 900.0), Err(FieldError::OutOfFrame { .. })));
        let other = Lens { width: 320, ..lens };
        assert!(matches!(of(&other, 64, 160.0), Err(FieldError::OtherSize { .. })));
        assert!(matches!(of(&lens, 0, 160.0), Err(FieldError::NoSize { .. })));
        assert!(matches!(of(&lens, 64, f64::NAN), Err(FieldError::NoSize { .. })));
    }
}
