//! The methods that are compared, one file each. Their variants are presets, in `presets.toml`.

use super::Entry;

/// Declares the modules and lists their entries, in the order in which people are shown them.
/// (`cargo fmt` does not see these files; `.ci/run` formats them by name.)
macro_rules! methods {
    ($($method:ident),+ $(,)?) => {
        $( pub(super) mod $method; )+

        pub(super) fn entries() -> Vec<Entry> {
            vec![$( $method::entry(), )+]
        }
    };
}

methods! {
    no_correction,
    oracle,
    true_labels,
    reinforce,
    ppo,
    ppo_per_axis,
    grpo,
    awr,
    sil,
    best_of_n,
    dpo,
    rm_rl,
    rm_rl_fit,
    bayes_linear,
    outline,
    direct_pose,
    self_calibration,
    critic_targets,
    sac,
    gp_bandit,
    cem,
}
