//! Windows that can, and cannot, be opened. Needs Xvfb, and a Vulkan driver as all drawing does.
#![cfg(all(feature = "viewer", target_os = "linux"))]

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// An X server without a screen.
struct XServer {
    server: Child,
    display: String,
}

impl XServer {
    fn start(arguments: &[&str]) -> Self {
        let mut server = Command::new("Xvfb")
            .args(["-displayfd", "1", "-nolisten", "tcp", "-screen", "0", "640x480x24"])
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("these tests need Xvfb: apt install xvfb");
        let mut number = String::new();
        BufReader::new(server.stdout.take().unwrap()).read_line(&mut number).unwrap();
        Self { server, display: format!(":{}", number.trim()) }
    }

    fn view(&self) -> Command {
        // Tests that run in the background of a shell, or behind nohup, hand on that these are ignored; where one is,
        // nobody listens to the others either.
        let mut view = Command::new("env");
        view.args(["--default-signal=INT,HUP", env!("CARGO_BIN_EXE_rmrl"), "view"]);
        view.env("DISPLAY", &self.display).env_remove("WAYLAND_DISPLAY");
        view.stderr(Stdio::piped());
        view
    }
}

impl Drop for XServer {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

/// Waits until it listens to Ctrl-C, which it does once it is built, then presses that.
fn interrupt(view: &mut Child) {
    let began = Instant::now();
    while view.try_wait().unwrap().is_none() && !catches_interrupts(view.id()) {
        assert!(began.elapsed() < Duration::from_secs(120), "no window");
        std::thread::sleep(Duration::from_millis(50));
    }
    // Some frames of a window.
    std::thread::sleep(Duration::from_secs(2));
    Command::new("kill").args(["-INT", &view.id().to_string()]).status().unwrap();
}

fn catches_interrupts(process: u32) -> bool {
    let status =
        std::fs::read_to_string(Path::new("/proc").join(process.to_string()).join("status"));
    let status = status.unwrap_or_default();
    let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap_or("0");
    // SIGINT is number 2.
    u64::from_str_radix(caught.trim(), 16).is_ok_and(|set| set & 0b10 != 0)
}

#[test]
fn a_silent_wayland_is_not_waited_for_while_x_answers_and_ctrl_c_ends_it() {
    let server = XServer::start(&[]);
    let mut view =
        server.view().env("WAYLAND_DISPLAY", "nope").env("WAYLAND_SOCKET", "71").spawn().unwrap();
    interrupt(&mut view);
    let ended = view.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&ended.stderr);
    assert_eq!(ended.status.code(), Some(130), "{said}");
}

#[test]
fn a_display_that_does_not_let_us_in_is_one_line() {
    let dir = tempfile::tempdir().unwrap();
    let cookies = dir.path().join("cookies");
    // Family (any), address, display, name, cookie: each with its length.
    let field = |bytes: &[u8]| [&(bytes.len() as u16).to_be_bytes()[..], bytes].concat();
    let cookie =
        [vec![255, 255], field(b""), field(b""), field(b"MIT-MAGIC-COOKIE-1"), field(&[7; 16])];
    std::fs::write(&cookies, cookie.concat()).unwrap();
    let server = XServer::start(&["-auth", cookies.to_str().unwrap()]);
    let refused = server.view().env("XAUTHORITY", "/dev/null").output().unwrap();
    let said = String::from_utf8_lossy(&refused.stderr);
    assert_eq!(refused.status.code(), Some(1), "{said}");
    // Libxcb has a word of its own before.
    let ours: Vec<&str> = said.lines().filter(|line| line.starts_with("rmrl: ")).collect();
    assert_eq!(ours.len(), 1, "{said}");
    assert!(ours[0].contains("no display") && ours[0].contains("XAUTHORITY"), "{said}");
    assert!(!said.contains("panicked"), "{said}");
}
