use super::{Experiment, LabError, MakeCell, Schedule, Trials};
use crate::cell::{Unwatched, Workcell};
use crate::input::ConfigError;
use crate::store::{Intent, RunInfo};
use crate::task::{Image, Phase};

/// The pictures that a run's trials began with: read where they are stored, rendered again where they are
/// not. A simulated picture depends on experiment, seed and the trial's row alone.
pub struct Pictures<'a> {
    experiment: &'a Experiment,
    trials: Trials,
    schedule: Schedule,
    cells: &'a MakeCell<'a>,
    /// The scene that was asked for last, with its cell.
    there: Option<(String, Box<dyn Workcell>)>,
}

impl<'a> Pictures<'a> {
    /// Of this run of the experiment. `file` says where it is stored, for messages.
    pub fn new(
        file: &str,
        experiment: &'a Experiment,
        info: &RunInfo,
        cells: &'a MakeCell<'a>,
    ) -> Result<Self, ConfigError> {
        let schedule = match experiment.is_requested() {
            true => Schedule::without_prior(experiment),
            false => Schedule::new(experiment, experiment.method(file, &info.method)?.card()),
        };
        Ok(Self {
            experiment,
            trials: Trials::new(&experiment.task, info.seed),
            schedule,
            cells,
            there: None,
        })
    }

    /// The picture of one of its trials. `None` where the trial's scene does not stand.
    pub fn of(&mut self, intent: &Intent) -> Result<Option<Image>, LabError> {
        if let Some(image) = &intent.image {
            return Ok(Some(image.clone()));
        }
        let scene = self.scene(intent);
        if self.there.as_ref().is_none_or(|(there, _)| *there != scene) {
            let Some(cell) = (self.cells)(&scene)? else { return Ok(None) };
            self.there = Some((scene, cell));
        }
        let made = self.schedule.age(self.made(intent));
        let Some((_, cell)) = &mut self.there else { return Ok(None) };
        let (_, seen) = self.trials.seen_again(intent, made, cell.as_mut(), &mut Unwatched)?;
        Ok(Some(seen.image))
    }

    /// Trials to learn from that had been made before it.
    fn made(&self, intent: &Intent) -> u64 {
        match intent.key.phase {
            Phase::Prior => intent.key.index,
            Phase::Train => self.schedule.of_phase(Phase::Prior) + intent.key.index,
            Phase::InScene | Phase::HeldOut | Phase::Shelf => intent.checkpoint,
        }
    }

    fn scene(&self, intent: &Intent) -> String {
        let mut shown = self.experiment.demonstrations.iter().enumerate();
        let own = shown.find(|(which, _)| {
            let numbers = self.schedule.demonstration(*which);
            intent.key.phase == Phase::Shelf && numbers.contains(&intent.key.index)
        });
        own.map_or(&self.experiment.scene, |(_, shown)| &shown.scene).clone()
    }
}
