use super::*;
use crate::task::ImageSize;
use proptest::prelude::*;

fn set(text: &str) -> Result<Experiment, ConfigError> {
    Experiment::open("narrow", &[text.to_owned()])
}

#[test]
fn every_embedded_experiment_is_valid_and_carries_its_name() {
    for (name, _) in Experiment::FILES {
        assert_eq!(Experiment::open(name, &[]).unwrap().name, name);
    }
}

#[test]
fn an_experiment_survives_being_written_and_read() {
    let experiment = set("ppo.lr=0.002").unwrap();
    let text = experiment.to_toml();
    assert_eq!(Experiment::parse("written", &text).unwrap().to_toml(), text);
    assert_eq!(experiment.to_toml(), text);
}

#[test]
fn set_reaches_task_keys_and_method_options() {
    assert_eq!(set("task.bins=9").unwrap().task.bins, 9);
    assert_eq!(set("task.image.px=32").unwrap().task.image, ImageSize { px: 32, mm: 160.0 });
    assert_eq!(set("task.range.mm=5").unwrap().task.range.mm, 5.0);
    assert_eq!(set("scene=shelf").unwrap().scene, "shelf");
    let experiment = set("ppo.lr=1e-4").unwrap();
    let lr = experiment.method("test", "ppo").unwrap().settings()["lr"].as_float();
    assert_eq!(lr, Some(1e-4));
}

#[test]
fn bad_settings_name_key_value_and_what_is_valid() {
    for (bad, key, valid) in [
        ("task.bims=9", "task.bims", "bins"),
        ("task.bins=1", "task.bins", "2 to 201"),
        ("task.image.px=60", "task.image.px", "multiple of 16"),
        ("task.image.px=512", "task.image.px", "from 16 to 256"),
        ("task.image.mm=0", "task.image.mm", "from 40"),
        ("task.bins=lots", "task.bins", "usize"),
        ("task.reward=shaped", "task.reward", "`distance`, `squared`"),
        ("task.reading.mm=6", "task.reading.mm", "0 to 5"),
        ("trials=0", "trials", "from 1"),
        ("trials=-3", "trials", "-3"),
        ("task.range.mm=nan", "task.range.mm", "from 0.1"),
        ("evaluation.every=30", "evaluation.every", "multiple of batch"),
        ("pictures=[\"rmrl\"]", "pictures", "rm-rl"),
        ("evaluation.also=[20, 30]", "evaluation.also", "multiples of batch"),
        ("methods=[\"ppoo\"]", "methods", "rm-rl"),
        ("trials", "trials", "KEY=VALUE"),
        ("trials.x=1", "trials.x", "not a table"),
        (
            "contrast=[{method=\"rm-rl\",over=\"ppo\",figure=\"mm\"}]",
            "contrast.figure",
            "translation_mm, yaw_deg, success, cost",
        ),
        (
            &format!("contrast=[{}]", ["{method=\"a\",over=\"b\"}"; 7].join(",")),
            "contrast",
            "at most 6",
        ),
    ] {
        let error = set(bad).unwrap_err();
        assert_eq!(error.key, key, "{bad}: {error}");
        assert!(error.to_string().contains(valid), "{bad}: {error}");
    }
}

#[test]
fn an_unknown_experiment_is_answered_with_the_known_ones() {
    let error = Experiment::open("narow", &[]).unwrap_err();
    assert!(error.to_string().contains("narrow, wide, smoke"), "{error}");
}

#[test]
fn the_hash_of_the_contrasts_is_theirs_alone() {
    let hash = |sets: &[&str]| {
        let sets: Vec<String> = sets.iter().map(|set| (*set).to_owned()).collect();
        Experiment::open("narrow", &sets).unwrap().contrasts_sha256()
    };
    let named = hash(&[]);
    assert_eq!(named.len(), 64);
    assert_eq!(hash(&["seeds=3", "trials=200"]), named);
    assert_ne!(hash(&["contrast=[{method=\"rm-rl\",over=\"ppo\",figure=\"success\"}]"]), named);
}

