use serde::Serialize;

/// Who was the role model of a scene instance's trials, one after the other.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SceneLabels {
    pub instance: usize,
    /// Its trials to learn from.
    pub trials: u64,
    /// Role models in their order; where trials of the scene have several, the one that most of them have.
    pub reigns: Vec<Reign>,
    /// Labels that it was given again, and that had moved then.
    pub changed: u64,
}

/// One role model, for as long as it was one.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Reign {
    /// Trials that had been made when it began.
    pub since: u64,
    /// Place of the role model among the trials to learn from, prior ones first.
    pub role_model: u64,
    /// Its reward, as measured.
    pub reward: f64,
    /// Trials that the label was made of.
    pub peers: u32,
    /// What was taught when it began: x, y (mm) and yaw (deg).
    pub label: [f64; 3],
    /// How far that is from the ideal correction, mean over the scene's labelled trials; `None` where the
    /// truth is not known.
    pub error: Option<LabelError>,
    /// By how much its reward is above the mean of the scene's others, and what of it is luck; `None` where
    /// the truth is not known, and for one that leads nobody.
    pub lead: Option<Lead>,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct LabelError {
    pub mm: f64,
    pub deg: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Lead {
    pub reward: f64,
    /// The part that is not expected of its correction: it was well measured, or the arm erred well.
    pub luck: f64,
}

/// All scenes together, as they are at the end.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct LabelSummary {
    pub scenes: u64,
    /// Role models that were followed by another one.
    pub successions: u64,
    /// Mean over the scenes of their last role model's label.
    pub error: Option<LabelError>,
    /// Share of the last role models' lead that is luck.
    pub luck_share: Option<f64>,
}

impl LabelSummary {
    pub fn of(scenes: &[SceneLabels]) -> Self {
        let last = || scenes.iter().filter_map(|scene| scene.reigns.last());
        let errors: Vec<LabelError> = last().filter_map(|reign| reign.error).collect();
        let mean =
            |of: fn(&LabelError) -> f64| errors.iter().map(of).sum::<f64>() / errors.len() as f64;
        let (lead, luck) = last()
            .filter_map(|reign| reign.lead)
            .fold((0.0, 0.0), |(lead, luck), one| (lead + one.reward, luck + one.luck));
        Self {
            scenes: scenes.len() as u64,
            successions: scenes.iter().map(|s| s.reigns.len().saturating_sub(1) as u64).sum(),
            error: (!errors.is_empty())
                .then(|| LabelError { mm: mean(|e| e.mm), deg: mean(|e| e.deg) }),
            luck_share: (lead > 0.0).then(|| luck / lead),
        }
    }
}
