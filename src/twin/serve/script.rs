//! The ports that take programs, whole `def … end` blocks or single lines, and tell the state
//! meanwhile.

use std::io::{ErrorKind, Read};
use std::net::TcpStream;

use super::writer::Writing;
use crate::twin::link::Link;
use crate::twin::script::{first_program, limits};
use crate::twin::watchers::Told;

pub fn serve_primary(stream: TcpStream, link: &Link, id: u64) {
    serve(stream, link, id, Told::Primary);
}

pub fn serve_secondary(stream: TcpStream, link: &Link, id: u64) {
    serve(stream, link, id, Told::Secondary);
}

pub fn serve_real_time(stream: TcpStream, link: &Link, id: u64) {
    serve(stream, link, id, Told::RealTime);
}

fn serve(mut stream: TcpStream, link: &Link, id: u64, told: Told) {
    let Some(writing) = Writing::start(&stream, "states", id) else { return };
    let outbox = writing.outbox();
    link.tell(move |controller| controller.connect_watcher(id, told, outbox));
    let mut received = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        let count = match stream.read(&mut chunk) {
            Ok(count @ 1..) => count,
            // Who only watches need not say anything.
            Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => continue,
            Ok(0) | Err(_) => break,
        };
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
    link.tell(move |controller| controller.disconnect(id));
    writing.end(&stream);
}
