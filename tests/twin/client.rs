//! A plain client of every service, over real sockets, made from the codecs of `rmrl::wire`.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use rmrl::config::Robot;
use rmrl::lab::Experiment;
use rmrl::twin::{Places, Plan, Ports, Twin};
use rmrl::wire::rtde::{
    FieldReply, Frame, Frames, Kind, Recipe, ToClient, ToController, Value, output,
};
use rmrl::wire::{Lines, rtde};

/// Longest wait for anything.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// A twin on free ports of loopback, at so many times life.
pub fn twin(speed: f64) -> Twin {
    twin_with(speed, |_| {})
}

pub fn twin_with(speed: f64, change: impl FnOnce(&mut Robot)) -> Twin {
    let mut robot = Robot::named("ur5e-twin").unwrap();
    robot.twin.as_mut().unwrap().speed = speed;
    robot.twin.as_mut().unwrap().lid = false;
    change(&mut robot);
    let task = Experiment::open("narrow", &[]).unwrap().task;
    let plan = Plan::new(&robot, task, Vec::new()).unwrap();
    let host = plan.spec().listen;
    Twin::start(&plan, host, Places::Free, |_| {}).unwrap()
}

pub fn connect(ports: Ports, port: u16) -> TcpStream {
    let stream = TcpStream::connect(SocketAddr::new(ports.host, port)).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_nodelay(true).unwrap();
    stream
}

