use proptest::prelude::*;

use super::*;
use crate::learn::find;

fn rungs(settings: usize, seeds: u64) -> Vec<(usize, u64)> {
    halving(settings, seeds).into_iter().map(|rung| (rung.settings, rung.seeds)).collect()
}

fn standing(setting: usize, area: f64) -> Standing {
    Standing { setting, area, failed: false }
}

fn spaces_of(method: &str) -> (Vec<Space>, Table) {
    let recipe = find("test", "method", method).unwrap().open("test", &Table::new()).unwrap();
    (recipe.spaces().to_vec(), recipe.settings().clone())
}

#[test]
fn a_third_of_the_settings_goes_on_with_three_times_the_seeds() {
    assert_eq!(rungs(27, 9), [(27, 1), (9, 3), (3, 9)]);
    assert_eq!(rungs(27, 27), [(27, 3), (9, 9), (3, 27)]);
    assert_eq!(rungs(10, 20), [(10, 7), (3, 20)]);
    assert_eq!(rungs(9, 4), [(9, 2), (3, 4)]);
    assert_eq!(rungs(2, 9), [(2, 9)], "too few to leave some behind");
    assert_eq!(rungs(40, 2), [(40, 2)], "too few seeds to begin with fewer");
}

proptest! {
    #[test]
    fn rungs_shrink_in_settings_grow_in_seeds_and_end_with_the_seeds_asked_for(
        settings in 1..2000usize, seeds in 1..1000u64
    ) {
        let rungs = halving(settings, seeds);
        prop_assert_eq!(rungs[0].settings, settings);
        prop_assert_eq!(rungs.last().unwrap().seeds, seeds);
        prop_assert!(rungs.iter().all(|rung| rung.settings >= 1 && rung.seeds >= 1));
        for pair in rungs.windows(2) {
            prop_assert!(pair[1].settings < pair[0].settings && pair[1].seeds > pair[0].seeds);
            prop_assert!(pair[1].settings >= 2);
            // Seeds are added: nothing is made for the lower rung alone.
            prop_assert!(pair[1].seeds <= ETA * pair[0].seeds);
        }
    }

    #[test]
    fn what_goes_on_depends_on_figures_alone_and_the_default_always_does(
        areas in prop::collection::vec(prop_oneof![4 => 0.0..2.0f64, 1 => Just(f64::NAN), 1 => Just(0.5)], 1..40),
        fails in prop::collection::vec(prop::bool::weighted(0.2), 40),
        count in 1..20usize, turn in 0..40usize
    ) {
        let all: Vec<Standing> = areas
            .iter()
            .enumerate()
            .map(|(setting, area)| Standing { setting, area: *area, failed: fails[setting] })
            .collect();
        let on = promoted(all.clone(), count);
        let mut turned = all.clone();
        turned.rotate_left(turn % all.len());
        prop_assert_eq!(&promoted(turned, count), &on);
        prop_assert!(on.contains(&DEFAULT) && on.is_sorted());
        let sound = |s: &&Standing| !s.failed && !s.area.is_nan();
        for s in all.iter().filter(|s| on.contains(&s.setting) && s.setting != DEFAULT) {
            prop_assert!(sound(&s));
            let better = all.iter().filter(sound).filter(|other| other.area < s.area).count();
            prop_assert!(better < count);
        }
        let most = all.iter().filter(sound).count().min(count);
        prop_assert!((most..=most + 1).contains(&on.len()));
    }

    #[test]
    fn no_text_makes_the_parsers_panic(text in "\\PC{0,12}(=\\PC{0,8}(\\.\\.)?\\PC{0,8}(:log)?)?") {
        let _ = (axis(&text), space(&text, |_| None), space(&text, |_| Some(true)));
    }

    #[test]
    fn a_space_reads_back_as_it_is_written(
        low in -1e3..1e3f64, width in 1e-3..1e3f64, log: bool, integer: bool
    ) {
        let (mut min, mut max) = (low, low + width);
        if log {
            (min, max) = (min.abs() + 1e-3, min.abs() + 1e-3 + width);
        }
        if integer {
            (min, max) = (min.ceil(), max.ceil() + 1.0);
        }
        let space = Space { key: "k".to_owned(), min, max, log, integer };
        prop_assert_eq!(super::space(&space.to_string(), |_| None).unwrap(), space);
    }
}

#[test]
fn a_setting_that_failed_or_has_no_figure_ranks_last_and_equals_keep_their_order() {
    let failed = Standing { failed: true, ..standing(1, 0.1) };
    let mut all =
        [standing(0, f64::NAN), failed, standing(2, 0.7), standing(4, 0.5), standing(3, 0.5)];
    rank(&mut all);
    assert_eq!(all.map(|s| s.setting), [3, 4, 2, 0, 1]);
}

