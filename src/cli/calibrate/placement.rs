use std::path::PathBuf;
use std::sync::atomic::Ordering;

use super::{Place, capture, store};
use crate::cli::out::say;
use crate::cli::{Failure, interrupt};
use crate::config::{CameraSpec, EyesKind, EyesSpec, Frame, Robot};
use crate::eyes::{Board, Finder, Lens, Limits, Seen, Sensor, Taught};
use crate::input::Check;
use crate::real::camera::{self, Bounds, Camera, Grey, Watched};
use crate::task::Pose2;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  rmrl calibrate placement --robot my-arm.toml --camera place          lid on the plate
  rmrl calibrate placement --robot my-arm.toml --camera place --bare   then off, the plate not moved

Lay the plate perfectly, under its lid with tags (rmrl tags). What the camera sees is stored as
[eyes.place.taught]; every reading is relative to it. --bare looks at the plate's own outline,
which readings of bare plates are relative to. Nothing moves. Exit code 1 if the frames do not
tell the placement, with the reason.")]
pub struct Args {
    /// Robot file with [eyes], lens and all; it keeps its comments
    #[arg(long, value_name = "FILE")]
    robot: PathBuf,
    /// The camera that looks at this place
    #[arg(long, value_name = "PLACE", value_enum)]
    camera: Place,
    /// Fresh frames that are read
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u64).range(3..=200))]
    frames: u64,
    /// The lid is off, and the plate where it was: only its outline
    #[arg(long)]
    bare: bool,
}

/// The key of what was taught; there is a method of the same name, which has nothing to do with it.
const OUTLINE: &str = stringify!(outline);
/// Of frames of a plate that lies still, from their mean, mm and deg.
const MOST_SPREAD: f64 = 0.1;
/// A tag counts as seen that is found in this share of the frames.
const SEEN_SHARE: f64 = 0.5;
/// Tags that must be seen of each board, of all that it has.
const TAGS_SHARE: f64 = 0.75;

pub fn run(args: &Args) -> Result<(), Failure> {
    let file = args.robot.display().to_string();
    let robot = Robot::named(&file)?;
    let key = args.camera.key();
    let wrong = |why: String| Failure::Input(format!("{file}: {why}"));
    let lacks = |key: &str, advice: &str| wrong(format!("lacks {key}: {advice}"));
    let eyes = robot
        .eyes
        .as_ref()
        .ok_or_else(|| lacks("[eyes]", "rmrl calibrate camera stores a lens there"))?;
    if eyes.kind == EyesKind::Answers {
        let valid = "must be snapshot, mjpeg, folder or usb: a program that answers is no camera";
        return Err(wrong(format!("eyes.kind = \"answers\": {valid}")));
    }
    let url = robot.real.as_ref().and_then(|real| real.eyes_url.as_deref());
    let eyes = eyes.at(Check { file: robot.name.file() }, url)?;
    let named = |camera: &Option<CameraSpec>, key: &str| {
        camera.clone().ok_or_else(|| lacks(key, "rmrl calibrate camera stores a lens there"))
    };
    let pick = named(&eyes.pick, "eyes.pick")?;
    let spec = match args.camera {
        Place::Pick => pick.clone(),
        Place::Place => named(&eyes.place, "eyes.place")?,
    };
    let address = spec.address.clone().or(pick.address);
    let address = address.ok_or_else(|| lacks(&format!("eyes.{key}.address"), "add it"))?;
    if args.bare && spec.taught.is_none() {
        let advice = "teach the placement first, with the lid on the plate";
        return Err(lacks(&format!("eyes.{key}.taught"), advice));
    }
    let views = look(&args.robot, &eyes, &spec.lens, &address, args.frames as usize)?;
    let section = ["eyes", key, "taught"];
    let told =
        |why: String| Failure::Work(anyhow::anyhow!("the frames do not tell the placement: {why}"));
    if args.bare {
        let outline = bare(&spec, &views).map_err(told)?;
        store::store(&args.robot, &section, &[(OUTLINE, written(outline))], &[])?;
        say!("outline   {}", written(outline))?;
        return say!("stored in {file} [eyes.{key}.taught]");
    }
    let Under { taught, spread, outline } = under_lid(&spec, &views).map_err(told)?;
    let frame = |pose| store::frame(&Frame::from_isometry(pose));
    let mut keys = vec![("lid", frame(&taught.carried))];
    keys.extend(taught.fixed.as_ref().map(|fixed| ("beside", frame(fixed))));
    keys.extend(outline.map(|outline| (OUTLINE, written(outline))));
    // Of another placement, or of a board that is no longer there.
    let old = ["beside", OUTLINE].into_iter().filter(|old| keys.iter().all(|(key, _)| key != old));
    let old: Vec<&str> = old.collect();
    store::store(&args.robot, &section, &keys, &old)?;
    for (key, value) in &keys {
        say!("{key:9} {value}")?;
    }
    say!(
        "spread    {:.3} mm, {:.3} deg, the farthest of {} frames",
        spread[0],
        spread[1],
        views.len()
    )?;
    if outline.is_some() {
        say!(
            "          (the outline is the lid's: take it off, do not move the plate, then the same with --bare)"
        )?;
    } else {
        say!("          (no outline is seen: bare plates cannot be read, nor tags checked by it)")?;
    }
    say!("stored in {file} [eyes.{key}.taught]")
}

