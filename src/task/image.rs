/// A square grey image, row by row from the top, 0 black to 255 white.
#[derive(Clone, PartialEq, Eq)]
pub struct Image {
    pixels: Box<[u8]>,
}

impl Image {
    /// Pixels a side.
    pub const SIDE: usize = 64;
    /// Width of what it shows, mm.
    pub const FIELD_MM: f64 = 160.0;

    /// Takes `SIDE * SIDE` pixels; `None` for any other number.
    pub fn new(pixels: Vec<u8>) -> Option<Self> {
        (pixels.len() == Self::SIDE * Self::SIDE).then(|| Self { pixels: pixels.into() })
    }

    pub fn pixels(&self) -> &[u8] {
        &self.pixels
    }
}

impl std::fmt::Debug for Image {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Image({0}x{0})", Self::SIDE)
    }
}
