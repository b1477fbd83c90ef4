//! RTDE bytes as they come off a socket: whole, or cut after the first byte's number of bytes.
#![no_main]

use libfuzzer_sys::fuzz_target;
use rmrl_fuzz::wire::WireError;
use rmrl_fuzz::wire::rtde::{Frame, Frames, Kind, Recipe, ToClient, ToController};

fuzz_target!(|data: &[u8]| {
    let Some((&cut, bytes)) = data.split_first() else { return };
    let mut frames = Frames::default();
    for part in bytes.chunks(usize::from(cut).max(1)) {
        frames.push(part);
        while let Ok(Some(frame)) = frames.next_frame() {
            if let Ok(message) = ToController::decode(&frame) {
                reads_back(message.encode(), |f| ToController::decode(f)?.encode());
            }
            if let Ok(message) = ToClient::decode(&frame) {
                reads_back(message.encode(), |f| ToClient::decode(f)?.encode());
            }
        }
    }
    let recipe = Recipe::new(vec![Kind::Double, Kind::Vector6, Kind::Int32, Kind::Bool]);
    let _ = recipe.unpack(bytes);
});

/// What is written reads as the same message: it is written alike again.
fn reads_back(
    written: Result<Vec<u8>, WireError>,
    again: impl Fn(&Frame) -> Result<Vec<u8>, WireError>,
) {
    let Ok(bytes) = written else { return };
    let mut frames = Frames::default();
    frames.push(&bytes);
    let frame = frames.next_frame().unwrap().unwrap();
    assert_eq!(again(&frame).unwrap(), bytes);
}
