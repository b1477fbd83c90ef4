//! A training that is watched is the same training, whatever becomes of who watches.
#![cfg(feature = "viewer")]

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rmrl::config::{Robot, Scene};
use rmrl::lab::Experiment;
use rmrl::lab::run_path;
use rmrl::store::{TrialRow, TrialStore};
use rmrl::task::{Instances, Phase, Pose2, Streams};
use rmrl::viewer::Recording;
use rmrl::viewer::live::{Met, Order, Which};

const TRIALS: &str = "40";

/// The viewer's end of a training that runs in a process of its own.
struct Watched {
    training: Child,
    orders: TcpStream,
    lines: BufReader<TcpStream>,
}

impl Watched {
    fn start(out: &Path) -> Self {
        Self::of(["smoke", "rm-rl", "3"], out)
    }

    fn of([experiment, method, seed]: [&str; 3], out: &Path) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port().to_string();
        let training = rmrl()
            .args(["view", "--experiment", experiment, "--method", method, "--seed", seed])
            .args(["--trials", TRIALS, "--feed", &port, "--out"])
            .arg(out)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let (orders, _) = listener.accept().unwrap();
        orders.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let lines = BufReader::new(orders.try_clone().unwrap());
        Self { training, orders, lines }
    }

    fn tell(&mut self, order: Order) {
        self.orders.write_all(order.line().as_bytes()).unwrap();
    }

    /// The next moment.
    fn listen(&mut self) -> serde_json::Value {
        let mut line = String::new();
        assert!(self.lines.read_line(&mut line).unwrap() > 0, "the training hung up");
        serde_json::from_str(&line).unwrap()
    }

    /// The next moment: its scene and its time.
    fn hear(&mut self) -> (String, f64) {
        let value = self.listen();
        (value["scene"].as_str().unwrap().to_owned(), value["seconds"].as_f64().unwrap())
    }
}

#[test]
fn a_training_whose_viewer_dies_ends_as_if_nobody_had_looked() {
    let dir = tempfile::tempdir().unwrap();
    let (watched, alone) = (dir.path().join("watched"), dir.path().join("alone"));
    let mut live = Watched::start(&watched);
    assert_eq!(live.hear().0, "open");
    live.tell(Order::Pace(Some(5.0)));
    live.hear();
    let Watched { mut training, orders, lines } = live;
    // As when the viewer crashes: nobody says good-bye.
    drop((orders, lines));
    assert_eq!(training.wait().unwrap().code(), Some(0));

    let made = train(&alone, &[]);
    assert_eq!(made, Some(0));
    assert_eq!(trials(&watched), trials(&alone));
}

#[test]
fn a_paused_training_makes_one_physics_step_at_a_time() {
    let dir = tempfile::tempdir().unwrap();
    let mut live = Watched::start(&dir.path().join("run"));
    live.hear();
    live.tell(Order::Pause(true));
    // What was on its way when it paused comes first; then nothing but what is asked for.
    live.orders.set_read_timeout(Some(Duration::from_millis(700))).unwrap();
    let mut line = String::new();
    while live.lines.read_line(&mut line).is_ok() {
        line.clear();
    }
    live.orders.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    live.tell(Order::Step);
    let (_, first) = live.hear();
    live.tell(Order::Step);
    let (_, second) = live.hear();
    let step_ms = (second - first) * 1e3;
    assert!((step_ms - 2.0).abs() < 1e-6, "from {first} to {second} s");
    live.training.kill().unwrap();
    live.training.wait().unwrap();
}

#[test]
fn what_is_drawn_live_of_a_dirty_cell_is_the_cell_that_the_trial_met() {
    let dir = tempfile::tempdir().unwrap();
    let mut live = Watched::of(["randomised", "no-correction", "1"], dir.path());
    live.tell(Order::Pace(Some(20.0)));
    let mut heard: Vec<Met> = Vec::new();
    while heard.len() < 3 {
        let met = serde_json::from_value(live.listen()["met"].clone()).unwrap();
        if !heard.contains(&met) {
            heard.push(met);
        }
    }
    live.tell(Order::Stop);
    live.training.wait().unwrap();

    let experiment = Experiment::open("randomised", &[]).unwrap();
    let (scene, robot) = (Scene::named("open").unwrap(), Robot::named("gantry").unwrap());
    let store = TrialStore::read(&run_path(dir.path(), "no-correction", 1)).unwrap();
    let instances = Instances::draw(&experiment.task, Streams::new(1));
    // It is judged once before it trains.
    let mut rows: Vec<_> = (0..).zip(store.trials(Phase::Train, 0).unwrap()).collect();
    for phase in [Phase::InScene, Phase::HeldOut] {
        rows.extend(store.trials(phase, 0).unwrap().into_iter().map(|row| (0, row)));
    }
    let mets: Vec<_> = rows
        .into_iter()
        .map(|(made, row)| {
            let setup = instances.setup(row.intent.key, made);
            let (task, physics) = (&experiment.task, experiment.physics);
            let trial = Recording::make((&scene, &robot), task, physics, &setup, Pose2::IDENTITY);
            Met::of(&trial.unwrap().scene)
        })
        .collect();
    let nominal = Met::of(&scene);
    for met in heard {
        assert!(mets.contains(&met) && met != nominal, "{met:?} is none of {}", mets.len());
    }
}