#[test]
fn the_same_seed_draws_the_same_settings_and_another_seed_others() {
    let (mut spaces, default) = spaces_of("ppo");
    let first = drawn(&spaces, 30, 1, &default);
    assert!(first[DEFAULT].is_empty());
    assert_eq!(first.len(), 30);
    // Neither the order in which they are declared matters, nor what else is searched.
    spaces.reverse();
    assert_eq!(drawn(&spaces, 30, 1, &default), first);
    let alone: Vec<Space> = spaces.iter().filter(|space| space.key == "lr").cloned().collect();
    let rates = |all: &[Table]| all[1..].iter().map(|s| s["lr"].clone()).collect::<Vec<_>>();
    assert_eq!(rates(&drawn(&alone, 30, 1, &default)), rates(&first));
    assert_ne!(drawn(&spaces, 30, 2, &default)[1..], first[1..]);
    for (i, setting) in first.iter().enumerate() {
        assert!(!first[..i].contains(setting), "{setting} comes twice");
    }
}

/// Eight settings drawn independently once had six step sizes in the upper fifth of the range.
#[test]
fn every_part_of_every_range_is_drawn_from() {
    let (spaces, default) = spaces_of("ppo");
    for seed in 1..20 {
        let all = drawn(&spaces, 10, seed, &default);
        for (key, low, high) in [
            ("lr", 10f64.powf(-10.0 / 3.0), 10f64.powf(-8.0 / 3.0)),
            ("explore_prob", 1.0 / 3.0, 2.0 / 3.0),
        ] {
            let values: Vec<f64> = all[1..].iter().map(|s| s[key].as_float().unwrap()).collect();
            let below = values.iter().filter(|value| **value < low).count();
            let above = values.iter().filter(|value| **value > high).count();
            assert_eq!((below, above), (3, 3), "seed {seed}: {key} of {values:?}");
        }
    }
}

#[test]
fn a_space_with_few_values_gives_each_once_and_the_default_only_as_itself() {
    let few = Space { key: "epochs".to_owned(), min: 8.0, max: 11.0, log: false, integer: true };
    let (_, default) = spaces_of("ppo");
    let all = drawn(&[few], 50, 1, &default);
    let mut epochs: Vec<_> = all[1..].iter().map(|s| s["epochs"].as_integer().unwrap()).collect();
    epochs.sort_unstable();
    assert_eq!((all[DEFAULT].len(), epochs), (0, vec![8, 9, 11]), "10 is the default");
}

/// What a method declares lies within what it accepts.
#[test]
fn both_ends_of_every_declared_space_are_valid_and_the_default_lies_within() {
    for name in crate::learn::names() {
        let entry = find("test", "method", &name).unwrap();
        let (spaces, default) = spaces_of(&name);
        assert_eq!(spaces.is_empty(), default.is_empty(), "{name} declares what to search");
        for space in spaces {
            assert!(space.min < space.max && (!space.log || space.min > 0.0), "{name}: {space}");
            for end in ends(&space) {
                let opened = entry.open("test", &end.parse().unwrap());
                assert!(opened.is_ok(), "{name}: {space}: {}", opened.unwrap_err());
            }
            let value = &default[&space.key];
            let value = value.as_float().unwrap_or_else(|| value.as_integer().unwrap() as f64);
            assert!((space.min..=space.max).contains(&value), "{name}: {space}: {value}");
        }
    }
}

#[test]
fn a_space_that_makes_no_sense_is_refused_with_what_is_valid() {
    let integer = |key: &str| Some(key == "epochs");
    for (text, valid) in [
        ("lr", "KEY=LOW..HIGH"),
        ("lr=", "KEY=LOW..HIGH"),
        ("=1..2", "no key"),
        ("lr=1e-3", "KEY=LOW..HIGH"),
        ("lr=1e-3..", "KEY=LOW..HIGH"),
        ("lr=a..b", "KEY=LOW..HIGH"),
        ("lr=nan..1", "KEY=LOW..HIGH"),
        ("lr=0..inf", "KEY=LOW..HIGH"),
        ("lr=1e-2..1e-3", "LOW must be less than HIGH"),
        ("lr=1e-3..1e-3", "LOW must be less than HIGH"),
        ("lr=0..1:log", "LOW must be more than 0"),
        ("lr=-1..1:log", "LOW must be more than 0"),
        ("lr=1e-3..1e-2:lin", "only 'log'"),
        ("epochs=1.5..3", "whole numbers"),
    ] {
        let error = space(text, integer).unwrap_err();
        assert!(error.valid.contains(valid), "{text}: {error}");
        assert_eq!(error.file, "--space");
    }
    assert_eq!(space("lr=1..2", integer).unwrap().to_string(), "lr=1.0..2.0");
    assert_eq!(space("epochs=2..8:log", integer).unwrap().to_string(), "epochs=2..8:log");
    assert!(space("new=2..8", |_| None).unwrap().integer);
    assert!(!space("new=2..8.0", |_| None).unwrap().integer);
}

#[test]
fn a_grid_is_all_combinations_of_its_values() {
    let axes: Vec<_> =
        ["lr=1e-3,3e-3", "decode=\"argmax\", \"expectation\""].map(|a| axis(a).unwrap()).into();
    let all = combinations(&axes);
    assert_eq!(all.len(), 4);
    assert_eq!(all[1], ["lr=1e-3", "decode=\"expectation\""]);
    for (text, valid) in [
        ("lr", "KEY=A,B,C"),
        ("=1,2", "no key"),
        ("lr=", "empty value"),
        ("lr=1,,2", "empty value"),
    ] {
        let error = axis(text).unwrap_err();
        assert!(error.valid.contains(valid), "{text}: {error}");
    }
}
