//! Dashboard lines, as a server and as a client read them.
#![no_main]

use libfuzzer_sys::fuzz_target;
use rmrl_fuzz::wire::dashboard::{
    Request, parse_bool, parse_robot_mode, parse_safety_status, parse_version,
};
use rmrl_fuzz::wire::Lines;

fuzz_target!(|data: &[u8]| {
    let mut lines = Lines::default();
    for part in data.chunks(7) {
        lines.push(part);
        while let Ok(Some(line)) = lines.next_line() {
            if let Some(request) = Request::parse(&line) {
                assert_eq!(Request::parse(&request.line()), Some(request));
            }
            let _ = (parse_robot_mode(&line), parse_safety_status(&line));
            let _ = (parse_bool(&line), parse_version(&line));
        }
    }
});
