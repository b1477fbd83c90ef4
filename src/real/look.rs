//! The doctor looks through the cameras.

use std::time::{Duration, Instant, SystemTime};

use super::doctor::{Finding, Verdict, right, wrong};
use super::{At, CameraEyes, Glance, Site};
use crate::cell::placement;
use crate::config::EyesSpec;
use crate::eyes::LID_MM;
use crate::eyes::gauge::{Look, Repeatability};
use nalgebra::Isometry3;

/// Looks of the short gauge study.
const LOOKS: usize = 12;
/// Light between which a frame shows dark and bright alike, mean grey levels.
const WELL_LIT: std::ops::RangeInclusive<f64> = 40.0..=200.0;
/// A mounting that was found and one that was taught differ by less, as a rule, mm.
const MOUNTED_MM: f64 = 30.0;
const BETWEEN: Duration = Duration::from_millis(80);

/// A line a camera, how well readings repeat where the plate lies, and whether mounting and taught place agree.
pub fn examine(site: &Site, spec: &EyesSpec, findings: &mut Vec<Finding>) {
    let advice = "check [eyes]: kind, address, lens, taught; calibrate and teach the camera again";
    let mut eyes = match site.camera_eyes() {
        Ok(Some(eyes)) => eyes,
        Ok(None) => return,
        Err(error) => return findings.push(wrong("eyes", error.to_string(), advice)),
    };
    let mut seen = Vec::new();
    for at in At::BOTH {
        let check = match at {
            At::Pick => "camera, pick",
            At::Target => "camera, target",
        };
        match eyes.glance(at) {
            Ok(glance) => {
                findings.push(camera(&eyes, at, check, &glance));
                seen.extend(glance.reading.is_ok().then_some(at));
            }
            Err(error) => {
                let advice = "look at the camera, its address and its exposure; then rmrl doctor";
                findings.push(wrong(check, error.to_string(), advice));
            }
        }
    }
    match seen.first() {
        Some(at) => findings.push(repeatability(&mut eyes, *at)),
        None => {
            let advice =
                "lay the plate at the pick place, with what eyes.pick.plate says; then rmrl doctor";
            let reading = "no plate is seen".to_owned();
            let verdict = Verdict::Doubtful(advice.to_owned());
            findings.push(Finding { check: "repeatability", reading, verdict });
        }
    }
    mounting(site, spec, findings);
}

fn camera(eyes: &CameraEyes, at: At, check: &'static str, glance: &Glance) -> Finding {
    let picture = &glance.taken.picture;
    let light = picture.light();
    let height = picture.pixels.len() / picture.width.max(1);
    let age = glance.taken.at.and_then(|at| SystemTime::now().duration_since(at).ok());
    let age = age.map_or("age not told".to_owned(), |age| format!("{} ms old", age.as_millis()));
    let tags = glance.seen.len();
    let mut reading =
        format!("{}x{height}, {age}, mean light {light:.0}, {tags} tags", picture.width);
    match &glance.reading {
        Ok(read) => {
            let pose = read.placement.pose;
            let [x, y, yaw] = pose.axes();
            reading += &format!(
                "; plate at {x:.2}, {y:.2} mm, {yaw:.2} deg; camera moved {:.2} mm since taught",
                read.camera_mm
            );
        }
        Err(lost) if eyes.blinds(at, lost) => {
            let advice = "fix the camera, free what covers the board beside the place, teach again";
            return wrong(check, format!("{reading}; {lost}"), advice);
        }
        Err(_) => reading += "; no plate",
    }
    let verdict = match WELL_LIT.contains(&light) {
        true => Verdict::Right,
        false => Verdict::Doubtful("set a fixed exposure so that the mean is 40 to 200".to_owned()),
    };
    Finding { check, reading, verdict }
}

/// Readings of a plate that lies still.
fn repeatability(eyes: &mut CameraEyes, at: At) -> Finding {
    let (mut looks, mut light) = (Vec::new(), 0.0);
    let began = Instant::now();
    for _ in 0..LOOKS {
        std::thread::sleep(BETWEEN);
        let glance = eyes.glance(at);
        // Without a frame nobody knows of another light.
        light = glance.as_ref().map_or(light, |glance| glance.taken.picture.light());
        let reading = glance.ok().and_then(|glance| glance.reading.ok());
        looks.push(Look { at_s: began.elapsed().as_secs_f64(), reading, light });
    }
    let told = Repeatability::of(&looks);
    let [x, y, yaw] = told.sd;
    let reading = format!(
        "{} readings at the {}: {x:.3}, {y:.3} mm, {yaw:.3} deg (standard deviations), {} lost",
        told.looks - told.lost,
        at.words(),
        told.lost
    );
    // A second is too short to tell a drift.
    let fault = told.faults().into_iter().find(|fault| !fault.is_drift());
    match fault {
        None => Finding { check: "repeatability", reading, verdict: Verdict::Right },
        Some(fault) => {
            let advice =
                format!("{fault}: see rmrl gauge, light, focus and how the camera is mounted");
            wrong("repeatability", reading, advice)
        }
    }
}

/// Where the mounting puts a perfect placement, against where the arm was taught: readings need neither, but two that
/// contradict each other say that something was measured wrong.
fn mounting(site: &Site, spec: &EyesSpec, findings: &mut Vec<Finding>) {
    let plan = site.plan();
    let thickness = site.scene().plate.size.z;
    for (at, camera, place) in
        [(At::Pick, &spec.pick, plan.pick), (At::Target, &spec.place, plan.target)]
    {
        let Some(camera) = camera else { continue };
        let (Some(mounted), Some(taught)) = (camera.world_from_camera, camera.taught) else {
            continue;
        };
        let down = Isometry3::translation(0.0, 0.0, -LID_MM / 1e3 - thickness);
        let seen = mounted.isometry() * taught.lid.isometry() * down;
        let off = placement(&(place.world_from_place.inverse() * seen));
        let mm = off.pose.translation_mm().hypot(off.z_mm);
        let reading = format!(
            "the {} seems {mm:.1} mm and {:.1} deg from where the arm was taught",
            at.words(),
            off.pose.yaw_deg.abs().max(off.tilt_deg)
        );
        if mm <= MOUNTED_MM {
            right(findings, "mounting", reading);
            continue;
        }
        let advice = "readings do not need it; but measure arm.base, or calibrate hand-eye again";
        let verdict = Verdict::Doubtful(advice.to_owned());
        findings.push(Finding { check: "mounting", reading, verdict });
    }
}
