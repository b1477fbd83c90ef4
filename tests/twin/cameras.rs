//! The twin's cameras, as a driver and the sensor meet them.

use std::io::{Read, Write};

use nalgebra::{Isometry3, Translation3, UnitQuaternion};
use rmrl::eyes::{Board, Finder, Frame, Lens, Limits, Sensor};
use rmrl::twin::{Ports, Twin};

use crate::client::{connect, http, json, post, twin, twin_with, wait_for};

/// A frame as PNG, decoded.
fn frame(ports: Ports, over: &str) -> Vec<u8> {
    let (status, bytes) = http(ports, "GET", &format!("/camera/{over}.png"), "");
    assert_eq!(status, 200, "{over}");
    let mut reader = png::Decoder::new(std::io::Cursor::new(bytes)).read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    reader.next_frame(&mut pixels).unwrap();
    assert_eq!(pixels.len(), 1280 * 960);
    pixels
}

fn with_lid() -> Twin {
    twin_with(10.0, |robot| robot.twin.as_mut().unwrap().lid = true)
}

/// What no file tells.
fn hidden(ports: Ports, over: &str) -> (Lens, Isometry3<f64>) {
    let camera = &json(ports, "/truth")["cameras"][over];
    let lens: Lens = serde_json::from_value(camera["lens"].clone()).unwrap();
    let three = |key: &str| -> [f64; 3] {
        serde_json::from_value(camera["world_from_camera"][key].clone()).unwrap()
    };
    let ([x, y, z], turn) = (three("xyz_mm").map(|mm| mm / 1e3), three("rpy_deg"));
    let [roll, pitch, yaw] = turn.map(f64::to_radians);
    let rotation = UnitQuaternion::from_euler_angles(roll, pitch, yaw);
    (lens, Isometry3::from_parts(Translation3::new(x, y, z), rotation))
}

fn put(ports: Ports, x: f64, y: f64, yaw: f64) {
    assert_eq!(post(ports, "/person", &format!("plate {x},{y},{yaw}")), 200);
    // It falls onto the riser by less than a tenth of a millimetre.
    std::thread::sleep(std::time::Duration::from_millis(150));
}

#[test]
fn a_sensor_that_was_taught_reads_where_the_plate_lies_from_frames_alone() {
    let twin = with_lid();
    let ports = twin.ports();
    let (lens, _) = hidden(ports, "pick");
    let (lid, beside) = (Board::lid(), Board::pick());
    let mut finder = Finder::new().unwrap();
    let mut seen =
        |ports| finder.find(&Frame::new(&frame(ports, "pick"), 1280).unwrap(), None, Some(&lens));
    put(ports, 0.0, 0.0, 0.0);
    let still = json(ports, "/truth")["offset"].clone();
    let frames: Vec<_> = (0..3).map(|_| seen(ports)).collect();
    let taught = Sensor::teach(&lens, &lid, Some(&beside), &frames).unwrap();
    let limits = Limits::default();
    let sensor = Sensor { lens, carried: lid, fixed: Some(beside), taught, limits };
    let at = |offset: &serde_json::Value, key: &str| offset[key].as_f64().unwrap();
    for (x, y, yaw) in [(3.0, -2.0, 2.5), (-8.0, 6.0, -9.0), (0.5, 0.5, 0.0)] {
        put(ports, x, y, yaw);
        let reading = sensor.read(&seen(ports)).unwrap().placement.pose;
        let truth = &json(ports, "/truth")["offset"];
        let off = [
            reading.x_mm - at(truth, "x_mm") + at(&still, "x_mm"),
            reading.y_mm - at(truth, "y_mm") + at(&still, "y_mm"),
            reading.yaw_deg - at(truth, "yaw_deg") + at(&still, "yaw_deg"),
        ];
        assert!(off[0].hypot(off[1]) < 0.15 && off[2].abs() < 0.1, "{x} {y} {yaw}: {off:?}");
    }
    // A camera that somebody pushed is known by the board beside the place.
    assert_eq!(post(ports, "/fault", "camera-moved=8+1000"), 200);
    wait_for("the push", || sensor.read(&seen(ports)).is_err());
}

