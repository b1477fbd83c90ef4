//! MuJoCo places the plate where rmrl does. Needs Python: `pip install mujoco numpy`, then
//! `RMRL_PYTHON=python3 cargo test --release --test another_engine -- --ignored --nocapture`.

use std::path::Path;
use std::process::Command;

#[test]
#[ignore = "needs Python with mujoco and numpy"]
fn mujoco_places_the_plate_where_rmrl_does() {
    let python = std::env::var("RMRL_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/peers/mujoco_trials.py");
    let status = Command::new(python)
        .arg("-B")
        .arg(script)
        .args(["--rmrl", env!("CARGO_BIN_EXE_rmrl"), "--trials", "200"])
        .status()
        .unwrap();
    assert!(status.success());
}
