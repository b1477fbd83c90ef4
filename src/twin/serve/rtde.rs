//! One RTDE connection: a thread that reads, a thread that writes.

use std::io::{ErrorKind, Read};
use std::net::TcpStream;

use super::writer::Writing;
use crate::twin::link::Link;
use crate::wire::rtde::Frames;

pub fn serve(mut stream: TcpStream, link: &Link, id: u64) {
    let Some(writing) = Writing::start(&stream, "rtde", id) else { return };
    let outbox = writing.outbox();
    link.tell(move |controller| controller.connect(id, outbox));

    let mut frames = Frames::default();
    let mut chunk = [0; 4096];
    'reading: loop {
        let count = match stream.read(&mut chunk) {
            Ok(count @ 1..) => count,
            Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => continue,
            Ok(0) | Err(_) => break,
        };
        frames.push(&chunk[..count]);
        loop {
            match frames.next_frame() {
                Ok(Some(frame)) => {
                    if !link.tell(move |controller| controller.receive(id, &frame)) {
                        break 'reading;
                    }
                }
                Ok(None) => break,
                // Sizes that no package can have: nothing after that can be understood.
                Err(_) => break 'reading,
            }
        }
    }
    link.tell(move |controller| controller.disconnect(id));
    writing.end(&stream);
}
