use std::path::Path;

use super::{Camera, CameraError, Folder, Mjpeg, Snapshot};
use crate::config::EyesKind;

/// The camera of this kind behind an address; a folder's is relative to `beside`. Nothing is asked of it yet.
pub fn open(kind: EyesKind, address: &str, beside: &Path) -> Result<Box<dyn Camera>, CameraError> {
    let unreachable =
        |why: &str| CameraError::Unreachable { at: address.to_owned(), why: why.to_owned() };
    match kind {
        EyesKind::Snapshot => Ok(Box::new(Snapshot::new(address))),
        EyesKind::Mjpeg => match Mjpeg::new(address) {
            Some(camera) => Ok(Box::new(camera)),
            None => Err(unreachable("is no address such as http://192.168.0.9:81/stream")),
        },
        EyesKind::Folder => Ok(Box::new(Folder::open(&beside.join(address))?)),
        #[cfg(all(feature = "usb", target_os = "linux"))]
        EyesKind::Usb => Ok(Box::new(super::Usb::new(Path::new(address))?)),
        #[cfg(not(all(feature = "usb", target_os = "linux")))]
        EyesKind::Usb => Err(unreachable(
            "this rmrl was built without cameras of the computer: on Linux, build it with --features usb",
        )),
        EyesKind::Answers => Err(unreachable("a program that answers is no camera")),
    }
}
