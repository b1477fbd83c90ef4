use crate::task::Image;

/// A grey picture of any resolution that looks straight down, without perspective. Its columns run along
/// +x of the view's frame (right), its rows along -y (down); the frame's origin is the picture's middle.
#[derive(Clone, Copy, Debug)]
pub struct Picture<'a> {
    pixels: &'a [u8],
    width: usize,
    mm_per_px: f64,
}

impl<'a> Picture<'a> {
    /// Pixels row by row from the top, 0 black to 255 white. `None` unless the last row is full and a
    /// pixel has a size.
    pub fn new(pixels: &'a [u8], width: usize, mm_per_px: f64) -> Option<Self> {
        let full = width > 0 && !pixels.is_empty() && pixels.len().is_multiple_of(width);
        let sized = mm_per_px.is_finite() && mm_per_px > 0.0;
        (full && sized).then_some(Self { pixels, width, mm_per_px })
    }
}

impl<'a> From<&'a Image> for Picture<'a> {
    fn from(image: &'a Image) -> Self {
        let size = image.size();
        Self { pixels: image.pixels(), width: size.px, mm_per_px: size.mm_per_px() }
    }
}

/// A picture no finer than it has to be: squares of pixels, each with its mean light.
pub(super) struct Grey {
    light: Vec<f64>,
    width: usize,
    /// Centre of the first square, view frame, mm.
    first: (f64, f64),
    /// Side of a square, mm.
    pub mm_per_px: f64,
}

impl Grey {
    /// Squares of at most `mm`, or the pixels themselves where these are larger. What does not fill a
    /// square at the right and at the bottom is left out.
    pub fn new(picture: &Picture<'_>, mm: f64) -> Self {
        let Picture { pixels, width, mm_per_px } = *picture;
        let height = pixels.len() / width;
        let side = ((mm / mm_per_px) as usize).clamp(1, width.min(height));
        let (columns, rows) = (width / side, height / side);
        let mut light = vec![0.0; columns * rows];
        for (row, line) in pixels.chunks_exact(width).take(rows * side).enumerate() {
            let squares = &mut light[row / side * columns..][..columns];
            for (square, part) in squares.iter_mut().zip(line.chunks_exact(side)) {
                let sum: u32 = part.iter().map(|pixel| u32::from(*pixel)).sum();
                *square += f64::from(sum) / (side * side) as f64;
            }
        }
        let from_edge = |pixels: usize| (pixels as f64 - side as f64) / 2.0 * mm_per_px;
        Self {
            light,
            width: columns,
            first: (-from_edge(width), from_edge(height)),
            mm_per_px: side as f64 * mm_per_px,
        }
    }

    /// Centre (view frame, mm) and light (of 255) of every square.
    pub fn squares(&self) -> impl Iterator<Item = (f64, f64, f64)> {
        self.light.chunks_exact(self.width).enumerate().flat_map(move |(row, line)| {
            let y = self.first.1 - row as f64 * self.mm_per_px;
            let x = move |column: usize| self.first.0 + column as f64 * self.mm_per_px;
            line.iter().enumerate().map(move |(column, light)| (x(column), y, *light))
        })
    }

    /// Does the point (view frame, mm) lie in the picture?
    pub fn shows(&self, x: f64, y: f64) -> bool {
        let reach = |first: f64| first.abs() + self.mm_per_px / 2.0;
        x.abs() <= reach(self.first.0) && y.abs() <= reach(self.first.1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_is_whole_rows_of_pixels_with_a_size() {
        assert!(Picture::new(&[0; 12], 4, 0.5).is_some());
        for (pixels, width, mm) in
            [(12, 5, 0.5), (12, 0, 0.5), (0, 4, 0.5), (12, 4, 0.0), (12, 4, f64::NAN)]
        {
            assert!(Picture::new(&vec![0; pixels], width, mm).is_none(), "{pixels} {width} {mm}");
        }
    }

    #[test]
    fn squares_keep_their_place_and_the_mean_of_their_pixels() {
        // Five columns and two rows: the last column fills no square of two.
        let pixels = [10, 20, 30, 40, 99, 10, 20, 30, 40, 99];
        let picture = Picture::new(&pixels, 5, 1.0).unwrap();
        let fine: Vec<_> = Grey::new(&picture, 1.0).squares().collect();
        assert_eq!((fine[0], fine[9]), ((-2.0, 0.5, 10.0), (2.0, -0.5, 99.0)));
        let coarse: Vec<_> = Grey::new(&picture, 2.5).squares().collect();
        assert_eq!(coarse, [(-1.5, 0.0, 15.0), (0.5, 0.0, 35.0)]);
    }
}
