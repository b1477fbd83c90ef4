//! Gripper lines, as a server and as a client read them.
#![no_main]

use libfuzzer_sys::fuzz_target;
use rmrl_fuzz::wire::gripper::{Reply, Request};
use rmrl_fuzz::wire::Lines;

fuzz_target!(|data: &[u8]| {
    let mut lines = Lines::default();
    for part in data.chunks(7) {
        lines.push(part);
        while let Ok(Some(line)) = lines.next_line() {
            if let Ok(request) = Request::parse(&line) {
                assert_eq!(Request::parse(&request.line()).ok(), Some(request));
            }
            if let Ok(reply) = Reply::parse(&line) {
                assert_eq!(Reply::parse(&reply.line()).ok(), Some(reply));
            }
        }
    }
});
