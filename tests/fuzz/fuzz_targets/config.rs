//! The files that people write: robots and scenes. The first byte says which.
#![no_main]

use libfuzzer_sys::fuzz_target;
use rmrl::config::{Robot, Scene};

fuzz_target!(|data: &[u8]| {
    let Some((kind, text)) = data.split_first() else { return };
    let text = String::from_utf8_lossy(text);
    if kind % 2 == 0 {
        let _ = Robot::parse("fuzz.toml", &text);
    } else {
        let _ = Scene::parse("fuzz.toml", &text);
    }
});