/// A frame and the tags in it.
struct Look {
    picture: Grey,
    seen: Vec<Seen>,
}

/// So many good frames; one that is not is told, and as many of these are the end.
fn look(
    file: &std::path::Path,
    eyes: &EyesSpec,
    lens: &Lens,
    address: &str,
    frames: usize,
) -> Result<Vec<Look>, Failure> {
    let beside = file.parent().unwrap_or(std::path::Path::new(""));
    let opened = camera::open(eyes.kind, address, beside);
    let opened = opened.map_err(|error| Failure::Input(error.to_string()))?;
    let bounds = Bounds { max_age_ms: eyes.max_age_ms, min_sharpness: eyes.min_sharpness };
    let (mut camera, mut finder) = (Watched::new(opened, bounds), capture::finder()?);
    let stopped = interrupt::flag_saying("stopping; nothing is stored")?;
    let (mut looks, mut poor) = (Vec::new(), 0);
    while looks.len() < frames {
        if stopped.load(Ordering::Relaxed) {
            return Err(Failure::Interrupted("interrupted; nothing is stored".into()));
        }
        match taken(&mut camera, &mut finder, lens) {
            Ok(look) => looks.push(look),
            Err(why) => {
                poor += 1;
                eprintln!("rmrl: {why}");
                if poor >= frames {
                    let good = looks.len();
                    let why = format!("{poor} frames are poor, {good} of {frames} are good: {why}");
                    return Err(Failure::Work(anyhow::anyhow!(why)));
                }
            }
        }
    }
    Ok(looks)
}

fn taken(camera: &mut impl Camera, finder: &mut Finder, lens: &Lens) -> Result<Look, String> {
    let picture = camera.frame().map_err(|error| error.to_string())?.picture;
    let frame = picture.frame().ok_or("the frame's last row is not full")?;
    lens.check_size(&frame).map_err(|error| error.to_string())?;
    let seen = finder.find(&frame, None, Some(lens));
    Ok(Look { picture, seen })
}

/// What was seen of a plate under its lid.
struct Under {
    taught: Taught,
    /// The farthest frame from all of them, mm and deg.
    spread: [f64; 2],
    outline: Option<Pose2>,
}

fn under_lid(spec: &CameraSpec, views: &[Look]) -> Result<Under, String> {
    let (lid, fixed) = (Board::lid(), spec.beside.as_deref().and_then(Board::named));
    for board in std::iter::once(&lid).chain(&fixed) {
        enough(board, views)?;
    }
    let frames: Vec<Vec<Seen>> = views.iter().map(|look| look.seen.clone()).collect();
    let lens = spec.lens;
    let taught_by = |frames: &[Vec<Seen>]| {
        let taught = Sensor::teach(&lens, &lid, fixed.as_ref(), frames);
        taught.map_err(|error| error.to_string())
    };
    let sensor = |taught: Taught| {
        let (carried, fixed, limits) = (lid.clone(), fixed.clone(), Limits::default());
        Sensor { lens, carried, fixed, taught, limits }
    };
    // By the first alone: frames that contradict each other have no pose in common.
    let alone = sensor(taught_by(frames.get(..1).unwrap_or_default())?);
    let read = |look: &Look| alone.read(&look.seen).map(|reading| reading.placement.pose);
    let poses: Result<Vec<Pose2>, _> = views.iter().map(read).collect();
    let poses = poses.map_err(|error| error.to_string())?;
    let spread = agreed(mean(&poses), &poses)?;
    let taught = taught_by(&frames)?;
    let sensor = sensor(taught);
    let outlines: Result<Vec<Pose2>, _> = views.iter().map(|look| outline(&sensor, look)).collect();
    let outline = outlines.ok().map(|outlines| mean(&outlines)).filter(|outline| {
        // Seen only in part, as on a ground as light as the lid.
        outline.translation_mm() < sensor.limits.disagree_mm
            && outline.yaw_deg.abs() < sensor.limits.disagree_deg
    });
    Ok(Under { taught, spread, outline })
}

