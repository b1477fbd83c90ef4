//! The ports that take programs: whole `def … end` blocks or single lines.

use std::io::{Read, Write};
use std::net::TcpStream;

use crate::twin::link::Link;
use crate::twin::script::{first_program, limits};

/// Tells the arm's calibration first, as the primary interface does when it is connected to.
pub fn serve_primary(mut stream: TcpStream, link: &Link, id: u64) {
    let Some(info) = link.ask(|controller| *controller.calibration()) else { return };
    if stream.write_all(&info.encode()).is_ok() {
        serve(stream, link, id);
    }
}

pub fn serve(mut stream: TcpStream, link: &Link, _: u64) {
    let mut received = Vec::new();
    let mut chunk = [0; 4096];
    while let Ok(count @ 1..) = stream.read(&mut chunk) {
        received.extend_from_slice(&chunk[..count]);
        // Nothing ends within a line.
        if !chunk[..count].contains(&b'\n') && received.len() <= limits::PROGRAM_BYTES {
            continue;
        }
        let mut text = String::from_utf8_lossy(&received).into_owned();
        while let Some(end) = first_program(&text) {
            let rest = text.split_off(end);
            let program = std::mem::replace(&mut text, rest);
            link.tell(move |controller| controller.upload(&program));
        }
        received = text.into_bytes();
    }
}
