use nalgebra::{Matrix2, Point2, Point3, Vector2, Vector3};
use serde::{Deserialize, Serialize};

/// A pinhole camera with the distortion of Brown and Conrady, as OpenCV names its parameters
/// (Brown 1971, "Close-range camera calibration"; OpenCV manual, camera calibration).
///
/// Camera frame: x right, y down, z forward. Pixels: column and row from the top left, centres of
/// pixels at whole numbers.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lens {
    /// Size of the frame, pixels.
    pub width: usize,
    pub height: usize,
    /// Focal lengths, pixels.
    pub fx: f64,
    pub fy: f64,
    /// Principal point, pixels.
    pub cx: f64,
    pub cy: f64,
    /// Radial distortion; of x/z and y/z.
    #[serde(default)]
    pub k1: f64,
    #[serde(default)]
    pub k2: f64,
    /// Tangential distortion.
    #[serde(default)]
    pub p1: f64,
    #[serde(default)]
    pub p2: f64,
    #[serde(default)]
    pub k3: f64,
}

/// What is wrong with a lens.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{key} = {value}: must be {valid}")]
pub struct LensError {
    pub key: &'static str,
    pub value: f64,
    pub valid: &'static str,
}

impl Lens {
    /// A lens without distortion that looks across `across_deg` from the left to the right border.
    pub fn ideal(width: usize, height: usize, across_deg: f64) -> Self {
        let f = width as f64 / 2.0 / libm::tan(across_deg.to_radians() / 2.0);
        let middle = |pixels: usize| (pixels as f64 - 1.0) / 2.0;
        let (cx, cy) = (middle(width), middle(height));
        Self { width, height, fx: f, fy: f, cx, cy, k1: 0.0, k2: 0.0, p1: 0.0, p2: 0.0, k3: 0.0 }
    }

    /// Refuses what no camera is: sizes and focal lengths out of range, a principal point outside the
    /// frame, a distortion that folds the frame over itself.
    pub fn check(&self) -> Result<(), LensError> {
        let size = |key, pixels: usize| {
            let valid = "16 to 16384 pixels";
            let fine = (16..=16384).contains(&pixels);
            fine.then_some(()).ok_or(LensError { key, value: pixels as f64, valid })
        };
        size("width", self.width)?;
        size("height", self.height)?;
        let longest = self.width.max(self.height) as f64;
        for (key, value) in [("fx", self.fx), ("fy", self.fy)] {
            let fine = value >= 0.1 * longest && value <= 100.0 * longest;
            let valid = "0.1 to 100 times the frame's longer side";
            fine.then_some(()).ok_or(LensError { key, value, valid })?;
        }
        for (key, value, pixels) in [("cx", self.cx, self.width), ("cy", self.cy, self.height)] {
            let fine = value >= 0.0 && value <= pixels as f64;
            fine.then_some(()).ok_or(LensError { key, value, valid: "within the frame" })?;
        }
        let distortion =
            [("k1", self.k1), ("k2", self.k2), ("p1", self.p1), ("p2", self.p2), ("k3", self.k3)];
        for (key, value) in distortion {
            let fine = value.is_finite() && value.abs() <= 100.0;
            fine.then_some(()).ok_or(LensError { key, value, valid: "-100 to 100" })?;
        }
        let valid = "such that no two directions meet in a pixel of the frame";
        match self.border().all(|pixel| self.sees(pixel)) {
            true => Ok(()),
            false => Err(LensError { key: "k1", value: self.k1, valid }),
        }
    }

    /// Pixels around the frame, a few on each side.
    fn border(&self) -> impl Iterator<Item = Point2<f64>> + use<> {
        let (right, bottom) = (self.width as f64 - 1.0, self.height as f64 - 1.0);
        (0..=8).map(|i| f64::from(i) / 8.0).flat_map(move |share| {
            let (x, y) = (share * right, share * bottom);
            [(x, 0.0), (x, bottom), (0.0, y), (right, y)].map(|(x, y)| Point2::new(x, y))
        })
    }

