use super::role_model::RoleModelOptions;

/// How the figures of a trial's peers (rewards, or minus errors) are read where older ones count less or
/// luck is taken out of them: `b = m + c k (r - m)`, with m the mean of the peers, c how much the peer
/// counts by its age and k which share of their variance the noise does not explain.
///
/// The highest of many noisy rewards is too high (the winner's curse); k is what is left of it by
/// empirical Bayes (James and Stein, 1961; "You can't count on luck", arXiv 2205.15967, says why it
/// matters). A constant k changes how much a role model stands out, not who it is: age does both.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Belief {
    /// m.
    pub mean: f64,
    /// k: 1 without noise, 0 where peers differ by no more than it.
    pub kept: f64,
    /// Place of the newest peer, which counts 1.
    newest: usize,
    half_life: f64,
}

impl Belief {
    /// Of these peers (places) and their figures, in the same order. `noise` is the standard deviation of a
    /// figure's noise, 0 to keep luck in; a `half_life` of 0 counts all alike.
    pub fn of(peers: &[usize], figures: &[f64], (noise, half_life): (f64, f64)) -> Self {
        let newest = peers.iter().copied().max().unwrap_or(0);
        let blank = Self { mean: 0.0, kept: 1.0, newest, half_life };
        let count = |place: &usize| blank.count(*place);
        let all: f64 = peers.iter().map(count).sum();
        let mean_of = |value: &dyn Fn(f64) -> f64| -> f64 {
            peers.iter().zip(figures).map(|(peer, f)| count(peer) * value(*f)).sum::<f64>() / all
        };
        let mean = mean_of(&|figure| figure);
        let variance = mean_of(&|figure| (figure - mean) * (figure - mean));
        let kept = match noise > 0.0 {
            true if variance > 0.0 => (1.0 - noise * noise / variance).max(0.0),
            true => 0.0,
            false => 1.0,
        };
        Self { mean, kept, ..blank }
    }

    /// Of a group's rewards, as these options say; `None` where they are taken as they are.
    pub fn asked(options: &RoleModelOptions, peers: &[usize], rewards: &[f64]) -> Option<Self> {
        let noise = if options.shrink { options.reward_noise } else { 0.0 };
        options.believes().then(|| Self::of(peers, rewards, (noise, options.label_half_life)))
    }

    /// How much the peer at this place counts by its age: half at `half_life` trials before the newest.
    pub fn count(&self, place: usize) -> f64 {
        let age = self.newest.saturating_sub(place) as f64;
        if self.half_life > 0.0 { libm::exp2(-age / self.half_life) } else { 1.0 }
    }

    /// What is believed of the figure of the peer at this place.
    pub fn figure(&self, place: usize, told: f64) -> f64 {
        // Not the mean and what is left of the difference: nothing is changed where all is left.
        told - (1.0 - self.count(place) * self.kept) * (told - self.mean)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEERS: [usize; 4] = [0, 10, 20, 30];

    #[test]
    fn a_lucky_reward_is_drawn_to_the_mean_by_the_share_of_noise_in_the_variance() {
        let rewards = [-1.0, -3.0, -1.0, -3.0];
        let belief = Belief::of(&PEERS, &rewards, (0.5, 0.0));
        assert_eq!((belief.mean, belief.kept), (-2.0, 0.75));
        assert_eq!(belief.figure(0, -1.0), -1.25);
        assert_eq!(Belief::of(&PEERS, &rewards, (2.0, 0.0)).figure(0, -1.0), -2.0, "all is noise");
        assert_eq!(Belief::of(&[7], &[-1.0], (0.5, 0.0)).figure(7, -1.0), -1.0, "who is alone");
    }

    #[test]
    fn a_peer_that_is_a_half_life_older_stands_out_half_as_much() {
        let belief = Belief::of(&PEERS, &[-1.0; 4], (0.0, 10.0));
        assert_eq!(PEERS.map(|place| belief.count(place)), [0.125, 0.25, 0.5, 1.0]);
        assert_eq!(belief.figure(20, 0.0), -0.5);
        // The mean is that of what counts.
        let belief = Belief::of(&[0, 10], &[0.0, -3.0], (0.0, 10.0));
        assert_eq!(belief.mean, -2.0);
    }

    #[test]
    fn nothing_is_changed_where_nothing_is_asked_for() {
        let options = RoleModelOptions::default();
        assert_eq!(Belief::asked(&options, &PEERS, &[0.0; 4]), None);
        let belief = Belief::of(&PEERS, &[-1.0, -3.0, -1.0, -3.0], (0.0, 0.0));
        assert_eq!(belief.figure(0, -0.25), -0.25);
    }
}