#[test]
fn a_training_stopped_from_the_viewer_is_resumed_to_the_same_bits() {
    let dir = tempfile::tempdir().unwrap();
    let (stopped, alone) = (dir.path().join("stopped"), dir.path().join("alone"));
    let mut live = Watched::start(&stopped);
    live.hear();
    live.tell(Order::Stop);
    assert_eq!(live.training.wait().unwrap().code(), Some(130));
    assert_eq!(train(&stopped, &["--resume"]), Some(0));
    assert_eq!(train(&alone, &[]), Some(0));
    assert_eq!(trials(&stopped), trials(&alone));
}

#[test]
fn a_training_that_cannot_begin_says_so_before_any_window() {
    let made = rmrl()
        .args(["view", "--experiment", "smoke", "--method", "no-such-method"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&made.stderr);
    assert_eq!(made.status.code(), Some(2), "{said}");
    assert!(said.contains("rm-rl"), "{said}");

    // The folder of a run that is complete, and of one that is not this one.
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(train(dir.path(), &[]), Some(0));
    let again = |trials: &str| {
        // Without a display it would say so first, and with one a window would open.
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        listener.set_nonblocking(true).unwrap();
        let port = listener.local_addr().unwrap().port().to_string();
        let made = rmrl()
            .args(["view", "--experiment", "smoke", "--method", "rm-rl", "--seed", "3"])
            .args(["--trials", trials, "--feed", &port, "--out"])
            .arg(dir.path())
            .output()
            .unwrap();
        assert!(listener.accept().is_err(), "the viewer was told to open its window");
        (made.status.code(), String::from_utf8_lossy(&made.stderr).into_owned())
    };
    let (code, said) = again(TRIALS);
    assert_eq!(code, Some(0));
    assert!(said.contains("complete already"), "{said}");
    assert_eq!(again("20").0, Some(2));
}

#[test]
fn a_training_that_runs_freely_pauses_too() {
    let dir = tempfile::tempdir().unwrap();
    let mut live = Watched::start(dir.path());
    live.hear();
    live.tell(Order::Pace(None));
    live.tell(Order::Pause(true));
    let made = || {
        let store = TrialStore::read(&run_path(dir.path(), "rm-rl", 3)).unwrap();
        store.done(0).unwrap().iter().map(|(_, count, _)| count).sum::<u64>()
    };
    std::thread::sleep(Duration::from_secs(2));
    let before = made();
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!(made(), before, "trials are made during the pause");
    assert!(live.training.try_wait().unwrap().is_none(), "it came to its end instead");
    live.tell(Order::Pause(false));
    assert_eq!(live.training.wait().unwrap().code(), Some(0));
}

#[test]
fn a_moment_says_which_trial_it_belongs_to() {
    let dir = tempfile::tempdir().unwrap();
    let mut live = Watched::start(dir.path());
    let trial: Which = serde_json::from_value(live.listen()["trial"].clone()).unwrap();
    assert_eq!((trial.phase, trial.checkpoint), (Phase::InScene, 0));
    live.tell(Order::Stop);
    live.training.wait().unwrap();
}

fn train(out: &Path, more: &[&str]) -> Option<i32> {
    let mut command = rmrl();
    command.args(["train", "smoke", "--method", "rm-rl", "--seed", "3", "--trials", TRIALS]);
    command.args(more).arg("--out").arg(out).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().unwrap().code()
}

fn trials(folder: &Path) -> Vec<TrialRow> {
    let store = TrialStore::read(&run_path(folder, "rm-rl", 3)).unwrap();
    let mut rows = store.trials(Phase::Train, 0).unwrap();
    for checkpoint in store.checkpoints().unwrap() {
        rows.extend(store.trials(Phase::InScene, checkpoint).unwrap());
    }
    rows.extend(store.trials(Phase::Shelf, 40).unwrap());
    assert!(rows.len() > 40 && rows.iter().all(|row| row.result.is_some()));
    rows
}

fn rmrl() -> Command {
    Command::new(env!("CARGO_BIN_EXE_rmrl"))
}
