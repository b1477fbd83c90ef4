use bevy::app::{PluginGroupBuilder, TerminalCtrlCHandlerPlugin};
use bevy::asset::AssetEventSystems;
use bevy::camera::RenderTarget;
use bevy::camera::visibility::RenderLayers;
use bevy::core_pipeline::tonemapping::Tonemapping;
use bevy::ecs::schedule::SingleThreadedExecutor;
use bevy::image::ImageSampler;
use bevy::light::ShadowFilteringMethod;
use bevy::prelude::*;
use bevy::render::RenderPlugin;
use bevy::render::render_resource::{TextureFormat, TextureUsages};
use bevy::render::renderer::RenderAdapterInfo;
use bevy::render::settings::{RenderCreation, WgpuSettings};
use bevy::window::{ExitCondition, WindowResolution};
use bevy::winit::WinitPlugin;
use bevy_egui::{
    EguiContexts, EguiGlobalSettings, EguiPlugin, EguiPostUpdateSet, EguiPreUpdateSet,
    EguiPrimaryContextPass, PrimaryEguiContext,
};
use wgpu::DeviceType;

use super::adapter::{refused, unpanicked};
use super::by_hand::ByHand;
use super::camera::{Looks, MainCamera, Orbit, look_anew, place_camera};
use super::live::{Live, follow};
use super::overlays::{self, Overlays};
use super::pace::{calm, pace};
use super::panels::{self, Inset, Open, Seen, ViewRect};
use super::plan::{Out, Plan, Show, Size, Training};
use super::playback::play;
use super::real::{RealArm, image_size, observe};
use super::replay::Replay;
use super::scene::{
    Cell, Ghosts, Shown, fit_shadows, lights, outline_ghosts, pose_arm, pose_bodies, pose_ghosts,
    set_stage,
};
use super::{Moment, Playback, ViewError, headless};
use crate::config::{Robot, Scene};
use crate::task::Pose2;

/// Where the drawing goes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Target {
    Window,
    Image(Size),
    /// Nowhere: everything but the drawing, for tests and for measuring.
    Nowhere(Size),
}

/// What is drawn into, where that is not a window.
#[derive(Resource, Clone, Debug)]
pub struct Canvas(pub RenderTarget);

pub fn run(plan: Plan) -> Result<(), ViewError> {
    let picture = || build(&plan, Target::Image(plan.size));
    let made = match &plan.out {
        Out::Window => return window(&plan),
        Out::Screenshot(file) => unpanicked(|| headless::screenshot(picture()?, file)),
        Out::Frames(folder) => unpanicked(|| headless::frames(picture()?, folder)),
    };
    made.unwrap_or_else(|why| Err(ViewError::Graphics(why)))
}

fn window(plan: &Plan) -> Result<(), ViewError> {
    // Winit looks for the window system while the app is built.
    let mut app = unpanicked(|| build(plan, Target::Window)).map_err(|why| refused(&why))??;
    match unpanicked(|| app.run()).map_err(ViewError::Graphics)? {
        AppExit::Success => Ok(()),
        // Ctrl-C: bevy ends with what a shell would say.
        AppExit::Error(code) if code.get() == 130 => Err(ViewError::Interrupted),
        AppExit::Error(code) => Err(ViewError::Graphics(format!("code {code}"))),
    }
}

/// The whole viewer, ready to run.
pub fn build(plan: &Plan, target: Target) -> Result<App, ViewError> {
    let mut app = App::new();
    app.add_plugins(plugins(target));
    app.add_plugins(EguiPlugin::default());
    app.insert_resource(EguiGlobalSettings { auto_create_primary_context: false, ..default() });
    app.insert_resource(ClearColor(Color::srgb(0.075, 0.085, 0.10)));
    let cell = enter(plan, &mut app)?;
    let looks = Looks::of(&cell);
    app.insert_resource(looks.0[plan.view as usize]);
    app.insert_resource(looks);
    app.insert_resource(cell);
    app.init_resource::<Overlays>();
    app.init_resource::<Open>();
    app.init_resource::<Inset>();
    app.init_resource::<Seen>();
    app.init_resource::<ViewRect>();
    if let Target::Image(size) | Target::Nowhere(size) = target {
        let canvas = canvas(&mut app, size);
        app.insert_resource(canvas);
    }
    app.add_systems(Startup, (lights, cameras, overlays::configure));
    app.add_systems(EguiPrimaryContextPass, (dress_once.run_if(run_once), panels::panels).chain());
    // What is asked for in one frame's panels is drawn in the next.
    app.add_systems(
        Update,
        (
            (play, follow, observe).chain(),
            (set_stage, look_anew).run_if(resource_changed::<Cell>),
            fit_shadows.run_if(resource_changed::<Orbit>),
            (
                (pose_bodies, pose_arm, place_camera, panels::fit_camera),
                (pose_ghosts, outline_ghosts, overlays::draw),
            ),
        )
            .chain(),
    );
    let told = calm.after(EguiPreUpdateSet::ProcessInput).before(EguiPreUpdateSet::BeginPass);
    app.add_systems(PreUpdate, told);
    app.add_systems(Last, pace);
    // A letter that is drawn for the first time must be in the very frame that shows it.
    app.configure_sets(PostUpdate, EguiPostUpdateSet::PostProcessOutput.before(AssetEventSystems));
    one_by_one(&mut app);
    Ok(app)
}

/// Systems this small cost less than handing them to other threads.
fn one_by_one(app: &mut App) {
    for (_, schedule) in app.world_mut().resource_mut::<Schedules>().iter_mut() {
        schedule.set_executor(SingleThreadedExecutor::new());
    }
}

