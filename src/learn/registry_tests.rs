use super::*;
use crate::task::ContextSignal;

fn open(method: &str, settings: &str) -> Result<Recipe, ConfigError> {
    find("a.toml", "methods", method)?.open("a.toml", &settings.parse().unwrap())
}

#[test]
fn every_method_is_described_by_its_own_name() {
    for name in names() {
        let recipe = open(&name, "").unwrap();
        assert_eq!(recipe.card().name, name);
        assert!(!recipe.card().summary.is_empty());
        assert_eq!(recipe.card().learns, !recipe.keys().is_empty());
    }
}

#[test]
fn every_key_of_every_method_says_what_it_means_and_what_is_valid() {
    for name in names() {
        for key in open(&name, "").unwrap().keys() {
            assert!(key.sentence.ends_with('.'), "{name}.{}: {}", key.name, key.sentence);
            assert!(!key.valid.is_empty() && !key.value.is_empty(), "{name}.{}", key.name);
        }
    }
}

#[test]
fn a_preset_is_its_method_with_other_settings() {
    let preset = open("rm-rl-pretrained", "").unwrap();
    assert_eq!(preset.card().prior_trials, 200);
    assert_eq!(preset.card().name, "rm-rl-pretrained");
    let online = open("rm-rl-online", "steps = 3").unwrap();
    assert_eq!(online.settings()["replay"], Value::Boolean(false));
    assert_eq!(online.settings()["steps"], Value::Integer(3));
    let error = open("rm-rl-online", "steps = 0").unwrap_err();
    assert_eq!(error.key, "settings.rm-rl-online.steps");
}

#[test]
fn a_card_declares_what_the_settings_need() {
    let context = |more: &str| open("rm-rl", more).unwrap().card().context;
    assert_eq!(context(""), ContextSignal::SceneId);
    assert_eq!(context("grouping = \"pose-radius\""), ContextSignal::Pose);
    let blind = "grouping = \"image-embedding\"\nbaseline = \"mean\"";
    assert_eq!(context(blind), ContextSignal::None);
    let executed = |more: &str| open("rm-rl", more).unwrap().card().sees_executed;
    assert!(!executed("") && executed("label_action = \"executed\""));
}

#[test]
fn a_wrong_setting_is_told_with_file_key_value_and_what_is_valid() {
    let wrong = |method: &str, line: &str| open(method, line).unwrap_err().to_string();
    assert!(wrong("ppq", "").contains("must be one of no-correction, oracle"));
    assert!(wrong("ppo", "learning_rate = 1").contains("baseline, baseline_rate, clip"));
    let error = wrong("ppo", "lr = -0.1");
    assert_eq!(error, "a.toml: settings.ppo.lr = -0.1: must be from 0.00000001 to 1");
    assert!(wrong("ppo", "lr = nan").contains("must be from"));
    assert!(wrong("ppo", "epochs = 0").contains("must be from 1"));
    assert!(wrong("rm-rl", "minibatch = -3").contains("settings.rm-rl.minibatch = -3"));
    assert!(wrong("rm-rl", "peers = \"some\"").contains("`all`, `window`, `batch`"));
    assert!(wrong("oracle", "lr = 1").contains("'oracle' has no settings"));
}

#[test]
fn settings_are_printed_as_they_are_used() {
    let pairs = open("ppo", "lr = 0.5").unwrap().pairs();
    let value = |key: &str| pairs.iter().find(|(k, _)| k == key).map(|(_, v)| v.as_str());
    assert_eq!(value("lr"), Some("0.5"));
    assert_eq!(value("decode"), Some("expectation"));
    assert!(open("oracle", "").unwrap().pairs().is_empty());
}

/// Reports show differences to the best of them.
#[test]
fn who_learns_from_rewards_without_role_models_is_a_rival() {
    for name in ["ppo", "critic-targets", "sac", "gp-bandit", "bayes-linear"] {
        assert_eq!(open(name, "").unwrap().card().role, Role::Rival, "{name}");
    }
    for name in ["bayes-registered", "reward-fit", "reward-fit-naf"] {
        assert_eq!(open(name, "").unwrap().card().role, Role::Rival, "a preset: {name}");
    }
    for name in ["rm-rl-elite", "rm-rl-fit", "rm-rl-registered"] {
        assert_eq!(open(name, "").unwrap().card().role, Role::Competitor, "{name}");
    }
}