fn bare(spec: &CameraSpec, views: &[Look]) -> Result<Pose2, String> {
    let lid = Board::lid();
    if views.iter().flat_map(|look| &look.seen).any(|tag| lid.tag(tag.id).is_some()) {
        return Err("tags of the lid are seen: take it off, without moving the plate".into());
    }
    let taught = spec.taught.ok_or("the placement was not taught")?;
    let sensor = Sensor {
        lens: spec.lens,
        carried: lid,
        fixed: spec.beside.as_deref().and_then(Board::named),
        taught: Taught {
            carried: taught.lid.isometry(),
            fixed: taught.beside.map(|frame| frame.isometry()),
            outline: None,
        },
        limits: Limits::default(),
    };
    let outlines: Result<Vec<Pose2>, String> =
        views.iter().map(|look| outline(&sensor, look)).collect();
    let outlines = outlines?;
    let mean = mean(&outlines);
    agreed(mean, &outlines)?;
    let Limits { disagree_mm, disagree_deg, .. } = sensor.limits;
    // It lay at the field's middle when the lid was taught.
    if mean.translation_mm() > disagree_mm || mean.yaw_deg.abs() > disagree_deg {
        let Pose2 { x_mm, y_mm, yaw_deg } = mean;
        return Err(format!(
            "the outline lies {x_mm:.1} mm, {y_mm:.1} mm, {yaw_deg:.1} deg from where the lid lay: was the plate moved?"
        ));
    }
    Ok(mean)
}

fn outline(sensor: &Sensor, look: &Look) -> Result<Pose2, String> {
    let frame = look.picture.frame().ok_or("the frame's last row is not full")?;
    let found = sensor.outline_in_field(&frame, &look.seen);
    found.map(|(pose, _)| pose).map_err(|error| error.to_string())
}

/// Enough of a board's tags must be free.
fn enough(board: &Board, views: &[Look]) -> Result<(), String> {
    let found = |id: u32| {
        let times = views.iter().filter(|look| look.seen.iter().any(|tag| tag.id == id)).count();
        times as f64 >= SEEN_SHARE * views.len() as f64
    };
    let all = board.tags.len();
    let missing: Vec<String> =
        board.tags.iter().filter(|tag| !found(tag.id)).map(|tag| tag.id.to_string()).collect();
    let seen = all - missing.len();
    let least = (TAGS_SHARE * all as f64).ceil() as usize;
    if seen >= least {
        return Ok(());
    }
    let (name, missing) = (board.name, missing.join(", "));
    Err(format!(
        "{seen} of {all} tags of the board `{name}` are seen, at least {least} must be: free {missing}"
    ))
}

fn mean(poses: &[Pose2]) -> Pose2 {
    let count = poses.len().max(1) as f64;
    let [x, y, yaw] =
        [0, 1, 2].map(|axis| poses.iter().map(|pose| pose.axes()[axis]).sum::<f64>() / count);
    Pose2::new(x, y, yaw)
}

/// How far the farthest is from the middle, mm and deg.
fn agreed(middle: Pose2, poses: &[Pose2]) -> Result<[f64; 2], String> {
    let offs = poses.iter().map(|pose| middle.inverse().compose(*pose));
    let [mm, deg] = offs.fold([0.0, 0.0], |[mm, deg], off| {
        [f64::max(mm, off.translation_mm()), f64::max(deg, off.yaw_deg.abs())]
    });
    if mm <= MOST_SPREAD && deg <= MOST_SPREAD {
        return Ok([mm, deg]);
    }
    Err(format!(
        "they contradict each other by {mm:.2} mm and {deg:.2} deg, at most {MOST_SPREAD} may be: do plate and camera \
         stand still, is it sharp and light enough?"
    ))
}

fn written(Pose2 { x_mm, y_mm, yaw_deg }: Pose2) -> String {
    // And no negative zero.
    let [x, y, yaw] = [x_mm, y_mm, yaw_deg].map(|value| (value * 1e3).round() / 1e3 + 0.0);
    format!("{{ x_mm = {x:?}, y_mm = {y:?}, yaw_deg = {yaw:?} }}")
}
