use serde::Serialize;

/// Visits at which labels are told: groups begin here.
const GROUPS: [u64; 5] = [1, 2, 5, 10, 20];

/// The labels of a run's trials whose scene had been visited so often when they were given.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct LabelCount {
    /// Trials of the scene that had been made by then.
    pub visits: u64,
    /// Labels given: new ones and changed ones.
    pub given: u64,
    /// Sums of their true errors.
    pub mm: f64,
    pub deg: f64,
    /// Sum over the labels of the role model's lead in reward over the other trials of its scene, and
    /// of what of it is expected without luck.
    pub lead: f64,
    pub earned: f64,
    /// Labels that stood before a round of learning, and those of them that it changed.
    pub stood: u64,
    pub changed: u64,
}

/// How good the labels of a method are, by how often the scene had been visited.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LabelQuality {
    pub by_visits: Vec<LabelGroup>,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct LabelGroup {
    /// Visits from which the group begins; it ends before the next one.
    pub from_visits: u64,
    pub labels: u64,
    /// Mean error of a label: how far it is from the offset, the ideal correction.
    pub translation_mm: f64,
    pub yaw_deg: f64,
    /// Share of the role models' lead that is luck: `1 - sum of what is expected / sum of what was seen`.
    pub luck_share: Option<f64>,
    /// Share of the labels that a round of learning changes.
    pub change_rate: Option<f64>,
}

impl LabelCount {
    fn add(&mut self, other: &Self) {
        self.given += other.given;
        self.mm += other.mm;
        self.deg += other.deg;
        self.lead += other.lead;
        self.earned += other.earned;
        self.stood += other.stood;
        self.changed += other.changed;
    }
}

impl LabelQuality {
    /// `None` without a label.
    pub(super) fn of<'a>(counts: impl Iterator<Item = &'a LabelCount>) -> Option<Self> {
        let mut groups = GROUPS.map(|visits| LabelCount { visits, ..LabelCount::default() });
        for count in counts {
            let own = groups.iter_mut().rfind(|group| group.visits <= count.visits);
            own.into_iter().for_each(|group| group.add(count));
        }
        let share = |part: f64, whole: f64| (whole > 0.0).then(|| part / whole);
        let told = groups.iter().filter(|group| group.given > 0).map(|group| LabelGroup {
            from_visits: group.visits,
            labels: group.given,
            translation_mm: group.mm / group.given as f64,
            yaw_deg: group.deg / group.given as f64,
            luck_share: share(group.lead - group.earned, group.lead),
            change_rate: share(group.changed as f64, group.stood as f64),
        });
        let by_visits: Vec<LabelGroup> = told.collect();
        (!by_visits.is_empty()).then_some(Self { by_visits })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_grouped_by_visits_and_luck_is_a_share_of_the_lead() {
        let count = |visits, lead, earned| LabelCount {
            visits,
            given: 2,
            mm: 1.0,
            deg: 0.5,
            lead,
            earned,
            stood: 4,
            changed: 1,
        };
        let all = [count(1, 0.0, 0.0), count(2, 1.0, 0.5), count(4, 1.0, 0.3), count(30, 0.5, 0.5)];
        let told = LabelQuality::of(all.iter()).unwrap().by_visits;
        let shown: Vec<_> = told.iter().map(|g| (g.from_visits, g.labels, g.luck_share)).collect();
        assert_eq!(shown, [(1, 2, None), (2, 4, Some(0.6)), (20, 2, Some(0.0))]);
        assert_eq!((told[1].translation_mm, told[1].change_rate), (0.5, Some(0.25)));
        assert_eq!(LabelQuality::of([].iter()), None);
    }
}