proptest! {
    #[test]
    fn no_set_option_makes_the_parser_panic(text in "\\PC{0,30}(=\\PC{0,20})?") {
        let _ = set(&text);
    }

    #[test]
    fn no_mangled_file_makes_the_parser_panic(at in any::<prop::sample::Index>(), with in "\\PC{0,8}") {
        let text = Experiment::FILES[0].1;
        let cuts: Vec<usize> = text.char_indices().map(|(i, _)| i).collect();
        let cut = cuts[at.index(cuts.len())];
        let mangled = format!("{}{with}{}", &text[..cut], &text[(cut + 1).min(text.len())..]);
        let _ = Experiment::parse("mangled", &mangled);
    }
}

#[test]
fn what_was_published_must_be_a_figure_of_the_report() {
    let published = |key: &str| {
        let text = format!("[{{method=\"rm-rl\", over=\"ppo\", published={{{key}=\"lower\"}}}}]");
        Experiment::open("narrow", &[format!("contrast={text}")])
    };
    assert!(published("yaw_deg").is_ok() && published("demonstration").is_ok());
    let error = published("yaw").unwrap_err();
    assert_eq!(error.key, "contrast.published");
    assert!(error.to_string().contains("translation_mm, yaw_deg, success"), "{error}");
}

#[test]
fn every_built_in_experiment_is_whole_and_the_studies_share_what_was_tuned() {
    let open = |name| Experiment::open(name, &[]).unwrap();
    let all: Vec<Experiment> = Experiment::FILES.iter().map(|(name, _)| open(name)).collect();
    assert!(all.iter().zip(Experiment::FILES).all(|(found, (name, _))| found.name == name));
    let step = |name, method| {
        let experiment = open(name);
        let recipe = experiment.method("", method).unwrap();
        recipe.settings().get("lr").cloned()
    };
    for study in ["study-success", "study-wide", "study-shelf", "study-drift", "study-tight"] {
        assert_eq!(step(study, "ppo"), step("study-narrow", "ppo"), "{study}");
    }
    assert_ne!(step("study-narrow", "ppo"), step("narrow", "ppo"));
}

/// `narrow` with a variant of ppo.
fn with_variant(variant: &str, more: &[&str]) -> Result<Experiment, ConfigError> {
    let sets = [format!("variants={{{variant}}}"), "methods=[\"ppo\",\"bold\"]".to_owned()];
    let sets: Vec<_> = sets.into_iter().chain(more.iter().map(|&set| set.to_owned())).collect();
    Experiment::open("narrow", &sets)
}

const BOLD: &str = "bold={method=\"ppo\",settings={clip=0.5}}";

#[test]
fn a_variant_differs_from_its_method_as_this_experiment_sets_it_in_what_it_says_alone() {
    let found = with_variant(BOLD, &["ppo.lr=0.003", "bold.epochs=7"]).unwrap();
    let settings = |name| found.method("", name).unwrap().settings().clone();
    let (plain, bold) = (settings("ppo"), settings("bold"));
    let differ: Vec<_> =
        plain.iter().filter(|(key, v)| bold[*key] != **v).map(|(k, _)| k).collect();
    assert_eq!(differ, ["clip", "epochs"]);
    assert_eq!((&bold["clip"], &bold["lr"]), (&Value::Float(0.5), &Value::Float(0.003)));
    let card = found.method("", "bold").unwrap().card();
    let ppo = found.method("", "ppo").unwrap().card();
    assert_eq!((card.name.as_str(), card.signal), ("bold", ppo.signal));
}

#[test]
fn a_variant_is_read_again_as_it_was_stored_alone_and_with_its_method() {
    let found = with_variant(BOLD, &["ppo.lr=0.003"]).unwrap();
    for stored in [found.clone(), found.of_run("bold", 3)] {
        let again = Experiment::parse("stored", &stored.to_toml()).unwrap();
        assert_eq!(again.to_toml(), stored.to_toml());
        assert_eq!(again.method("", "bold").unwrap(), found.method("", "bold").unwrap());
    }
    assert!(!found.of_run("ppo", 3).to_toml().contains("bold"));
}

#[test]
fn a_wrong_variant_is_told_with_key_and_what_is_valid() {
    let wrong = |variant: &str| with_variant(variant, &[]).unwrap_err();
    assert_eq!(wrong("bold={method=\"ppq\"}").key, "variants.bold.method");
    assert_eq!(wrong("bold={method=\"ppo\",settings={clip=9}}").key, "settings.bold.clip");
    assert_eq!(wrong("rm-rl={method=\"ppo\"}").valid, "is the name of a built-in method");
    assert!(wrong("bald={method=\"ppo\"}").valid.ends_with("rm-rl-registered, bald"));
}
