use super::*;
use crate::report::synthetic;
use serde_json::Value;

fn json(result: &ExperimentResult) -> Value {
    serde_json::from_str(&Summary::of(result, 200).to_json().unwrap()).unwrap()
}

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

#[test]
fn the_json_has_the_published_shape_and_no_more() {
    let json = json(&synthetic::experiment(5));
    let all = [
        "cap",
        "commit",
        "contrasts",
        "contrasts_sha256",
        "experiment",
        "experiment_sha256",
        "exploratory",
        "improvement_over",
        "methods",
        "noise_floor",
        "runs_begun_with_these_contrasts",
        "seeds",
        "trials",
        "version",
    ];
    assert_eq!(keys(&json), all);
    let rm = &json["methods"]["rm-rl"];
    let figures = [
        "area_under_curve",
        "context",
        "coverage",
        "demonstrations",
        "errors",
        "excess_over_floor",
        "held_out",
        "robot_hours",
        "shelf",
        "signal",
        "stability",
        "success",
        "translation_mm",
        "trials_to_1mm_1deg",
        "yaw_deg",
    ];
    assert_eq!(keys(rm), figures);
    assert_eq!(rm["signal"], "scalar");
    assert_eq!(json["methods"]["oracle"]["signal"], "truth");
    assert_eq!(rm["context"], "scene-id");
    assert_eq!(keys(&rm["translation_mm"]), ["ci95", "iqm"]);
    assert_eq!(keys(&rm["held_out"]), ["success", "translation_mm", "yaw_deg"]);
    assert_eq!(keys(&rm["success"]), ["ci95", "rate"]);
    assert_eq!(keys(&rm["shelf"]), ["ci95", "of", "placed"]);
    assert_eq!(keys(&rm["trials_to_1mm_1deg"]), ["of", "reached", "restricted_mean"]);
    let over = &json["improvement_over"];
    assert_eq!(keys(over), ["ppo", "reinforce"]);
    assert_eq!(keys(&over["ppo"]["rm-rl"]), ["probability", "translation_pct", "yaw_pct"]);
    assert_eq!(keys(&over["ppo"]["rm-rl"]["yaw_pct"]), ["ci95", "value"]);
}

#[test]
fn methods_are_written_in_the_order_of_the_experiment() {
    let text = Summary::of(&synthetic::experiment(3), 50).to_json().unwrap();
    let at = |name: &str| text.find(&format!("\"{name}\": {{")).unwrap();
    assert!(at("no-correction") < at("oracle") && at("oracle") < at("true-labels"));
}

#[test]
fn every_learner_is_compared_with_both_rivals_and_no_rival_with_itself() {
    let summary = Summary::of(&synthetic::experiment(4), 50);
    let named = |rival: &str| -> Vec<&str> {
        summary.improvement_over.get(rival).unwrap().0.iter().map(|(n, _)| n.as_str()).collect()
    };
    let others = ["rm-rl-online", "rm-rl", "rm-rl-pretrained"];
    assert_eq!(named("reinforce"), [&["true-labels", "ppo"][..], &others].concat());
    assert_eq!(named("ppo"), [&["true-labels", "reinforce"][..], &others].concat());
}

#[test]
fn an_absent_rival_and_an_unfinished_method_are_left_out() {
    let mut result = synthetic::experiment(3);
    result.methods.retain(|m| m.card.name != "reinforce");
    result.methods.iter_mut().filter(|m| m.card.name == "oracle").for_each(|m| m.runs.clear());
    let json = json(&result);
    assert_eq!(keys(&json["improvement_over"]), ["ppo"]);
    assert!(json["methods"].get("oracle").is_none());
    assert_eq!(json["seeds"], 0, "no seed is complete in every method");
}

#[test]
fn one_seed_has_figures_but_no_interval() {
    let json = json(&synthetic::experiment(1));
    let rm = &json["methods"]["rm-rl"];
    assert!(rm["translation_mm"]["iqm"].is_f64());
    assert!(rm["translation_mm"]["ci95"].is_null());
    assert!(json["improvement_over"]["ppo"]["rm-rl"]["yaw_pct"]["ci95"].is_null());
}

#[test]
fn improvements_are_paired_by_seed_and_not_by_position() {
    let mut result = synthetic::experiment(6);
    let before = Summary::of(&result, 300);
    result.methods.iter_mut().filter(|m| m.card.name == "ppo").for_each(|m| m.runs.reverse());
    let after = Summary::of(&result, 300);
    assert_eq!(before.improvement("rm-rl", "ppo"), after.improvement("rm-rl", "ppo"));
}

#[test]
fn half_the_error_is_an_improvement_of_fifty_per_cent() {
    let mut result = synthetic::experiment(4);
    let ppo = result.method("ppo").unwrap().runs.clone();
    let rm = result.methods.iter_mut().find(|m| m.card.name == "rm-rl").unwrap();
    rm.runs = ppo;
    for last in rm.runs.iter_mut().filter_map(|run| run.checkpoints.last_mut()) {
        let (mm, deg) = (last.in_scene.mean("translation_mm"), last.in_scene.mean("yaw_deg"));
        last.in_scene.set("translation_mm", mm / 2.0);
        last.in_scene.set("yaw_deg", 0.8 * deg);
    }
    let summary = Summary::of(&result, 100);
    let gain = summary.improvement("rm-rl", "ppo").unwrap();
    let [translation, yaw] = ["translation_mm", "yaw_deg"].map(|key| *gain.pct.get(key).unwrap());
    assert!((translation.value - 50.0).abs() < 1e-9);
    assert!((yaw.value - 20.0).abs() < 1e-9);
    let [low, high] = translation.ci95.unwrap();
    assert!((low - 50.0).abs() < 1e-9 && (high - 50.0).abs() < 1e-9);
    assert!(gain.probability > 0.5);
}

#[test]
fn a_goal_that_is_never_reached_counts_at_the_horizon() {
    let mut result = synthetic::experiment(2);
    for run in result.methods.iter_mut().flat_map(|m| &mut m.runs) {
        for c in &mut run.checkpoints {
            let error = if c.trial > 1000 { 0.5 } else { 1.5 };
            c.in_scene.set("translation_mm", error);
            c.in_scene.set("yaw_deg", error);
        }
    }
    let summary = Summary::of(&result, 20);
    let time = summary.methods.get("rm-rl").unwrap().trials_to_1mm_1deg;
    assert_eq!(time, TimeToReach { restricted_mean: 1000.0, reached: 0, of: 2 });
}