    /// Does the pixel's ray lead back to it?
    fn sees(&self, pixel: Point2<f64>) -> bool {
        let back = self.project(&Point3::from(self.ray(pixel)));
        back.is_some_and(|back| (back - pixel).norm() < 1e-3)
    }

    /// Pixel of a point of the camera frame; it may lie outside the frame. `None` behind the camera and
    /// where the distortion's polynomial has folded back, far outside the frame.
    pub fn project(&self, point: &Point3<f64>) -> Option<Point2<f64>> {
        // Also false for what is no number.
        let ahead = point.z > 1e-9;
        if !ahead {
            return None;
        }
        let flat = Vector2::new(point.x / point.z, point.y / point.z);
        let square = flat.norm_squared();
        let grows =
            |s: f64| 1.0 + s * (3.0 * self.k1 + s * (5.0 * self.k2 + s * 7.0 * self.k3)) > 0.0;
        let unfolded = [0.25, 0.5, 0.75, 1.0].iter().all(|share| grows(share * square));
        let (bent, _) = self.bend(flat);
        let finite = bent.x.is_finite() && bent.y.is_finite();
        (unfolded && finite)
            .then(|| Point2::new(self.fx * bent.x + self.cx, self.fy * bent.y + self.cy))
    }

    /// Direction of what a pixel shows, camera frame, z = 1. Newton's iteration undoes the distortion;
    /// exact to 1e-9 within the frame of a lens that passed [`check`](Self::check).
    pub fn ray(&self, pixel: Point2<f64>) -> Vector3<f64> {
        let bent = Vector2::new((pixel.x - self.cx) / self.fx, (pixel.y - self.cy) / self.fy);
        let mut flat = bent;
        for _ in 0..ROUNDS {
            let (there, slopes) = self.bend(flat);
            let off = bent - there;
            let Some(inverse) = slopes.try_inverse() else { break };
            let step = inverse * off;
            // Far from the middle a full step may leap over the fold.
            let longest = 0.5 * (1.0 + flat.norm());
            flat += step * (longest / step.norm()).min(1.0);
            if off.norm_squared() < 1e-26 {
                break;
            }
        }
        Vector3::new(flat.x, flat.y, 1.0)
    }

    /// Where the distortion puts a direction (x/z, y/z), and how that changes with it.
    fn bend(&self, flat: Vector2<f64>) -> (Vector2<f64>, Matrix2<f64>) {
        let Self { k1, k2, p1, p2, k3, .. } = *self;
        let (x, y) = (flat.x, flat.y);
        let s = x * x + y * y;
        let radial = 1.0 + s * (k1 + s * (k2 + s * k3));
        // Twice its change with the square of the radius.
        let grows = 2.0 * (k1 + s * (2.0 * k2 + s * 3.0 * k3));
        let bent = Vector2::new(
            x * radial + 2.0 * p1 * x * y + p2 * (s + 2.0 * x * x),
            y * radial + p1 * (s + 2.0 * y * y) + 2.0 * p2 * x * y,
        );
        let across = x * y * grows + 2.0 * p1 * x + 2.0 * p2 * y;
        let slopes = Matrix2::new(
            radial + x * x * grows + 2.0 * p1 * y + 6.0 * p2 * x,
            across,
            across,
            radial + y * y * grows + 6.0 * p1 * y + 2.0 * p2 * x,
        );
        (bent, slopes)
    }
}

