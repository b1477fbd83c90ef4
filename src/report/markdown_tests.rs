use super::*;
use crate::report::synthetic;

fn text(result: &ExperimentResult) -> String {
    report(result, &Summary::of(result, 100), 100)
}

#[test]
fn an_unfinished_experiment_says_so_at_the_top() {
    let mut result = synthetic::experiment(5);
    result.seeds = (1..=20).collect();
    assert!(text(&result).lines().take(4).any(|line| line.contains("5 of 20 seeds complete")));
    assert!(!text(&synthetic::experiment(5)).contains("seeds complete"));
}

#[test]
fn a_clear_gain_is_matched_in_direction_and_never_reproduced() {
    let report = text(&synthetic::experiment(20));
    let line =
        report.lines().find(|l| l.contains("translation error | rm-rl | reinforce")).unwrap();
    assert!(line.contains("matched in direction") && line.contains("53 % lower"), "{line}");
    assert!(!report.to_lowercase().contains("reproduc"));
}

#[test]
fn a_rival_as_good_as_the_method_is_not_matched() {
    let mut result = synthetic::experiment(10);
    let rm = result.method("rm-rl").unwrap().runs.clone();
    result.methods.iter_mut().filter(|m| m.card.name == "ppo").for_each(|m| m.runs = rm.clone());
    let report = text(&result);
    let line = report.lines().find(|l| l.contains("yaw error | rm-rl | ppo")).unwrap();
    assert!(line.contains("not matched"), "{line}");
}

#[test]
fn without_a_rival_there_is_nothing_to_compare() {
    let mut result = synthetic::experiment(3);
    result.methods.retain(|m| m.card.name == "no-correction");
    let report = text(&result);
    assert!(report.contains("nothing to compare") && report.contains("| no-correction |"));
    assert!(!report.contains("## Every learner"));
}

#[test]
fn every_table_row_has_as_many_cells_as_its_head() {
    let report = text(&synthetic::experiment(3));
    let mut width = 0;
    for line in report.lines() {
        let cells = line.replace("\\|", "").matches('|').count();
        assert!(width == 0 || cells == 0 || cells == width, "{line}");
        width = cells;
    }
}

#[test]
fn neighbouring_seeds_are_drawn_together() {
    assert_eq!(ranges(&[1, 2, 3, 7]), "1 to 3, 7");
    assert_eq!(ranges(&[0]), "0");
    assert_eq!(ranges(&[]), "none complete");
}
