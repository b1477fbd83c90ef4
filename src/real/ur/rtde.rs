use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::state::{FIELDS, OPTIONAL, State};
use crate::cell::DeviceError;
use crate::real::link::{PATIENCE, connect, fault};
use crate::wire::rtde::{
    FieldReply, Frames, Kind, PROTOCOL, Recipe, ToClient, ToController, Value,
};

/// A client of the controller's data exchange: a thread of its own receives; commands and
/// heartbeats are written by whoever watches the motion.
#[derive(Debug)]
pub struct Rtde {
    shared: Arc<Shared>,
    stream: TcpStream,
    thread: Option<JoinHandle<()>>,
    command: Input,
    heartbeat: Input,
    version: [u32; 4],
}

/// What a command is: see the table in `control.script`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Registers {
    pub number: i32,
    pub action: i32,
    pub target: [f64; 6],
    pub speed: f64,
    pub acceleration: f64,
    pub guard: f64,
}

#[derive(Debug)]
struct Input {
    id: u8,
    recipe: Recipe,
}

#[derive(Debug, Default)]
struct Shared {
    latest: Mutex<Latest>,
    news: Condvar,
}

#[derive(Debug, Default)]
struct Latest {
    state: Option<State>,
    /// Packages that the controller left out.
    gaps: u64,
    peak_force: f64,
    /// Why nothing comes any more.
    end: Option<String>,
}

const DEVICE: &str = "RTDE";
/// Packages a second.
const HZ: f64 = 500.0;
const COMMAND: [&str; 11] = [
    "input_int_register_25",
    "input_int_register_26",
    "input_double_register_24",
    "input_double_register_25",
    "input_double_register_26",
    "input_double_register_27",
    "input_double_register_28",
    "input_double_register_29",
    "input_double_register_30",
    "input_double_register_31",
    "input_double_register_32",
];
const HEARTBEAT: [&str; 2] = ["input_int_register_24", "input_int_register_27"];

impl Rtde {
    /// Connects, agrees on what is exchanged, and begins to receive. Writes nothing yet.
    pub fn connect(host: &str, port: u16) -> Result<Self, DeviceError> {
        Self::begin(host, port, true)
    }

    /// Only to look: announces no inputs, so that another driver may go on writing them.
    pub fn listen(host: &str, port: u16) -> Result<Self, DeviceError> {
        Self::begin(host, port, false)
    }

    fn begin(host: &str, port: u16, writes: bool) -> Result<Self, DeviceError> {
        let mut talk = Talk { stream: connect(DEVICE, host, port)?, frames: Frames::default() };
        let ToClient::Version(true) = talk.ask(&ToController::Version(PROTOCOL))? else {
            return Err(fault(DEVICE, "refuses protocol version 2"));
        };
        let ToClient::ControllerVersion(version) = talk.ask(&ToController::ControllerVersion)?
        else {
            return Err(unexpected("the controller's version"));
        };
        let (output, recipe) = talk.outputs()?;
        let nothing = || Input { id: 0, recipe: Recipe::default() };
        let command = if writes { talk.inputs(&COMMAND)? } else { nothing() };
        let heartbeat = if writes { talk.inputs(&HEARTBEAT)? } else { nothing() };
        let ToClient::Start(true) = talk.ask(&ToController::Start)? else {
            return Err(fault(DEVICE, "refuses to start"));
        };
        let shared = Arc::new(Shared::default());
        let stream = talk.stream.try_clone().map_err(|e| fault(DEVICE, e))?;
        let receiver = Receiver { talk, output, recipe, shared: Arc::clone(&shared) };
        let thread = std::thread::Builder::new()
            .name("rtde".to_owned())
            .spawn(move || receiver.run())
            .map_err(|e| fault(DEVICE, e))?;
        Ok(Self { shared, stream, thread: Some(thread), command, heartbeat, version })
    }

    /// Of the controller: major, minor, bugfix, build.
    pub fn version(&self) -> [u32; 4] {
        self.version
    }