const ROUNDS: usize = 30;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn lens() -> Lens {
        let distortion =
            Lens { k1: -0.21, k2: 0.06, p1: 0.0008, p2: -0.0011, k3: -0.01, ..ideal() };
        Lens { fx: 1110.0, fy: 1105.0, cx: 652.0, cy: 470.0, ..distortion }
    }

    fn ideal() -> Lens {
        Lens::ideal(1280, 960, 60.0)
    }

    #[test]
    fn the_middle_ray_of_an_ideal_lens_is_straight_and_its_border_is_half_the_angle() {
        let middle = ideal().ray(Point2::new(639.5, 479.5));
        assert!((middle - Vector3::z()).norm() < 1e-12);
        // The border of the frame is half a pixel beyond the first pixel's centre.
        let left = ideal().ray(Point2::new(-0.5, 479.5));
        assert!((libm::atan(-left.x).to_degrees() - 30.0).abs() < 1e-9);
    }

    #[test]
    fn x_is_right_and_y_is_down() {
        let at = lens().project(&Point3::new(0.1, 0.05, 0.5)).unwrap();
        assert!(at.x > lens().cx && at.y > lens().cy, "{at}");
    }

    /// The formulas once more, written as the manual prints them.
    #[test]
    fn a_known_point_falls_on_the_pixel_that_the_manual_computes() {
        let (x, y) = (0.2, -0.1);
        let r2 = x * x + y * y;
        let radial = 1.0 - 0.21 * r2 + 0.06 * r2 * r2 - 0.01 * r2 * r2 * r2;
        let bent_x = x * radial + 2.0 * 0.0008 * x * y - 0.0011 * (r2 + 2.0 * x * x);
        let bent_y = y * radial + 0.0008 * (r2 + 2.0 * y * y) + 2.0 * -0.0011 * x * y;
        let at = lens().project(&Point3::new(0.4 * x, 0.4 * y, 0.4)).unwrap();
        assert!((at.x - (1110.0 * bent_x + 652.0)).abs() < 1e-9, "{at}");
        assert!((at.y - (1105.0 * bent_y + 470.0)).abs() < 1e-9, "{at}");
    }

    #[test]
    fn what_lies_behind_or_beyond_the_fold_is_not_seen() {
        for z in [0.0, -0.3, f64::NAN] {
            assert_eq!(lens().project(&Point3::new(0.1, 0.1, z)), None);
        }
        // k1 alone turns back at r = sqrt(1 / (3 * 0.3)) = 1.05.
        let folding = Lens { k1: -0.3, ..ideal() };
        assert!(folding.project(&Point3::new(1.0, 0.0, 1.0)).is_some());
        for x in [1.1, 1.8, 5.0] {
            assert_eq!(folding.project(&Point3::new(x, 0.0, 1.0)), None, "{x}");
        }
    }

    #[test]
    fn a_lens_that_no_camera_has_is_refused_by_its_key() {
        assert_eq!(lens().check(), Ok(()));
        let bad = [
            (Lens { width: 0, ..lens() }, "width"),
            (Lens { height: 20000, ..lens() }, "height"),
            (Lens { fx: 0.0, ..lens() }, "fx"),
            (Lens { fy: f64::NAN, ..lens() }, "fy"),
            (Lens { cx: -1.0, ..lens() }, "cx"),
            (Lens { p1: f64::INFINITY, ..lens() }, "p1"),
            // Folds within the frame.
            (Lens { k1: -1.5, ..ideal() }, "k1"),
        ];
        for (lens, key) in bad {
            let error = lens.check().unwrap_err();
            assert_eq!(error.key, key);
            assert!(error.to_string().starts_with(key), "{error}");
        }
    }

    proptest! {
        #[test]
        fn every_pixel_of_the_frame_is_where_its_ray_leads(
            x in -0.5..1279.5f64, y in -0.5..959.5f64, z in 0.05..3.0f64,
        ) {
            let pixel = Point2::new(x, y);
            let ray = lens().ray(pixel);
            prop_assert_eq!(ray.z, 1.0);
            let back = lens().project(&Point3::from(ray * z)).unwrap();
            prop_assert!((back - pixel).norm() < 1e-8, "{} {}", pixel, back);
        }

        #[test]
        fn slopes_are_differences(x in -0.6..0.6f64, y in -0.45..0.45f64) {
            let (h, at) = (1e-6, |x, y| lens().bend(Vector2::new(x, y)).0);
            let (_, slopes) = lens().bend(Vector2::new(x, y));
            let by_x = (at(x + h, y) - at(x - h, y)) / (2.0 * h);
            let by_y = (at(x, y + h) - at(x, y - h)) / (2.0 * h);
            prop_assert!((slopes - Matrix2::from_columns(&[by_x, by_y])).norm() < 1e-8);
        }
    }
}
