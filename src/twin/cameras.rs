//! Two cameras over the places, as a bench has them: frames in perspective, with a lens and a mounting of
//! their own that stand in no file.
//!
//! What they show: furniture, the cards with tags beside both places, the plate, bare or under its lid, a
//! calibration board that a person holds, palm and fingers. The arm behind the hand is not drawn: at home
//! it stands beside what they see.

use std::f64::consts::{FRAC_PI_2, PI};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use nalgebra::{Isometry3, Translation3, UnitQuaternion};
use rand::RngExt;

use crate::cell::HandBoxes;
use crate::config::{Gaps, GripperSpec, Scene};
use crate::eyes::{Board, LID_MM, Lens, Tag};
use crate::sim::perspective::{Block, Face, Shot, Slab, View};
use crate::task::{Phase, Stream, Streams, TrialKey};

/// Which of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Over {
    Pick,
    Place,
}

/// What is wrong with the cameras, both of them.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct CameraFaults {
    pub stale: bool,
    pub black: bool,
    pub torn: bool,
    pub unplugged: bool,
    pub overexposed: bool,
    /// Tags of the lid that something covers.
    pub covered: usize,
    pub other_board: bool,
    /// Along the longer side of the frame.
    pub moved_mm: f64,
}

/// What is true of the cameras' world beside plate and hand; changed by a person and by faults.
#[derive(Clone, Copy, Debug, Default)]
pub struct Setting {
    /// The plate lies under its lid.
    pub lid: bool,
    pub shown: Option<Shown>,
    pub faults: CameraFaults,
}

/// Where a person holds the calibration board.
#[derive(Clone, Copy, Debug)]
pub enum Shown {
    /// `world_from_board`.
    Still(Isometry3<f64>),
    /// `tool_from_board`: the hand carries it.
    InHand(Isometry3<f64>),
}

/// All that a frame shows, as it is at one moment.
#[derive(Clone, Copy, Debug)]
pub struct Sight {
    pub world_from_plate: Option<Isometry3<f64>>,
    pub world_from_hand: Isometry3<f64>,
    /// Distance between the pads, metres.
    pub opening: f64,
    pub setting: Setting,
}

/// A frame as it left the camera.
#[derive(Debug)]
pub struct Taken {
    pub number: u64,
    /// Seconds since 1970.
    pub at: f64,
    pub width: usize,
    pub height: usize,
    /// Grey, row by row.
    pub pixels: Vec<u8>,
}

/// Both cameras.
pub struct Cameras {
    scene: Scene,
    hand: HandBoxes,
    gaps: Gaps,
    streams: Streams,
    pick: Camera,
    place: Camera,
    numbers: u64,
}

struct Camera {
    lens: Lens,
    world_from_camera: Isometry3<f64>,
    /// Drawn when it is first asked for, and by how much it had been moved, mm.
    view: Option<(f64, View)>,
    last: Option<Arc<Taken>>,
}

/// Size of the frames, pixels, and how far they look along their longer side, deg.
const WIDTH: usize = 1280;
const HEIGHT: usize = 960;
const ACROSS_DEG: f64 = 56.0;
/// Height above the seats, metres.
const HIGH: f64 = 0.345;
/// Of the lens, pixels.
const BLUR_PX: f32 = 0.6;
/// Grey levels of white.
const GAIN: f64 = 240.0;
const VIGNETTE: f32 = 0.1;
/// How much brighter an overexposed frame is.
const BURNT: f32 = 8.0;
/// Thickness of a card with a tag, and of the calibration board, metres.
const CARD: f64 = 2e-3;
/// How dark the hand is, 0 to 1.
const HAND_LIGHT: f32 = 0.35;
/// Numbers of the tags on another board.
const OTHER: u32 = 300;
/// How old a frame of a camera is that has been stale from its first, seconds.
const OLD_S: f64 = 60.0;

impl Cameras {
    pub fn new(scene: &Scene, gripper: &GripperSpec, gaps: &Gaps, seed: u64) -> Self {
        let streams = Streams::new(seed);
        let camera = |over, index| {
            let (lens, world_from_camera) = hidden(scene, gaps, streams, over, index);
            Camera { lens, world_from_camera, view: None, last: None }
        };
        Self {
            hand: HandBoxes::new(gripper),
            gaps: *gaps,
            streams,
            pick: camera(Over::Pick, 0),
            place: camera(Over::Place, 1),
            numbers: 0,
            scene: scene.clone(),
        }
    }