/// Asks again until the answer is yes.
pub fn wait_for(what: &str, mut yes: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !yes() {
        assert!(begun.elapsed() < PATIENCE, "{what} did not come");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// An RTDE connection.
pub struct Rtde {
    stream: TcpStream,
    frames: Frames,
    recipe: Recipe,
    names: Vec<String>,
    inputs: Recipe,
    pub texts: Vec<String>,
}

/// One state package.
pub struct State {
    names: Vec<String>,
    values: Vec<Value>,
}

impl State {
    pub fn get(&self, name: &str) -> Value {
        let at = self.names.iter().position(|n| n == name).unwrap();
        self.values[at]
    }

    pub fn time(&self) -> f64 {
        let Value::Double(time) = self.get("timestamp") else { panic!("no time") };
        time
    }

    pub fn int(&self, name: &str) -> i32 {
        match self.get(name) {
            Value::Int32(int) => int,
            Value::UInt32(int) => int as i32,
            other => panic!("{other:?}"),
        }
    }

    pub fn six(&self, name: &str) -> [f64; 6] {
        let Value::Vector6(six) = self.get(name) else { panic!("not six numbers") };
        six
    }
}

impl Rtde {
    pub fn connect(ports: Ports) -> Self {
        let mut client = Self {
            stream: connect(ports, ports.rtde),
            frames: Frames::default(),
            recipe: Recipe::default(),
            names: Vec::new(),
            inputs: Recipe::default(),
            texts: Vec::new(),
        };
        client.send(&ToController::Version(rtde::PROTOCOL));
        assert_eq!(client.next(), Some(ToClient::Version(true)));
        client
    }

    /// Connected and synchronizing these outputs (after the timestamp), so many a second.
    pub fn stream(ports: Ports, hz: f64, names: &[&str], inputs: &[&str]) -> Self {
        let mut client = Self::connect(ports);
        let names: Vec<&str> = [&["timestamp"], names].concat();
        let types = client.outputs(hz, &names);
        assert!(types.iter().all(|t| matches!(t, FieldReply::Is(_))), "{types:?}");
        if !inputs.is_empty() {
            let types = client.inputs(inputs);
            assert!(types.iter().all(|t| matches!(t, FieldReply::Is(_))), "{types:?}");
        }
        client.start();
        client
    }

    pub fn send(&mut self, message: &ToController) {
        self.stream.write_all(&message.encode().unwrap()).unwrap();
    }

    pub fn send_raw(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).unwrap();
    }

    pub fn outputs(&mut self, hz: f64, names: &[&str]) -> Vec<FieldReply> {
        let names: Vec<String> = names.iter().map(|n| (*n).to_owned()).collect();
        self.send(&ToController::Outputs { hz, names: names.clone() });
        let Some(ToClient::Outputs { types, .. }) = self.next() else { panic!("no outputs") };
        let kinds: Vec<Kind> = names.iter().filter_map(|n| output(n)).collect();
        (self.recipe, self.names) = (Recipe::new(kinds), names);
        types
    }

    pub fn inputs(&mut self, names: &[&str]) -> Vec<FieldReply> {
        let names: Vec<String> = names.iter().map(|n| (*n).to_owned()).collect();
        let kinds = names.iter().filter_map(|n| rtde::input(n)).collect();
        self.send(&ToController::Inputs { names });
        let Some(ToClient::Inputs { recipe, types }) = self.next() else { panic!("no inputs") };
        let refused = types.iter().any(|t| !matches!(t, FieldReply::Is(_)));
        assert_eq!(recipe, u8::from(!refused), "the first recipe of this client");
        self.inputs = Recipe::new(kinds);
        types
    }

    pub fn start(&mut self) {
        self.send(&ToController::Start);
        assert_eq!(self.next(), Some(ToClient::Start(true)));
    }

    pub fn write(&mut self, values: &[Value]) {
        let body = self.inputs.pack(values).unwrap();
        self.send(&ToController::Data { recipe: 1, body });
    }

    /// The next message that is not a text; `None` once the connection is cut.
    pub fn next(&mut self) -> Option<ToClient> {
        let mut chunk = [0; 4096];
        loop {
            while let Some(frame) = self.frames.next_frame().unwrap() {
                match ToClient::decode(&frame).unwrap() {
                    ToClient::Text(text) => self.texts.push(text.message),
                    other => return Some(other),
                }
            }
            match self.stream.read(&mut chunk) {
                Ok(0) => return None,
                Ok(count) => self.frames.push(&chunk[..count]),
                Err(e) if e.kind() == std::io::ErrorKind::ConnectionReset => return None,
                Err(e) => panic!("nothing came: {e}"),
            }
        }
    }

    /// The next package as it is.
    pub fn frame(&mut self) -> Frame {
        let mut chunk = [0; 4096];
        loop {
            if let Some(frame) = self.frames.next_frame().unwrap() {
                return frame;
            }
            let count = self.stream.read(&mut chunk).unwrap();
            assert!(count > 0, "the connection was cut");
            self.frames.push(&chunk[..count]);
        }
    }

    /// The next state.
    pub fn state(&mut self) -> State {
        match self.next() {
            Some(ToClient::Data { body, .. }) => {
                State { names: self.names.clone(), values: self.recipe.unpack(&body).unwrap() }
            }
            other => panic!("{other:?} instead of a state"),
        }
    }

    /// The first state for which this holds.
    pub fn until(&mut self, what: &str, mut holds: impl FnMut(&State) -> bool) -> State {
        let begun = Instant::now();
        loop {
            let state = self.state();
            if holds(&state) {
                return state;
            }
            assert!(begun.elapsed() < PATIENCE, "{what} did not come");
        }
    }

    /// Waits for a message for people that contains this.
    pub fn until_told(&mut self, part: &str) {
        let begun = Instant::now();
        while !self.texts.iter().any(|text| text.contains(part)) {
            self.state();
            assert!(begun.elapsed() < PATIENCE, "'{part}' was not told: {:?}", self.texts);
        }
    }
}

/// A service in which a line asks and a line answers.
pub struct Asks {
    stream: TcpStream,
    lines: Lines,
}

impl Asks {
    pub fn dashboard(ports: Ports) -> Self {
        let mut client = Self { stream: connect(ports, ports.dashboard), lines: Lines::default() };
        assert_eq!(client.line(), "Connected: Universal Robots Dashboard Server");
        client
    }

    pub fn gripper(ports: Ports) -> Self {
        Self { stream: connect(ports, ports.gripper), lines: Lines::default() }
    }

    pub fn ask(&mut self, question: &str) -> String {
        self.stream.write_all(format!("{question}\n").as_bytes()).unwrap();
        self.line()
    }

    fn line(&mut self) -> String {
        let mut chunk = [0; 512];
        loop {
            if let Some(line) = self.lines.next_line().unwrap() {
                return line;
            }
            let count = self.stream.read(&mut chunk).unwrap();
            assert!(count > 0, "the connection was cut");
            self.lines.push(&chunk[..count]);
        }
    }

    /// A variable of the gripper.
    pub fn get(&mut self, name: &str) -> i64 {
        let answer = self.ask(&format!("GET {name}"));
        answer.strip_prefix(name).unwrap().trim().parse().unwrap()
    }

    /// Activates the gripper and waits for it.
    pub fn activate(&mut self) {
        assert_eq!(self.ask("SET ACT 1"), "ack");
        wait_for("activation", || self.get("STA") == 3);
    }

    /// Sends the fingers to a position and waits until they stop; returns position and object.
    pub fn fingers(&mut self, position: u8) -> (i64, i64) {
        self.ask(&format!("SET POS {position} SPE 255 FOR 255 GTO 1"));
        // Until it echoes the request, it tells of the one before.
        wait_for("the gripper's echo", || self.get("PRE") == i64::from(position));
        wait_for("the fingers' stop", || self.get("OBJ") != 0);
        (self.get("POS"), self.get("OBJ"))
    }
}

/// Sends a program.
pub fn upload(ports: Ports, text: &str) {
    let mut stream = connect(ports, ports.script);
    stream.write_all(text.as_bytes()).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    // The port says nothing; it closes once it has read everything.
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).unwrap();
}

/// An HTTP request without any library: status and body.
pub fn http(ports: Ports, method: &str, path: &str, body: &str) -> (u16, Vec<u8>) {
    let mut stream = connect(ports, ports.http);
    let length = body.len();
    let head = format!("{method} {path} HTTP/1.1\r\nHost: twin\r\nConnection: close\r\n");
    stream.write_all(format!("{head}Content-Length: {length}\r\n\r\n{body}").as_bytes()).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let end = answer.windows(4).position(|w| w == b"\r\n\r\n").unwrap() + 4;
    let status = std::str::from_utf8(&answer[9..12]).unwrap().parse().unwrap();
    (status, answer.split_off(end))
}

pub fn json(ports: Ports, path: &str) -> serde_json::Value {
    let (status, body) = http(ports, "GET", path, "");
    assert_eq!(status, 200, "{path}");
    serde_json::from_slice(&body).unwrap()
}

/// What has happened, oldest first.
pub fn events(ports: Ports) -> Vec<String> {
    let status = json(ports, "/status");
    let events = status["events"].as_array().unwrap().iter();
    events.map(|event| event["what"].as_str().unwrap().to_owned()).collect()
}

pub fn post(ports: Ports, path: &str, body: &str) -> u16 {
    http(ports, "POST", path, body).0
}
