use nalgebra::Point3;

/// A rounded rod that encloses a part of the arm, in its link's frame. Metres.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Capsule {
    /// 0 the base, 1 to 6 what each joint turns; [`HAND`](Self::HAND) what the flange carries, in
    /// the flange's frame.
    pub link: usize,
    pub from: Point3<f64>,
    pub to: Point3<f64>,
    pub radius: f64,
}

impl Capsule {
    pub const HAND: usize = 7;

    pub(super) fn name(&self) -> &'static str {
        NAMES[self.link.min(Self::HAND)]
    }
}

const NAMES: [&str; 8] =
    ["base", "shoulder", "upper arm", "forearm", "wrist 1", "wrist 2", "wrist 3", "hand"];
