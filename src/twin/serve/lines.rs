//! A service in which a line asks and a line answers.

use std::io::{Read, Write};
use std::net::TcpStream;

use crate::wire::Lines;

/// Answers line by line until the client goes, or `answer` gives none or says that it is the last.
pub fn serve(
    mut stream: &TcpStream,
    banner: Option<&str>,
    mut answer: impl FnMut(&str) -> Option<(String, bool)>,
) {
    let mut write = |line: &str| stream.write_all(format!("{line}\n").as_bytes());
    if let Some(banner) = banner
        && write(banner).is_err()
    {
        return;
    }
    let mut lines = Lines::default();
    let mut chunk = [0; 1024];
    loop {
        let count = match stream.read(&mut chunk) {
            Ok(0) | Err(_) => return,
            Ok(count) => count,
        };
        lines.push(&chunk[..count]);
        loop {
            let line = match lines.next_line() {
                Ok(Some(line)) => line,
                Ok(None) => break,
                Err(_) => return,
            };
            let Some((reply, last)) = answer(&line) else { return };
            if stream.write_all(format!("{reply}\n").as_bytes()).is_err() || last {
                return;
            }
        }
    }
}
