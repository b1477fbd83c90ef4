//! Robot states and real-time packets, as a client of 30001 to 30003 reads them.
#![no_main]

use libfuzzer_sys::fuzz_target;
use rmrl_fuzz::wire::primary::{Package, Packages};
use rmrl_fuzz::wire::realtime::RealTime;
use rmrl_fuzz::wire::robot_state::{Configuration, Layout, RobotState};

fuzz_target!(|data: &[u8]| {
    if let Ok(Some(packet)) = RealTime::first(data) {
        // Bits, because not every double equals itself.
        assert_eq!(packet.encode(), data[..rmrl_fuzz::wire::realtime::SIZE]);
    }
    let mut packages = Packages::default();
    packages.push(data);
    while let Ok(Some(package)) = packages.next_package() {
        state(&package);
    }
    state(&Package { kind: 16, payload: data.to_vec() });
});

/// What was read is written, and reads as the same again.
fn state(package: &Package) {
    let _ = Configuration::find(package);
    let Ok(Some(state)) = RobotState::find(package) else { return };
    let bytes = state.encode(Layout::V5, None);
    let mut packages = Packages::default();
    packages.push(&bytes);
    let again = packages.next_package().unwrap().unwrap();
    let again = RobotState::find(&again).unwrap().unwrap();
    assert_eq!(again.encode(Layout::V5, None), bytes);
}
