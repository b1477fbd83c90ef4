use crate::lab::Experiment;
use proptest::prelude::*;

fn refused(set: &str) -> String {
    Experiment::open("smoke", &[set.to_owned()]).unwrap_err().to_string()
}

#[test]
fn each_key_is_off_by_default_and_may_be_set_alone() {
    let plain = Experiment::open("smoke", &[]).unwrap();
    assert!(!plain.task.is_dirty() && !plain.to_toml().contains("dirt"));
    for quantity in crate::task::Quantity::ALL {
        let set = format!("task.dirt.{}=0.5", quantity.name());
        let dirty = Experiment::open("smoke", &[set]).unwrap();
        assert_eq!(dirty.task.reach(quantity), (-0.5, 0.5));
        let again = Experiment::parse("a", &dirty.to_toml()).unwrap();
        assert_eq!(again.to_toml(), dirty.to_toml());
    }
}

#[test]
fn a_wrong_key_or_value_is_named_with_what_is_valid() {
    for (set, parts) in [
        ("task.dirt.base_x=1", &["base_x", "base_x_mm"][..]),
        ("task.dirt.base_x_mm=-1", &["task.dirt.base_x_mm", "-1", "from 0 to 10"]),
        ("task.dirt.base_x_mm=nan", &["task.dirt.base_x_mm", "NaN"]),
        ("task.dirt.exposure=bright", &["bright"]),
        ("task.drift=[{key=\"base_x\",at=1,to=1}]", &["base_x", "base_x_mm"]),
        ("task.drift=[{key=\"base_x_mm\",at=1,to=99}]", &["to of base_x_mm", "99", "10"]),
        ("task.drift=[{key=\"base_x_mm\",at=-1,to=1}]", &["-1"]),
        (
            "task.drift=[{key=\"base_x_mm\",at=5,to=1,over=10},{key=\"base_x_mm\",at=9,to=2}]",
            &["at of base_x_mm", "9", "at least 15"],
        ),
    ] {
        let said = refused(set);
        for part in parts {
            assert!(said.contains(part), "{set}: '{part}' is missing in: {said}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn no_text_in_these_sections_makes_the_parser_panic(text in "[-a-z_0-9.={}\\[\\]\", ]{0,60}") {
        for section in ["dirt", "drift", "dirt.base_x_mm"] {
            let _ = Experiment::open("smoke", &[format!("task.{section}={text}")]);
        }
    }
}
