//! What the cell sees in virtual time: the twin's own cameras, read as a real cell reads them, or what its
//! eyes answer.

use nalgebra::Isometry3;

use super::super::body::Body;
use super::super::cameras::{Cameras, Over, Setting, Sight};
use super::super::eyes::TwinEyes;
use crate::cell::{DeviceError, Measured, flatten, lift};
use crate::config::{CameraSpec, EyesKind, EyesSpec, Robot, Scene, SeatLimits, TwinSpec};
use crate::eyes::{Finder, Frame, Lost, Place, Reading, Seen};
use crate::input::{Check, ConfigError};
use crate::task::{Image, ImageSize, Phase, Pose2, Setup, Streams, TaskSpec, TrialKey};

/// Eyes of either kind. Time stands still while they look, so that one frame serves whoever asks next.
pub enum Looks {
    Through(Box<Through>),
    Answers(Box<TwinEyes>),
}

/// Cameras over both places.
pub struct Through {
    cameras: Cameras,
    finder: Finder,
    pick: Place,
    target: Place,
    seat: SeatLimits,
    image: ImageSize,
    lid: bool,
    looks: u32,
    last: Option<(Over, Vec<u8>, Vec<Seen>)>,
}

impl Looks {
    /// As the robot file says. `scene` is the true one.
    pub fn new(
        robot: &Robot,
        spec: &TwinSpec,
        scene: &Scene,
        task: &TaskSpec,
    ) -> Result<Self, ConfigError> {
        let through = robot.eyes.as_ref().filter(|eyes| eyes.kind != EyesKind::Answers);
        let Some(eyes) = through else {
            let answers = TwinEyes::new(scene, &spec.gaps, task, Streams::new(spec.seed));
            return Ok(Self::Answers(Box::new(answers)));
        };
        let file = robot.name.file();
        let pick_from_view = scene.world_from_pick.inverse() * scene.world_from_view;
        let field = lift(flatten(&pick_from_view));
        let no_memory = || Check { file }.error("eyes.kind", "cameras", "need a detector of tags");
        Ok(Self::Through(Box::new(Through {
            cameras: Cameras::new(scene, &robot.gripper, &spec.gaps, spec.seed),
            finder: Finder::new().ok_or_else(no_memory)?,
            pick: place(file, eyes, ("eyes.pick.taught", &eyes.pick), field)?,
            target: place(file, eyes, ("eyes.place.taught", &eyes.place), field)?,
            seat: scene.seat,
            image: task.image,
            lid: spec.lid,
            looks: eyes.readings,
            last: None,
        })))
    }

    /// A trial begins, whose noise hangs on nothing but its key.
    pub fn begin(&mut self, setup: &Setup) {
        let TrialKey { phase, index } = setup.key;
        let place = Phase::ALL.iter().position(|p| *p == phase).unwrap_or(0) as u64;
        // Room for more looks than a trial can make.
        let first = (index * Phase::ALL.len() as u64 + place) * 1_000;
        match self {
            Self::Through(through) => {
                through.cameras.noise_from(setup.streams, first);
                through.last = None;
            }
            Self::Answers(eyes) => eyes.noise_from(setup.streams, first),
        }
    }

    /// Something has moved.
    pub fn forget(&mut self) {
        if let Self::Through(through) = self {
            through.last = None;
        }
    }

    pub fn picture(&mut self, body: &Body) -> Result<Image, DeviceError> {
        match self {
            Self::Answers(eyes) => Ok(eyes.view(&body.table)),
            Self::Through(through) => {
                let size = through.image;
                let read = |place: &Place, frame: &Frame<'_>, seen: &[Seen]| {
                    place.picture(frame, seen, size)
                };
                let seen = through.until_read(Over::Pick, body, read);
                seen.map_err(|lost| fault(format!("camera over the pick place: {lost}")))
            }
        }
    }

    /// The plate's offset at the pick place; `None` where it is not seen.
    pub fn locate(&mut self, body: &Body) -> Option<Pose2> {
        match self {
            Self::Answers(eyes) => eyes.pick(&body.table),
            Self::Through(through) => Some(through.reading(Over::Pick, body)?.placement.pose),
        }
    }

    /// The same on the target.
    pub fn measure(&mut self, body: &Body) -> Option<Measured> {
        match self {
            Self::Answers(eyes) => eyes.placement(&body.table),
            Self::Through(through) => {
                let Reading { placement, .. } = through.reading(Over::Place, body)?;
                Some(Measured { placement, seated: through.seat.holds(&placement) })
            }
        }
    }
}

impl Through {
    fn reading(&mut self, over: Over, body: &Body) -> Option<Reading> {
        self.until_read(over, body, |place, frame, seen| place.read(frame, seen)).ok()
    }

    /// Looks again where nothing could be read, as often as a real cell does.
    fn until_read<T>(
        &mut self,
        over: Over,
        body: &Body,
        read: impl Fn(&Place, &Frame<'_>, &[Seen]) -> Result<T, Lost>,
    ) -> Result<T, Lost> {
        let mut last = Err(Lost::NoOutline);
        for _ in 0..self.looks {
            self.look(over, body);
            let place = match over {
                Over::Pick => &self.pick,
                Over::Place => &self.target,
            };
            let Some((_, pixels, seen)) = &self.last else { break };
            let frame = Frame::new(pixels, place.sensor.lens.width);
            last = frame.map_or(Err(Lost::NoOutline), |frame| read(place, &frame, seen));
            if last.is_ok() {
                break;
            }
            self.last = None;
        }
        last
    }

    /// Takes a frame, unless nothing has moved since the last one of this place.
    fn look(&mut self, over: Over, body: &Body) {
        if self.last.as_ref().is_some_and(|(at, ..)| *at == over) {
            return;
        }
        let lens = match over {
            Over::Pick => self.pick.sensor.lens,
            Over::Place => self.target.sensor.lens,
        };
        let sight = Sight {
            world_from_plate: body.table.world_from_plate(),
            world_from_hand: body.world_from_hand(),
            opening: body.table.opening(),
            setting: Setting { lid: self.lid, ..Setting::default() },
        };
        let taken = self.cameras.take(over, &sight);
        self.last = taken.and_then(|taken| {
            let frame = Frame::new(&taken.pixels, taken.width)?;
            let seen = self.finder.find(&frame, None, Some(&lens));
            Some((over, taken.pixels.clone(), seen))
        });
    }
}

fn place(
    file: &str,
    eyes: &EyesSpec,
    (key, camera): (&str, &Option<CameraSpec>),
    field: Isometry3<f64>,
) -> Result<Place, ConfigError> {
    let place = camera.as_ref().and_then(|camera| eyes.place(camera, field));
    place.ok_or_else(|| Check { file }.error(key, "missing", "must be there for cameras"))
}

fn fault(what: String) -> DeviceError {
    DeviceError::Fault { device: "eyes", what }
}
