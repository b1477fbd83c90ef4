use nalgebra::Point2;

/// A grey picture as a camera takes it, with perspective and distortion: rows from the top, 0 black to
/// 255 white; pixels' centres lie at whole numbers.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    pixels: &'a [u8],
    width: usize,
}

/// A part of a frame: pixels from `left`, `top` on, of this size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Region {
    pub left: usize,
    pub top: usize,
    pub width: usize,
    pub height: usize,
}

impl<'a> Frame<'a> {
    /// Pixels row by row. `None` unless the last row is full.
    pub fn new(pixels: &'a [u8], width: usize) -> Option<Self> {
        let full = width > 0 && !pixels.is_empty() && pixels.len().is_multiple_of(width);
        full.then_some(Self { pixels, width })
    }

    pub fn pixels(&self) -> &'a [u8] {
        self.pixels
    }

    pub fn width(&self) -> usize {
        self.width
    }

    pub fn height(&self) -> usize {
        self.pixels.len() / self.width
    }

    /// Light at a point between pixels' centres, bilinear. `None` outside.
    pub fn light(&self, at: Point2<f64>) -> Option<f64> {
        self.shows(at).then(|| self.between(at))
    }

    /// Does this point lie between pixels' centres?
    pub(super) fn shows(&self, at: Point2<f64>) -> bool {
        let (right, bottom) = (self.width as f64 - 1.0, self.height() as f64 - 1.0);
        at.x >= 0.0 && at.y >= 0.0 && at.x <= right && at.y <= bottom
    }

    /// The light at a point that it shows.
    pub(super) fn between(&self, at: Point2<f64>) -> f64 {
        let last = self.pixels.len() / self.width - 1;
        let (column, row) = (at.x as usize, at.y as usize);
        let (x, y) = (at.x - column as f64, at.y - row as f64);
        let next = (column + 1).min(self.width - 1);
        let along = |row: usize| {
            let line = &self.pixels[row * self.width..][..self.width];
            let (left, right) = (f64::from(line[column]), f64::from(line[next]));
            left + (right - left) * x
        };
        let (above, under) = (along(row), along((row + 1).min(last)));
        above + (under - above) * y
    }

    /// The part of a region that lies in the frame; `None` if nothing of it does.
    pub fn clip(&self, region: Region) -> Option<Region> {
        let width = region.width.min(self.width.saturating_sub(region.left));
        let height = region.height.min(self.height().saturating_sub(region.top));
        (width > 0 && height > 0).then_some(Region { width, height, ..region })
    }
}

impl Region {
    /// The smallest region with all points and a margin around, pixels; `None` without any point, or
    /// where all lie left of or above the frame.
    pub fn around(points: impl IntoIterator<Item = Point2<f64>>, margin: f64) -> Option<Self> {
        let start = [f64::INFINITY, f64::INFINITY, f64::NEG_INFINITY, f64::NEG_INFINITY];
        let [left, top, right, bottom] = points.into_iter().fold(start, |[l, t, r, b], at| {
            [l.min(at.x - margin), t.min(at.y - margin), r.max(at.x + margin), b.max(at.y + margin)]
        });
        let some = left.is_finite() && top.is_finite() && right >= 0.0 && bottom >= 0.0;
        if !some {
            return None;
        }
        // Beyond any frame all is the same.
        let whole = |at: f64| at.clamp(0.0, 1e6) as usize;
        let (left, top) = (whole(left.floor()), whole(top.floor()));
        let (right, bottom) = (whole(right.ceil()), whole(bottom.ceil()));
        Some(Self { left, top, width: right + 1 - left, height: bottom + 1 - top })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_whole_rows() {
        assert!(Frame::new(&[0; 12], 4).is_some());
        assert!(Frame::new(&[0; 12], 5).is_none());
        assert!(Frame::new(&[], 4).is_none());
        assert!(Frame::new(&[0; 4], 0).is_none());
    }

    #[test]
    fn light_between_centres_is_their_mixture_and_outside_there_is_none() {
        let frame = Frame::new(&[0, 100, 200, 60], 2).unwrap();
        let light = |x, y| frame.light(Point2::new(x, y));
        assert_eq!(light(1.0, 0.0), Some(100.0));
        assert_eq!(light(0.0, 1.0), Some(200.0));
        assert_eq!(light(0.5, 0.5), Some(90.0));
        assert_eq!(light(1.0, 1.0), Some(60.0));
        for (x, y) in [(-0.1, 0.0), (1.1, 0.0), (0.0, 1.01), (f64::NAN, 0.0)] {
            assert_eq!(light(x, y), None, "{x} {y}");
        }
    }

    #[test]
    fn a_region_holds_its_points_and_is_clipped_to_the_frame() {
        let points = [Point2::new(3.2, 4.0), Point2::new(7.5, -9.0)];
        let region = Region::around(points, 1.0).unwrap();
        assert_eq!(region, Region { left: 2, top: 0, width: 8, height: 6 });
        let frame = Frame::new(&[0; 30], 6).unwrap();
        assert_eq!(frame.clip(region), Some(Region { width: 4, height: 5, ..region }));
        assert_eq!(frame.clip(Region { left: 6, ..region }), None);
        assert_eq!(Region::around([], 1.0), None);
        assert_eq!(Region::around([Point2::new(-5.0, 2.0)], 1.0), None);
    }
}