/// Puts in what is to be shown; its cell.
fn enter(plan: &Plan, app: &mut App) -> Result<Cell, ViewError> {
    // A picture shows how it ends, a window plays it.
    let playing = matches!(plan.out, Out::Window);
    let mut playback = Playback::default();
    let mut ghosts = Ghosts::default();
    let cell = match &plan.show {
        Show::ByHand { scene, robot, offset, correction, task, physics } => {
            let image = task.image;
            let cell = Cell { scene: Scene::named(scene)?, robot: Robot::named(robot)?, image };
            let mut hand =
                ByHand::new(scene.clone(), robot.clone(), *offset, *task.clone(), *physics)?;
            app.insert_resource(Shown(Moment::at_rest(&cell.scene, &cell.robot, *offset)));
            if let Some(correction) = correction {
                hand.correction = *correction;
                hand.run(&cell, &mut playback);
            }
            app.insert_resource(hand);
            cell
        }
        Show::Replay { run, trial } => {
            let mut replay = Replay::open(run.clone(), *trial)?;
            let mut cell = replay.cell()?;
            replay.simulate(&cell, &mut playback, playing);
            if let Some(recording) = playback.recording() {
                cell.scene = recording.scene.clone();
            }
            app.insert_resource(Shown(replay.still(&cell)));
            ghosts.0 = replay.ghosts(&cell);
            app.insert_resource(replay);
            cell
        }
        Show::Real { robot, run } => {
            let robot = Robot::named(robot)?;
            let arm = RealArm::look(&robot, run.clone())?;
            let image = run.as_deref().map(image_size).transpose()?.unwrap_or_default();
            let cell = Cell { scene: Scene::named(arm.scene())?, robot, image };
            let nowhere = Pose2::IDENTITY;
            app.insert_resource(Shown(Moment::at_rest(&cell.scene, &cell.robot, nowhere)));
            app.insert_resource(arm);
            cell
        }
        Show::Live(training) => {
            let Training { experiment, method, seed, run, arguments } = training.as_ref();
            let robot = Robot::named(&experiment.robot)?;
            let image = experiment.task.image;
            let cell = Cell { scene: Scene::named(&experiment.scene)?, robot, image };
            let nowhere = Pose2::IDENTITY;
            app.insert_resource(Shown(Moment::at_rest(&cell.scene, &cell.robot, nowhere)));
            let who = (method.clone(), *seed);
            let live = Live::start(experiment.clone(), who, run.clone(), arguments)?;
            app.insert_resource(live);
            cell
        }
    };
    if !playing {
        playback.seek(f64::INFINITY);
        playback.playing = false;
    }
    app.insert_resource(playback);
    app.insert_resource(ghosts);
    Ok(cell)
}

fn plugins(target: Target) -> PluginGroupBuilder {
    let size = match target {
        Target::Window => Size::default(),
        Target::Image(size) | Target::Nowhere(size) => size,
    };
    let window = Window {
        title: "rmrl".into(),
        resolution: WindowResolution::new(size.width, size.height),
        ..default()
    };
    let open = target == Target::Window;
    let plugins = DefaultPlugins.set(WindowPlugin {
        primary_window: open.then_some(window),
        exit_condition: if open { ExitCondition::OnPrimaryClosed } else { ExitCondition::DontExit },
        ..default()
    });
    let mut settings = WgpuSettings::default();
    if matches!(target, Target::Nowhere(_)) {
        settings.backends = None;
    }
    let plugins = plugins.set(RenderPlugin {
        render_creation: RenderCreation::Automatic(Box::new(settings)),
        // A picture must not miss what is still being compiled.
        synchronous_pipeline_compilation: !open,
        ..default()
    });
    // Without a window Ctrl-C ends the process as usual: nothing would ask bevy's flag.
    let bare =
        |p: PluginGroupBuilder| p.disable::<WinitPlugin>().disable::<TerminalCtrlCHandlerPlugin>();
    if open { plugins } else { bare(plugins) }
}

/// An image to draw into.
fn canvas(app: &mut App, size: Size) -> Canvas {
    let mut image =
        Image::new_target_texture(size.width, size.height, TextureFormat::Rgba8UnormSrgb, None);
    image.texture_descriptor.usage |= TextureUsages::COPY_SRC;
    image.sampler = ImageSampler::nearest();
    let handle = app.world_mut().resource_mut::<Assets<Image>>().add(image);
    let target = bevy::camera::ImageRenderTarget { handle, scale_factor: size.density };
    Canvas(RenderTarget::Image(target))
}

fn dress_once(mut contexts: EguiContexts) -> Result {
    panels::dress(contexts.ctx_mut()?);
    Ok(())
}

/// One camera for the cell, one over it for the panels.
fn cameras(
    mut commands: Commands,
    orbit: Res<Orbit>,
    canvas: Option<Res<Canvas>>,
    adapter: Option<Res<RenderAdapterInfo>>,
) {
    // The soft filter costs a software driver a third of its frame.
    let soft = adapter.is_some_and(|adapter| adapter.device_type != DeviceType::Cpu);
    let filter =
        if soft { ShadowFilteringMethod::Gaussian } else { ShadowFilteringMethod::Hardware2x2 };
    let target = canvas.map_or_else(RenderTarget::default, |canvas| canvas.0.clone());
    commands.spawn((
        MainCamera,
        Camera3d::default(),
        Projection::Perspective(PerspectiveProjection { near: 0.01, far: 20.0, ..default() }),
        Tonemapping::AcesFitted,
        Msaa::Sample4,
        filter,
        orbit.transform(),
        target.clone(),
    ));
    commands.spawn((
        PrimaryEguiContext,
        Camera2d,
        Camera { order: 10, clear_color: ClearColorConfig::None, ..default() },
        RenderLayers::none(),
        Msaa::Sample4,
        target,
    ));
}