    /// What stands in no file: lens and `world_from_camera`, for tests and reports.
    pub fn truth(&self, over: Over) -> (Lens, Isometry3<f64>) {
        let camera = match over {
            Over::Pick => &self.pick,
            Over::Place => &self.place,
        };
        (camera.lens, camera.world_from_camera)
    }

    /// Noise comes from these streams from now on, as if so many frames had been taken.
    pub fn noise_from(&mut self, streams: Streams, frames: u64) {
        (self.streams, self.numbers) = (streams, frames);
    }

    /// The next frame; `None` of a camera that is unplugged.
    pub fn take(&mut self, over: Over, sight: &Sight) -> Option<Arc<Taken>> {
        let faults = sight.setting.faults;
        if faults.unplugged {
            return None;
        }
        self.numbers += 1;
        let (number, now) = (self.numbers, unix_s());
        let slabs = self.slabs(sight);
        let shot = self.shot(number, &faults);
        let key = TrialKey { phase: Phase::HeldOut, index: number };
        let mut draw = self.streams.draw(Stream::Camera, key);
        let scene = &self.scene;
        let camera = match over {
            Over::Pick => &mut self.pick,
            Over::Place => &mut self.place,
        };
        let at = match (&camera.last, faults.stale) {
            (Some(last), true) => return Some(Arc::clone(last)),
            (None, true) => now - OLD_S,
            _ => now,
        };
        let view = match camera.view.take() {
            Some((moved, view)) if moved == faults.moved_mm => view,
            _ => drawn(scene, camera.lens, &camera.world_from_camera, faults.moved_mm),
        };
        let pixels = view.shoot(&slabs, &shot, &mut draw);
        camera.view = Some((faults.moved_mm, view));
        let taken = Arc::new(Taken { number, at, width: WIDTH, height: HEIGHT, pixels });
        camera.last = Some(Arc::clone(&taken));
        Some(taken)
    }

    fn shot(&self, number: u64, faults: &CameraFaults) -> Shot {
        let key = TrialKey { phase: Phase::HeldOut, index: number };
        let mut draw = self.streams.draw(Stream::Lighting, key);
        let spread = self.gaps.lighting;
        let mut symmetric = || spread * (draw.random::<f64>() * 2.0 - 1.0);
        let (gain, slope) = (GAIN * (1.0 + symmetric() / 2.0), [symmetric(), symmetric()]);
        let exposed = match (faults.black, faults.overexposed) {
            (true, _) => 0.0,
            (_, true) => BURNT,
            _ => 1.0,
        };
        Shot {
            gain: gain as f32 * exposed,
            slope: slope.map(|share| share as f32 / 2.0),
            vignette: VIGNETTE,
            noise: self.gaps.camera as f32,
        }
    }

    /// What moves, the nearest to the cameras last.
    fn slabs(&self, sight: &Sight) -> Vec<Slab> {
        let setting = &sight.setting;
        let mut slabs = Vec::new();
        if let Some(world_from_plate) = sight.world_from_plate {
            slabs.extend(self.plate(&world_from_plate, setting));
        }
        for (tool_from_box, half) in self.hand.opened(sight.opening / 2.0) {
            let top = Isometry3::translation(0.0, 0.0, half.z);
            slabs.push(Slab {
                world_from_face: sight.world_from_hand * tool_from_box * top,
                face: Face::plain([half.x, half.y].map(|half| half * 2e3), HAND_LIGHT),
                thickness: 2.0 * half.z,
            });
        }
        let world_from_board = setting.shown.map(|shown| match shown {
            Shown::Still(world_from_board) => world_from_board,
            Shown::InHand(tool_from_board) => sight.world_from_hand * tool_from_board,
        });
        slabs.extend(world_from_board.map(|world_from_face| Slab {
            world_from_face,
            face: Face::board(&Board::camera()),
            thickness: CARD,
        }));
        slabs
    }

