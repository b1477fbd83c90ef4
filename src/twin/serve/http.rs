//! Eyes and control over HTTP: our own. What `GET /view`, `/pick` and `/placement` tell stands in for cameras.
//!
//! | request | answer |
//! |---|---|
//! | `GET /view` | the pick place as a binary PGM image of 64 x 64 grey pixels; `?px=32&mm=160` asks for another size |
//! | `GET /view/target` | the target, likewise |
//! | `GET /camera/pick.jpg`, `.png`, `.mjpg` | a camera's frame, or its stream: see `camera.rs` |
//! | `GET /camera/place.jpg`, … | the same of the camera over the target |
//! | `GET /pick` | `{"found":true,"x_mm":…,"y_mm":…,"yaw_deg":…}`: the plate's offset there |
//! | `GET /placement` | the same on the target, with `z_mm`, `tilt_deg` and `seated` |
//! | `GET /truth` | the plate as the simulator knows it: for tests and reports, not for a driver |
//! | `GET /status` | robot time, modes, joints, what has happened |
//! | `POST /fault` | a fault as text, `protective-stop@1.5`: see [`FaultSpec`] |
//! | `POST /person` | what a person does: see below |
//!
//! Eyes answer `{"found":false}` where they do not find the plate. [`VERBS`](crate::twin::VERBS) is what a
//! person can do.

use std::net::TcpListener;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use tiny_http::{Header, Method, Request, Response, Server};

use super::camera::CameraPages;
use crate::config::Frame;
use crate::config::validate_image;
use crate::input::Check;
use crate::task::{Image, ImageSize};
use crate::task::{Placement, Pose2};
use crate::twin::cameras::Over;
use crate::twin::controller::Controller;
use crate::twin::eyes::TwinEyes;
use crate::twin::faults::FaultSpec;
use crate::twin::link::Link;

/// Longest body that is taken, bytes: up to there tiny_http has read it, on the connection's own
/// thread, before the request comes here, so that nobody here waits for a client that stalls.
const LONGEST: usize = 1024;
/// How soon it notices that the twin stops.
const PATIENCE: Duration = Duration::from_millis(100);

