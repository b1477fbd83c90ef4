use std::path::Path;
use std::time::{Duration, Instant};

use bevy::app::PluginsState;
use bevy::prelude::*;
use bevy::render::view::screenshot::{Screenshot, ScreenshotCaptured};

use super::app::Canvas;
use super::by_hand::ByHand;
use super::plan::Out;
use super::real::RealArm;
use super::{Playback, Replay, ViewError};

/// Updates before the first picture: meshes and panels find their places in the first.
const SETTLING: usize = 3;
/// Time between two pictures of a trial, seconds.
const FRAME: f64 = 0.04;
/// Between two words about how far learning again has come.
const TELL_EVERY: Duration = Duration::from_secs(2);
/// For the first word of a real arm.
const ARM_PATIENCE: Duration = Duration::from_secs(5);
/// A picture that takes longer than so many updates does not come any more.
const PATIENCE: usize = 200;

/// Can the pictures be written there? Asked first: making them takes a while.
pub fn check(out: &Out) -> Result<(), ViewError> {
    let wrong =
        |path: &Path, why: &str| Err(ViewError::Write { path: path.into(), why: why.to_owned() });
    match out {
        Out::Window => Ok(()),
        Out::Screenshot(file) => {
            let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
            if file.extension().is_none_or(|e| !e.eq_ignore_ascii_case("png")) {
                wrong(file, "must end in .png")
            } else if file.is_dir() {
                wrong(file, "is a folder")
            } else if folder.is_some_and(|folder| !folder.is_dir()) {
                wrong(file, "its folder does not exist")
            } else {
                Ok(())
            }
        }
        Out::Frames(folder) if folder.exists() && !folder.is_dir() => wrong(folder, "is a file"),
        Out::Frames(_) => Ok(()),
    }
}

/// One picture of what the viewer shows.
pub fn screenshot(mut app: App, path: &Path) -> Result<(), ViewError> {
    start(&mut app);
    save(&settle(&mut app)?, path)
}

/// The whole trial, a picture every 40 ms of its time, as `0000.png` and so on.
pub fn frames(mut app: App, folder: &Path) -> Result<(), ViewError> {
    let wrong = |e: std::io::Error| ViewError::Write { path: folder.into(), why: e.to_string() };
    start(&mut app);
    settle(&mut app)?;
    let duration = app.world().resource::<Playback>().duration();
    if duration <= 0.0 {
        let what = "--frames needs a trial that moves: give --correction, or --run of a simulation";
        return Err(ViewError::Input(what.into()));
    }
    std::fs::create_dir_all(folder).map_err(wrong)?;
    #[derive(Resource, Default)]
    struct Taken(Vec<(u32, Image)>);

    let Canvas(canvas) = canvas_of(&app)?;
    app.init_resource::<Taken>();
    let last = (duration / FRAME).ceil() as u32;
    let (mut saved, mut idle) = (0, 0);
    // A picture arrives some updates after it was asked for; the next ones are drawn meanwhile.
    for number in 0.. {
        if number <= last {
            app.world_mut().resource_mut::<Playback>().seek(f64::from(number) * FRAME);
            let take = move |captured: On<ScreenshotCaptured>, mut taken: ResMut<Taken>| {
                taken.0.push((number, captured.image.clone()));
            };
            app.world_mut().spawn(Screenshot(canvas.clone())).observe(take);
        }
        app.update();
        let taken = std::mem::take(&mut app.world_mut().resource_mut::<Taken>().0);
        idle = if taken.is_empty() { idle + 1 } else { 0 };
        for (number, image) in taken {
            save(&image, &folder.join(format!("{number:04}.png")))?;
            saved += 1;
        }
        if saved > last {
            break;
        }
        if idle > PATIENCE {
            return Err(no_picture());
        }
    }
    Ok(())
}

/// Until everything has found its place, and what is still being worked out is known; the picture
/// of it.
fn settle(app: &mut App) -> Result<Image, ViewError> {
    if let Some(replay) = app.world().get_resource::<Replay>() {
        relearned(replay)?;
    }
    if let Some(arm) = app.world().get_resource::<RealArm>() {
        let began = Instant::now();
        while arm.state().is_none() && began.elapsed() < ARM_PATIENCE {
            std::thread::sleep(Duration::from_millis(20));
        }
        if arm.state().is_none() {
            let why = arm.failure().unwrap_or_else(|| "it says nothing".into());
            return Err(ViewError::Graphics(format!("{} cannot be drawn: {why}", arm.host)));
        }
    }
    for _ in 0..SETTLING {
        app.update();
    }
    let hand = app.world().get_resource::<ByHand>();
    if let Some(failure) = hand.and_then(|hand| hand.failure.clone()) {
        return Err(ViewError::Input(failure));
    }
    // A software driver on a busy machine has been seen to deliver an empty one first.
    for _ in 0..SETTLING {
        let image = capture(app)?;
        if !is_blank(&image) {
            return Ok(image);
        }
    }
    Err(no_picture())
}

/// All of one colour: there are always panels, so nothing was drawn.
fn is_blank(image: &Image) -> bool {
    let data = image.data.as_deref().unwrap_or_default();
    data.chunks_exact(4).all(|pixel| data.starts_with(pixel))
}

/// Waits until what the policy thought of the trial is known again, and says how far that is.
fn relearned(replay: &Replay) -> Result<(), ViewError> {
    let mut told = Instant::now();
    while !replay.is_settled() {
        std::thread::sleep(Duration::from_millis(20));
        if told.elapsed() > TELL_EVERY {
            told = Instant::now();
            let worked = replay.policies.look();
            eprintln!("learning again from the stored trials: {} of {}", worked.learned, worked.of);
        }
    }
    match &replay.policies.look().crashed {
        Some(why) => Err(ViewError::Graphics(format!("learning again failed: {why}"))),
        None => Ok(()),
    }
}

/// Finishes the plugins as a runner would.
pub fn start(app: &mut App) {
    while app.plugins_state() == PluginsState::Adding {
        bevy::tasks::tick_global_task_pools_on_main_thread();
    }
    app.finish();
    app.cleanup();
}

/// What is drawn now.
pub fn capture(app: &mut App) -> Result<Image, ViewError> {
    #[derive(Resource)]
    struct Captured(Image);

    let canvas = canvas_of(app)?;
    let take = |captured: On<ScreenshotCaptured>, mut commands: Commands| {
        commands.insert_resource(Captured(captured.image.clone()));
    };
    app.world_mut().spawn(Screenshot(canvas.0)).observe(take);
    for _ in 0..PATIENCE {
        app.update();
        if let Some(Captured(image)) = app.world_mut().remove_resource() {
            return Ok(image);
        }
    }
    Err(no_picture())
}

fn canvas_of(app: &App) -> Result<Canvas, ViewError> {
    let canvas = app.world().get_resource::<Canvas>().cloned();
    canvas.ok_or_else(|| ViewError::Graphics("there is no picture to take".into()))
}

fn no_picture() -> ViewError {
    ViewError::Graphics("the driver delivered no picture".into())
}

fn save(image: &Image, path: &Path) -> Result<(), ViewError> {
    let wrong = |why: String| ViewError::Write { path: path.into(), why };
    let picture = image.clone().try_into_dynamic().map_err(|e| wrong(e.to_string()))?;
    picture.to_rgb8().save(path).map_err(|e| wrong(e.to_string()))
}