    /// The plate, bare or under its lid, and what covers tags.
    fn plate(&self, world_from_plate: &Isometry3<f64>, setting: &Setting) -> Vec<Slab> {
        let size = self.scene.plate.size;
        let sides_mm = [size.x * 1e3, size.y * 1e3];
        let slab = |face, top: f64| Slab {
            world_from_face: world_from_plate * Isometry3::translation(0.0, 0.0, top),
            face,
            thickness: top,
        };
        if !setting.lid {
            return vec![slab(Face::plate(sides_mm), size.z)];
        }
        let mut board = Board::lid();
        let top = size.z + LID_MM / 1e3;
        let covered: Vec<Tag> = board.tags.iter().take(setting.faults.covered).copied().collect();
        if setting.faults.other_board {
            board.tags.iter_mut().for_each(|tag| tag.id += OTHER);
        }
        let cover = |tag: &Tag| {
            let mut patch = slab(Face::plain([tag.side_mm; 2], HAND_LIGHT), top + 1e-4);
            patch.world_from_face *=
                Isometry3::translation(tag.at.x_mm / 1e3, tag.at.y_mm / 1e3, 0.0);
            Slab { thickness: 1e-4, ..patch }
        };
        let lid = slab(Face::lid(sides_mm, &board), top);
        std::iter::once(lid).chain(covered.iter().map(cover)).collect()
    }
}

/// The lens and the mounting that no file tells: from nominal by at most what the gaps say.
fn hidden(
    scene: &Scene,
    gaps: &Gaps,
    streams: Streams,
    over: Over,
    index: u64,
) -> (Lens, Isometry3<f64>) {
    let key = TrialKey { phase: Phase::Train, index };
    let mut draw = streams.draw(Stream::Mounting, key);
    let mut symmetric = |most: f64| most * (draw.random::<f64>() * 2.0 - 1.0);
    let share = gaps.lens_share;
    let nominal = Lens::ideal(WIDTH, HEIGHT, ACROSS_DEG);
    let fx = nominal.fx * (1.0 + symmetric(share));
    let lens = Lens {
        fx,
        fy: fx * (1.0 + symmetric(share / 10.0)),
        cx: nominal.cx + symmetric(share) * nominal.width as f64 / 2.0,
        cy: nominal.cy + symmetric(share) * nominal.height as f64 / 2.0,
        // Barrels, as short lenses do.
        k1: -4.0 * share + symmetric(2.0 * share),
        k2: share + symmetric(share),
        p1: symmetric(0.02 * share),
        p2: symmetric(0.02 * share),
        ..nominal
    };
    let at = [0; 3].map(|_| symmetric(gaps.camera_mm / 1e3));
    let turned = [0; 3].map(|_| symmetric(gaps.camera_deg.to_radians()));
    let place = match over {
        Over::Pick => scene.world_from_pick,
        Over::Place => scene.world_from_place,
    };
    // The longer side of the frame lies across, where the tags are.
    let down = UnitQuaternion::from_euler_angles(PI, 0.0, 0.0)
        * UnitQuaternion::from_euler_angles(0.0, 0.0, FRAC_PI_2);
    let nominal = Isometry3::from_parts(Translation3::new(0.0, 0.0, HIGH), down);
    let turn = UnitQuaternion::from_euler_angles(turned[0], turned[1], turned[2]);
    let off = Isometry3::from_parts(Translation3::from(at), turn);
    (lens, place * nominal * off)
}

/// The view of a camera that somebody has moved so far, with all that stands still.
fn drawn(scene: &Scene, lens: Lens, world_from_camera: &Isometry3<f64>, moved_mm: f64) -> View {
    let blocks: Vec<Block> = scene
        .statics
        .iter()
        .map(|part| Block {
            world_from_block: part.world_from_box,
            half: part.half,
            light: part.grey as f32,
        })
        .collect();
    let card = |place: Isometry3<f64>, tag: &Tag| {
        let at = Isometry3::translation(tag.at.x_mm / 1e3, tag.at.y_mm / 1e3, 0.0);
        let turn = UnitQuaternion::from_euler_angles(0.0, 0.0, tag.at.yaw_deg.to_radians());
        Slab { world_from_face: place * at * turn, face: Face::tag(tag), thickness: CARD }
    };
    let cards: Vec<Slab> =
        [(scene.world_from_pick, Board::pick()), (scene.world_from_place, Board::target())]
            .iter()
            .flat_map(|(place, board)| board.tags.iter().map(|tag| card(*place, tag)))
            .collect();
    let moved = Isometry3::translation(moved_mm / 1e3, 0.0, 0.0);
    View::new(lens, &(world_from_camera * moved), &blocks, &cards, BLUR_PX)
}

fn unix_s() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64())
}