#[test]
fn a_frame_has_a_number_a_time_and_a_noise_of_its_own() {
    let twin = with_lid();
    let head = |path: &str| {
        let mut stream = connect(twin.ports(), twin.ports().http);
        let request = format!("GET {path} HTTP/1.1\r\nHost: twin\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let end = answer.windows(4).position(|w| w == b"\r\n\r\n").unwrap();
        (String::from_utf8(answer[..end].to_vec()).unwrap(), answer[end + 4..].to_vec())
    };
    let number = |head: &str| -> u64 {
        let line = head.lines().find_map(|line| line.strip_prefix("X-Frame: ")).unwrap();
        line.parse().unwrap()
    };
    let (first, body) = head("/camera/place.jpg");
    assert!(first.contains("X-Timestamp: ") && first.contains("image/jpeg"), "{first}");
    assert!(body.starts_with(&[0xff, 0xd8]) && body.ends_with(&[0xff, 0xd9]));
    let (second, other) = head("/camera/place.jpg");
    assert!(number(&second) > number(&first) && body != other);
    assert_eq!(post(twin.ports(), "/fault", "camera-stale+1000"), 200);
    wait_for("a stale camera", || {
        number(&head("/camera/place.jpg").0) == number(&head("/camera/place.jpg").0)
    });
}

#[test]
fn each_camera_fault_shows_in_the_frames() {
    let twin = with_lid();
    let ports = twin.ports();
    let fault = |text: &str| assert_eq!(post(ports, "/fault", text), 200, "{text}");
    let mut finder = Finder::new().unwrap();
    let mut tags = |pixels: &[u8]| -> Vec<u32> {
        let seen = finder.find(&Frame::new(pixels, 1280).unwrap(), None, None);
        seen.iter().map(|tag| tag.id).collect()
    };
    let all: Vec<u32> = Board::lid().tags.iter().chain(&Board::pick().tags).map(|t| t.id).collect();
    assert_eq!(tags(&frame(ports, "pick")), all);
    fault("tag-covered=2+2");
    wait_for("covered tags", || tags(&frame(ports, "pick")) == all[2..]);
    wait_for("its end", || tags(&frame(ports, "pick")) == all);
    fault("other-board+2");
    wait_for("another board", || tags(&frame(ports, "pick")).iter().any(|id| *id >= 300));
    wait_for("its end", || tags(&frame(ports, "pick")) == all);
    fault("camera-black+2");
    wait_for("darkness", || frame(ports, "pick").iter().all(|light| *light < 40));
    wait_for("its end", || tags(&frame(ports, "pick")) == all);
    fault("camera-overexposed+2");
    let burnt = |pixels: Vec<u8>| pixels.iter().filter(|light| **light == 255).count();
    wait_for("too much light", || burnt(frame(ports, "pick")) > 600_000);
    wait_for("its end", || tags(&frame(ports, "pick")) == all);
    fault("camera-torn+2");
    let jpeg = || http(ports, "GET", "/camera/pick.jpg", "").1;
    wait_for("half a frame", || !jpeg().ends_with(&[0xff, 0xd9]));
    fault("camera-unplugged+2");
    wait_for("no camera", || http(ports, "GET", "/camera/pick.jpg", "").0 == 404);
    wait_for("a camera", || http(ports, "GET", "/camera/pick.jpg", "").0 == 200);
}

#[test]
fn a_person_puts_a_lid_on_and_holds_the_cameras_board() {
    let twin = twin(10.0);
    let ports = twin.ports();
    let mut finder = Finder::new().unwrap();
    let mut tags = |over: &str| {
        let pixels = frame(ports, over);
        finder.find(&Frame::new(&pixels, 1280).unwrap(), None, None).len()
    };
    assert_eq!(tags("pick"), 4, "a bare plate");
    assert_eq!(post(ports, "/person", "lid on"), 200);
    assert_eq!((tags("pick"), tags("place")), (10, 4));
    assert_eq!(post(ports, "/person", "lid"), 400);
    assert_eq!(post(ports, "/person", "board-place 0,0,20,10,-10,5"), 200);
    assert!(tags("place") > 20);
    assert_eq!(post(ports, "/person", "board-away"), 200);
    assert_eq!(tags("place"), 4);
}

#[test]
fn a_stream_is_parts_with_their_lengths_and_ends_with_the_camera() {
    let twin = with_lid();
    let mut stream = connect(twin.ports(), twin.ports().http);
    stream.write_all(b"GET /camera/pick.mjpg HTTP/1.0\r\n\r\n").unwrap();
    let mut bytes = vec![0; 600_000];
    stream.read_exact(&mut bytes).unwrap();
    let text = String::from_utf8_lossy(&bytes);
    assert!(text.starts_with("HTTP/1.1 200") && text.contains("multipart/x-mixed-replace"));
    assert!(text.matches("--frame\r\nContent-Type: image/jpeg\r\nContent-Length: ").count() >= 2);
    assert_eq!(post(twin.ports(), "/fault", "camera-unplugged"), 200);
    stream.read_to_end(&mut bytes).unwrap();
}
