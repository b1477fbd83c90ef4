use rmrl::cell::*;
use rmrl::config::*;
use rmrl::sim::*;
use rmrl::task::*;
fn main() {
    let a: Vec<String> = std::env::args().collect();
    let scene = Scene::named(&a[1]).unwrap();
    let robot = Robot::named("gantry").unwrap();
    let p = |s: &str| {
        let v: Vec<f64> = s.split(',').map(|x| x.parse().unwrap()).collect();
        Pose2::new(v[0], v[1], v[2])
    };
    let n = Noise::NONE;
    let task = TaskSpec {
        range: Range { mm: 3.0, deg: 3.0 },
        bins: 7,
        scene_instances: 1,
        held_out_instances: 1,
        jitter: n,
        actuation: n,
        measurement: n,
        camera: 0.0,
        lighting: 0.0,
    };
    let dt: f64 = a[4].parse().unwrap();
    let mut cell = cell(
        &scene,
        &robot,
        &task,
        PhysicsSettings {
            dt_ms: dt,
            iterations: a[5].parse().unwrap(),
            skip_free: a.get(6).is_none(),
        },
    )
    .unwrap();
    let setup = Setup {
        streams: Streams::new(1),
        key: TrialKey { phase: Phase::Train, index: 0 },
        instance: 0,
        offset: p(&a[2]),
    };
    struct W(&'static str, u64);
    impl Watch for W {
        fn tick(&mut self, s: &Snapshot) -> std::ops::ControlFlow<()> {
            if s.segment != self.0 || std::env::var("V").is_ok() {
                self.0 = s.segment;
                let t = s.world_from_plate.unwrap().translation;
                eprintln!(
                    "{:8.3} {:10} tool {:.4} {:.4} open {:.3} plate {:.5} {:.5} {:.5}",
                    s.time.seconds,
                    s.segment,
                    s.world_from_tool.translation.x,
                    s.world_from_tool.translation.z,
                    s.opening * 1e3,
                    t.x,
                    t.y,
                    t.z
                );
            }
            std::ops::ControlFlow::Continue(())
        }
    }
    cell.prepare(&setup, &mut W("", 0)).unwrap();
    let r = cell.attempt(p(&a[3]), &mut W("", 0)).unwrap();
    println!("{r:#?} steps {}", cell.rig().steps());
    let t = std::time::Instant::now();
    let k = 200;
    for _ in 0..k {
        cell.prepare(&setup, &mut Unwatched).unwrap();
        cell.attempt(p(&a[3]), &mut Unwatched).unwrap();
    }
    println!("{:.0} trials/s", k as f64 / t.elapsed().as_secs_f64());
}
