use super::Experience;
use crate::task::Image;
use crate::task::Pose2;

/// How each trial began, as far as the grouping needs to know.
#[derive(Clone, Debug)]
pub enum InitialStates {
    Scenes(Vec<Option<usize>>),
    Images(Vec<[f32; EMBEDDING]>),
    Poses(Vec<Option<Pose2>>),
}

const EMBEDDING_SIDE: usize = 8;
const EMBEDDING: usize = EMBEDDING_SIDE * EMBEDDING_SIDE;

impl InitialStates {
    pub fn insert(&mut self, experience: &Experience) {
        match self {
            Self::Scenes(instances) => instances.push(experience.instance),
            Self::Images(embeddings) => embeddings.push(embedding(&experience.image)),
            Self::Poses(poses) => poses.push(experience.pose),
        }
    }

    pub fn scene(&self, place: usize) -> Option<usize> {
        match self {
            Self::Scenes(instances) => instances[place],
            Self::Images(_) | Self::Poses(_) => None,
        }
    }

    /// Places from `first` up to (not with) `place` that began within the radius. A trial whose
    /// initial state is unknown has none.
    pub fn similar(&self, place: usize, first: usize, radius: f64) -> Vec<usize> {
        let places = first..place;
        match self {
            Self::Scenes(_) => Vec::new(),
            Self::Images(all) => {
                places.filter(|p| image_distance(&all[*p], &all[place]) <= radius).collect()
            }
            Self::Poses(all) => {
                let Some(own) = all[place] else { return Vec::new() };
                let near = |p: &usize| all[*p].is_some_and(|p| pose_distance(p, own) <= radius);
                places.filter(near).collect()
            }
        }
    }
}

/// The image scaled down to 8x8, with mean 0 and the contrast of the whole image brought to 1.
fn embedding(image: &Image) -> [f32; EMBEDDING] {
    let pixels = image.pixels();
    let count = pixels.len() as f32;
    let mean = pixels.iter().map(|p| f32::from(*p)).sum::<f32>() / count;
    let variance = pixels.iter().map(|p| (f32::from(*p) - mean).powi(2)).sum::<f32>() / count;
    let scale = 1.0 / variance.sqrt().max(1.0);
    let width = image.size().px;
    let side = width / EMBEDDING_SIDE;
    let mut cells = [0.0; EMBEDDING];
    for (at, pixel) in pixels.iter().enumerate() {
        let (row, column) = (at / width, at % width);
        cells[row / side * EMBEDDING_SIDE + column / side] += f32::from(*pixel) - mean;
    }
    cells.map(|sum| sum * scale / (side * side) as f32)
}

/// Root mean square over the cells.
fn image_distance(a: &[f32; EMBEDDING], b: &[f32; EMBEDDING]) -> f64 {
    let squares: f32 = a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum();
    f64::from(squares / EMBEDDING as f32).sqrt()
}

/// Largest difference over the axes, a degree counting as a millimetre.
fn pose_distance(a: Pose2, b: Pose2) -> f64 {
    a.axes().iter().zip(b.axes()).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
}