/// An answer: status, type, body.
type Answer = (u16, &'static str, Vec<u8>);

pub fn serve(listener: TcpListener, link: &Link, pages: &CameraPages, stop: &AtomicBool) {
    let Ok(server) = Server::from_listener(listener, None) else { return };
    while !stop.load(Ordering::Relaxed) {
        let Ok(Some(request)) = server.recv_timeout(PATIENCE) else { continue };
        if !is_whole(&request) {
            // Dropping it reads what is left of it, which may take for ever.
            std::thread::spawn(|| request.respond(Response::empty(413)));
            continue;
        }
        let camera = *request.method() == Method::Get && request.url().starts_with("/camera/");
        let unserved = if camera { pages.serve(request) } else { Some(request) };
        let Some(mut request) = unserved else { continue };
        let Some((status, kind, body)) = answer(&mut request, link, pages) else { return };
        let mut response = Response::from_data(body).with_status_code(status);
        if let Ok(header) = Header::from_bytes("Content-Type", kind) {
            response.add_header(header);
        }
        // Whoever asked may be gone.
        let _ = request.respond(response);
    }
}

/// `None` once the controller has ended.
fn answer(request: &mut Request, link: &Link, pages: &CameraPages) -> Option<Answer> {
    let path = request.url().split('?').next().unwrap_or("").to_owned();
    match (request.method(), path.as_str()) {
        (Method::Get, "/view" | "/view/target") => {
            let size = match asked(request.url()) {
                Ok(size) => size,
                Err(why) => return Some(refused(&why)),
            };
            let target = path == "/view/target";
            let image = link.ask(move |c| {
                c.eyes.resize(size);
                let look = if target { TwinEyes::view_target } else { TwinEyes::view };
                look(&mut c.eyes, &c.body.table)
            })?;
            Some((200, "image/x-portable-graymap", pgm(&image)))
        }
        (Method::Get, "/pick") => link.ask(|c| json_of(&pick(c))),
        (Method::Get, "/placement") => link.ask(|c| json_of(&placement(c))),
        (Method::Get, "/truth") => {
            let mut told = link.ask(truth)?;
            told["cameras"] = cameras(pages);
            Some(json_of(&told))
        }
        (Method::Get, "/status") => link.ask(|c| json_of(&status(c))),
        (Method::Post, "/fault") => match body(request).parse::<FaultSpec>() {
            Ok(spec) => link.ask(move |c| {
                c.plan(spec);
                json_of(&json!({ "at_s": c.now() + spec.after }))
            }),
            Err(bad) => Some(refused(&bad.to_string())),
        },
        (Method::Post, "/person") => {
            let text = body(request);
            match link.ask(move |c| c.person(&text))? {
                Ok(()) => Some(json_of(&json!({}))),
                Err(why) => Some(refused(&why)),
            }
        }
        _ => Some((404, "text/plain", b"see the documentation of rmrl::twin\n".to_vec())),
    }
}

/// The size of image that is asked for: `?px=32&mm=160`, each the usual one unless given.
fn asked(url: &str) -> Result<ImageSize, String> {
    let mut size = ImageSize::default();
    let query = url.split_once('?').map_or("", |(_, query)| query);
    for part in query.split('&').filter(|part| !part.is_empty()) {
        let (key, value) = part.split_once('=').unwrap_or((part, ""));
        let bad = |valid| format!("{key}={value}: {valid}");
        match key {
            "px" => size.px = value.parse().map_err(|_| bad("must be a number of pixels"))?,
            "mm" => size.mm = value.parse().map_err(|_| bad("must be a number of millimetres"))?,
            _ => return Err(bad("valid keys are px and mm")),
        }
    }
    let check = Check { file: "/view" };
    validate_image(&check, size).map_err(|error| error.to_string())?;
    Ok(size)
}

/// Has all of the request come?
fn is_whole(request: &Request) -> bool {
    let said = |name: &'static str| request.headers().iter().any(|h| h.field.equiv(name));
    // A connection that is to become another one never ends.
    let upgrades = |h: &Header| h.value.as_str().to_ascii_lowercase().contains("upgrade");
    let turns = request.headers().iter().any(|h| h.field.equiv("Connection") && upgrades(h));
    let waits = said("Transfer-Encoding") || said("Expect") || turns;
    !waits && request.body_length().unwrap_or(0) <= LONGEST
}

fn body(request: &mut Request) -> String {
    let mut text = String::new();
    // What is no text is no valid fault.
    let mut short = std::io::Read::take(request.as_reader(), LONGEST as u64);
    let _ = std::io::Read::read_to_string(&mut short, &mut text);
    text.trim().to_owned()
}

fn json_of(value: &Value) -> Answer {
    (200, "application/json", value.to_string().into_bytes())
}

fn refused(why: &str) -> Answer {
    (400, "application/json", json!({ "error": why }).to_string().into_bytes())
}

fn pgm(image: &Image) -> Vec<u8> {
    let mut bytes = format!("P5\n{0} {0}\n255\n", image.size().px).into_bytes();
    bytes.extend(image.pixels());
    bytes
}

fn pose_of(pose: Pose2) -> Value {
    json!({ "found": true, "x_mm": pose.x_mm, "y_mm": pose.y_mm, "yaw_deg": pose.yaw_deg })
}

fn placement_of(placement: &Placement, seated: bool) -> Value {
    let mut value = pose_of(placement.pose);
    value["z_mm"] = json!(placement.z_mm);
    value["tilt_deg"] = json!(placement.tilt_deg);
    value["seated"] = json!(seated);
    value
}

fn pick(controller: &mut Controller) -> Value {
    let found = controller.eyes.pick(&controller.body.table);
    found.map_or(json!({ "found": false }), pose_of)
}

fn placement(controller: &mut Controller) -> Value {
    let found = controller.eyes.placement(&controller.body.table);
    found.map_or(json!({ "found": false }), |m| placement_of(&m.placement, m.seated))
}

fn truth(controller: &mut Controller) -> Value {
    let body = &controller.body;
    let tool = body.world_from_hand();
    let table = &body.table;
    let seat = &table.scene().seat;
    json!({
        "offset": table.offset().map(pose_of),
        "placement": table.placement().map(|p| placement_of(&p, seat.holds(&p))),
        "world_from_tool_m": tool.translation.vector.as_slice(),
        "opening_mm": table.opening() * 1e3,
        "physics_steps": table.steps(),
    })
}

/// What no file tells of the cameras.
fn cameras(pages: &CameraPages) -> Value {
    let camera = |over| {
        let (lens, world_from_camera) = pages.truth(over);
        let Frame { xyz_mm, rpy_deg } = Frame::from_isometry(&world_from_camera);
        let at = json!({ "xyz_mm": xyz_mm, "rpy_deg": rpy_deg });
        json!({ "lens": lens, "world_from_camera": at })
    };
    json!({ "pick": camera(Over::Pick), "place": camera(Over::Place) })
}

fn status(controller: &mut Controller) -> Value {
    let tool = Frame::from_isometry(&controller.body.world_from_believed_tool());
    let snapshot = controller.snapshot();
    let events: Vec<_> =
        controller.events().map(|e| json!({ "at_s": e.at, "what": e.what })).collect();
    json!({
        "time_s": controller.now(),
        "robot_mode": controller.modes.robot().word(),
        "safety_mode": controller.modes.safety().word(),
        "runtime_state": controller.runtime.word(),
        "remote_control": controller.modes.remote_control,
        "program": controller.program.as_ref().map(|p| p.name()),
        "actual_q": snapshot.actual_q,
        "actual_tcp_pose": snapshot.actual_pose,
        "world_from_tool": { "xyz_mm": tool.xyz_mm, "rpy_deg": tool.rpy_deg },
        "moving": controller.body.is_moving(),
        "late_cycles": controller.late.cycles,
        "latest_ms": controller.late.worst * 1e3,
        "slips": controller.late.slips,
        "lost_packages": controller.lost_packages(),
        "events": events,
    })
}
