use std::path::{Path, PathBuf};

use crate::cli::Failure;
use crate::cli::runs::find_run;
use crate::lab::{Experiment, Folder, LabError, run_path};
use crate::store::{RunInfo, TrialStore};

/// A run that is exported.
pub struct Source {
    pub path: PathBuf,
    pub info: RunInfo,
}

impl Source {
    /// The runs that lie there: all of an experiment in the order of its report, or the one that is named.
    /// Each is looked at, so that a damaged one is known before anything is written.
    pub fn all(from: &Path) -> Result<Vec<Self>, Failure> {
        let paths = if from.join(Folder::FILE).is_file() {
            let experiment = Folder::experiment(from).map_err(LabError::from)?;
            let runs = experiment.names().flat_map(|method| {
                experiment.seeds().map(move |seed| run_path(from, method, seed))
            });
            runs.filter(|path| path.is_file()).collect()
        } else {
            vec![find_run(from)?]
        };
        if paths.is_empty() {
            let what = format!("{}: holds no run yet", from.display());
            return Err(Failure::Input(what));
        }
        paths.into_iter().map(Self::open).collect()
    }

    fn open(path: PathBuf) -> Result<Self, Failure> {
        let info = TrialStore::read(&path)?.info()?;
        Ok(Self { path, info })
    }

    /// Its file, opened for as long as it is needed: hundreds are not open at a time.
    pub fn store(&self) -> Result<TrialStore, Failure> {
        Ok(TrialStore::read(&self.path)?)
    }

    /// The experiment as far as it concerns this run.
    pub fn experiment(&self) -> Result<Experiment, Failure> {
        Ok(Experiment::stored(&self.path.display().to_string(), &self.info)?)
    }

    pub fn name(&self) -> String {
        format!("{}/{}", self.info.method, self.info.seed)
    }
}