    /// The newest state, as soon as it is newer than package `after`.
    pub fn next(&self, after: u64, patience: Duration) -> Result<State, DeviceError> {
        let end = Instant::now() + patience;
        let mut latest = self.shared.lock();
        loop {
            if let Some(why) = &latest.end {
                return Err(fault(DEVICE, why));
            }
            if let Some(state) = latest.state.as_ref().filter(|s| s.number > after) {
                return Ok(state.clone());
            }
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                let ms = patience.as_millis();
                return Err(fault(DEVICE, format_args!("no state for {ms} ms")));
            }
            let waited = self.shared.news.wait_timeout(latest, left);
            latest = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// The connection still stands.
    pub fn is_connected(&self) -> bool {
        self.shared.lock().end.is_none()
    }

    /// The newest state there is.
    pub fn state(&self) -> Result<State, DeviceError> {
        self.next(0, PATIENCE)
    }

    /// Packages that the controller left out since the connection was made.
    pub fn gaps(&self) -> u64 {
        self.shared.lock().gaps
    }

    /// Largest force on the tool since this was last asked, N.
    pub fn take_peak_force(&self) -> f64 {
        std::mem::take(&mut self.shared.lock().peak_force)
    }

    /// Writes a command: all its registers arrive in one cycle.
    pub fn command(&mut self, registers: &Registers) -> Result<(), DeviceError> {
        let mut values = vec![Value::Int32(registers.number), Value::Int32(registers.action)];
        values.extend(registers.target.map(Value::Double));
        values
            .extend([registers.speed, registers.acceleration, registers.guard].map(Value::Double));
        send(&mut self.stream, &self.command, &values)
    }

    /// Shows the watchdog that somebody watches the motion, and which command is cancelled, if any.
    pub fn heartbeat(&mut self, beat: i32, cancelled: i32) -> Result<(), DeviceError> {
        send(&mut self.stream, &self.heartbeat, &[Value::Int32(beat), Value::Int32(cancelled)])
    }
}

impl Drop for Rtde {
    fn drop(&mut self) {
        // Wakes the receiver; there is nobody to tell if it does not work.
        let _ = self.stream.shutdown(Shutdown::Both);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Latest> {
        // A poisoned lock means a panic elsewhere; the state in it is whole.
        self.latest.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Conversation before the data begin.
struct Talk {
    stream: TcpStream,
    frames: Frames,
}

impl Talk {
    /// Sends, and returns the answer. Text messages in between are passed over.
    fn ask(&mut self, question: &ToController) -> Result<ToClient, DeviceError> {
        let bytes = question.encode().map_err(|e| fault(DEVICE, e))?;
        self.stream.write_all(&bytes).map_err(|e| fault(DEVICE, e))?;
        let end = Instant::now() + PATIENCE;
        while Instant::now() < end {
            match self.receive()? {
                Some(ToClient::Text(_) | ToClient::Data { .. }) | None => {}
                Some(answer) => return Ok(answer),
            }
        }
        Err(fault(DEVICE, "did not answer in time"))
    }

    /// The next message, or `None` if there was none within the stream's time-out.
    fn receive(&mut self) -> Result<Option<ToClient>, DeviceError> {
        let mut bytes = [0; 4096];
        loop {
            if let Some(frame) = self.frames.next_frame().map_err(|e| fault(DEVICE, e))? {
                return ToClient::decode(&frame).map(Some).map_err(|e| fault(DEVICE, e));
            }
            match self.stream.read(&mut bytes) {
                Ok(0) => return Err(fault(DEVICE, "the controller closed the connection")),
                Ok(count) => self.frames.push(&bytes[..count]),
                Err(error) => match error.kind() {
                    ErrorKind::Interrupted => {}
                    ErrorKind::WouldBlock | ErrorKind::TimedOut => return Ok(None),
                    _ => return Err(fault(DEVICE, error)),
                },
            }
        }
    }

    fn outputs(&mut self) -> Result<(u8, Recipe), DeviceError> {
        let mut names: Vec<String> = FIELDS.iter().map(|name| (*name).to_owned()).collect();
        names.push(OPTIONAL.to_owned());
        let (mut id, mut types) = self.ask_outputs(&names)?;
        if types.last() == Some(&FieldReply::NotFound) {
            names.pop();
            (id, types) = self.ask_outputs(&names)?;
        }
        Ok((id, recipe(&names, &types)?))
    }

    fn ask_outputs(&mut self, names: &[String]) -> Result<(u8, Vec<FieldReply>), DeviceError> {
        match self.ask(&ToController::Outputs { hz: HZ, names: names.to_vec() })? {
            ToClient::Outputs { recipe, types } => Ok((recipe, types)),
            _ => Err(unexpected("types of the outputs")),
        }
    }

    fn inputs(&mut self, names: &[&str]) -> Result<Input, DeviceError> {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        match self.ask(&ToController::Inputs { names: names.clone() })? {
            ToClient::Inputs { recipe: id, types } => {
                Ok(Input { id, recipe: recipe(&names, &types)? })
            }
            _ => Err(unexpected("types of the inputs")),
        }
    }
}

/// The types of these fields, or which of them was refused and why.
fn recipe(names: &[String], types: &[FieldReply]) -> Result<Recipe, DeviceError> {
    if names.len() != types.len() {
        let what = format!("answered {} fields with {} types", names.len(), types.len());
        return Err(fault(DEVICE, what));
    }
    let kind = |(name, reply): (&String, &FieldReply)| -> Result<Kind, DeviceError> {
        match reply {
            FieldReply::Is(kind) => Ok(*kind),
            FieldReply::NotFound => Err(fault(DEVICE, format_args!("does not know {name}"))),
            FieldReply::InUse => {
                let what = format!("{name} is written by another client: end that one first");
                Err(fault(DEVICE, what))
            }
        }
    };
    Ok(Recipe::new(names.iter().zip(types).map(kind).collect::<Result<_, _>>()?))
}

struct Receiver {
    talk: Talk,
    output: u8,
    recipe: Recipe,
    shared: Arc<Shared>,
}

impl Receiver {
    fn run(mut self) {
        let mut number = 0;
        let why = loop {
            match self.talk.receive() {
                Ok(Some(ToClient::Data { recipe, body })) if recipe == self.output => {
                    number += 1;
                    if let Err(why) = self.take(&body, number) {
                        break why;
                    }
                }
                Ok(_) => {}
                Err(DeviceError::Fault { what, .. }) => break what,
                Err(error) => break error.to_string(),
            }
        };
        self.shared.lock().end = Some(why);
        self.shared.news.notify_all();
    }

    fn take(&self, body: &[u8], number: u64) -> Result<(), String> {
        let values = self.recipe.unpack(body).map_err(|e| e.to_string())?;
        let now = Instant::now();
        let mut state = State::from_values(&values, number, now)
            .ok_or("sent something that is not a number")?;
        let mut latest = self.shared.lock();
        if let Some(before) = &latest.state {
            let passed = state.timestamp - before.timestamp;
            if passed <= 0.0 {
                state.advanced = before.advanced;
            }
            latest.gaps += ((passed * HZ).round() as u64).saturating_sub(1);
        }
        latest.peak_force = latest.peak_force.max(state.tool_force);
        latest.state = Some(state);
        drop(latest);
        self.shared.news.notify_all();
        Ok(())
    }
}

fn send(stream: &mut TcpStream, input: &Input, values: &[Value]) -> Result<(), DeviceError> {
    let body = input.recipe.pack(values).map_err(|e| fault(DEVICE, e))?;
    let message = ToController::Data { recipe: input.id, body };
    let bytes = message.encode().map_err(|e| fault(DEVICE, e))?;
    stream.write_all(&bytes).map_err(|e| fault(DEVICE, e))
}

fn unexpected(wanted: &str) -> DeviceError {
    fault(DEVICE, format_args!("did not answer with {wanted}"))
}
