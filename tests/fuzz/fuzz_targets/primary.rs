//! The primary interface's packages, of which the driver reads the calibration.
#![no_main]

use libfuzzer_sys::fuzz_target;
use rmrl_fuzz::wire::primary::{KinematicsInfo, Packages};

fuzz_target!(|data: &[u8]| {
    let Some((&cut, bytes)) = data.split_first() else { return };
    let mut packages = Packages::default();
    for part in bytes.chunks(usize::from(cut).max(1)) {
        packages.push(part);
        while let Ok(Some(package)) = packages.next_package() {
            if let Ok(Some(info)) = KinematicsInfo::find(&package) {
                let _ = info.encode();
            }
        }
    }
});
