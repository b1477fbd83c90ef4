use serde::{Deserialize, Serialize};

/// How large an image is: square, `px` pixels a side, which show `mm` millimetres.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ImageSize {
    /// Pixels a side.
    pub px: usize,
    /// Width of what they show, mm.
    pub mm: f64,
}

/// A square grey image, row by row from the top, 0 black to 255 white.
#[derive(Clone, PartialEq)]
pub struct Image {
    size: ImageSize,
    pixels: Box<[u8]>,
}

impl Default for ImageSize {
    /// A whole plate with some room around it.
    fn default() -> Self {
        Self { px: 64, mm: 160.0 }
    }
}

impl ImageSize {
    /// All pixels of an image.
    pub fn pixels(self) -> usize {
        self.px * self.px
    }

    /// What a pixel shows.
    pub fn mm_per_px(self) -> f64 {
        self.mm / self.px as f64
    }

    /// Column, and row, of its middle: between two pixels where `px` is even.
    pub fn middle_px(self) -> f64 {
        (self.px as f64 - 1.0) / 2.0
    }
}

impl Image {
    /// `None` unless there is one pixel for each of the size.
    pub fn new(size: ImageSize, pixels: Vec<u8>) -> Option<Self> {
        (pixels.len() == size.pixels()).then(|| Self { size, pixels: pixels.into() })
    }

    /// An image whose pixels are made one by one, by their index.
    pub fn of(size: ImageSize, pixel: impl FnMut(usize) -> u8) -> Self {
        Self { size, pixels: (0..size.pixels()).map(pixel).collect() }
    }

    pub fn size(&self) -> ImageSize {
        self.size
    }

    pub fn pixels(&self) -> &[u8] {
        &self.pixels
    }
}

impl std::fmt::Debug for Image {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Image({0}x{0} px, {1} mm)", self.size.px, self.size.mm)
    }
}
