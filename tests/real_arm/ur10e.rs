//! Another arm, end to end: a UR10e's file, its twin, and trials over the wire.

use std::net::{IpAddr, Ipv4Addr};

use crate::bench::point_at;
use rmrl::cell::{Unwatched, Workcell};
use rmrl::config::Robot;
use rmrl::lab::Experiment;
use rmrl::real::{Site, Verdict, examine};
use rmrl::task::{Outcome, Phase, Pose2, Setup, Streams, TrialKey};
use rmrl::twin::{Places, Plan, Twin};

fn twin() -> (Twin, Robot) {
    let mut robot = Robot::named("ur10e-twin").unwrap();
    robot.twin.as_mut().unwrap().speed = 20.0;
    let task = Experiment::open("narrow", &[]).unwrap().task;
    let plan = Plan::new(&robot, task, Vec::new()).unwrap();
    let twin = Twin::start(&plan, IpAddr::V4(Ipv4Addr::LOCALHOST), Places::Free, |_| ()).unwrap();
    point_at(&mut robot, twin.ports());
    (twin, robot)
}

#[test]
fn a_ur10e_places_over_the_wire_against_a_twin_of_its_own() {
    let (_twin, robot) = twin();
    let site = Site::new(&robot).unwrap();
    let wrong: Vec<_> = examine(&site)
        .into_iter()
        .filter(|finding| matches!(finding.verdict, Verdict::Wrong(_)))
        .collect();
    assert_eq!(wrong, []);
    assert_eq!(site.who_answers().unwrap(), "twin of UR10");
    let mut cell = site.connect().unwrap();
    for i in 0..3 {
        let offset = Pose2::new(f64::from(i) - 1.0, 1.0 - f64::from(i), f64::from(i) - 1.0);
        let key = TrialKey { phase: Phase::Train, index: 0 };
        let setup = Setup { streams: Streams::new(1), key, instance: 0, offset, made: 0 };
        cell.prepare(&setup, &mut Unwatched).unwrap();
        let attempt = cell.attempt(offset, &mut Unwatched).unwrap();
        assert_eq!(attempt.outcome, Outcome::Placed, "trial {i}");
        let placed = attempt.measured.unwrap().pose;
        let near = placed.translation_mm() < 2.0 && placed.yaw_deg.abs() < 1.5;
        assert!(near, "trial {i}: {placed:?}");
    }
}

#[test]
fn a_file_for_another_arm_than_the_one_that_answers_is_told_by_the_doctor_and_moves_nothing() {
    let (_twin, robot) = twin();
    let mut other = Robot::named("ur5e-twin").unwrap();
    other.real.clone_from(&robot.real);
    let site = Site::new(&other).unwrap();
    let found = examine(&site);
    let wrong = |check: &str| {
        let of = found.iter().find(|finding| finding.check == check);
        of.is_some_and(|finding| matches!(finding.verdict, Verdict::Wrong(_)))
    };
    assert!(wrong("robot") && wrong("calibration"), "{found:?}");
    let refused = site.connect().map(drop).unwrap_err().to_string();
    assert!(refused.contains("another kind of arm"), "{refused}");
}
