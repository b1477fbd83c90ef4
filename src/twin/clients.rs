//! RTDE clients as the controller sees them: their recipes, and what is sent to them.

use std::collections::VecDeque;
use std::sync::Arc;

use super::inputs::Input;
use super::outbox::Outbox;
use super::snapshot::{Snapshot, Source};
use crate::wire::rtde::{
    FieldReply, Frame, PROTOCOL, Recipe, TextMessage, ToClient, ToController, Value,
};

/// Control cycles a second.
const HZ: f64 = 500.0;

/// One RTDE connection.
pub struct Client {
    pub id: u64,
    outbox: Arc<Outbox>,
    version: u16,
    output: Option<Output>,
    inputs: Vec<Inputs>,
    running: bool,
    /// Packages held back, with the moment at which they are due.
    late: VecDeque<(f64, Vec<u8>)>,
}

struct Output {
    sources: Vec<Source>,
    recipe: Recipe,
    /// Control cycles from package to package.
    every: u64,
}

struct Inputs {
    id: u8,
    fields: Vec<Input>,
    recipe: Recipe,
}

/// What the rest of the controller has to know or do about a message.
pub enum Effect {
    None,
    /// These fields were written.
    Write(Vec<Input>, Vec<Value>),
}

/// Who may write what, and whether recipes are refused just now.
pub struct Rules<'a> {
    pub in_use: &'a dyn Fn(Input) -> bool,
    pub refuse: bool,
}

/// PolyScope 5.25: the version whose RTDE fields are all served.
pub const VERSION: [u32; 4] = [5, 25, 1, 0];

impl Client {
    pub fn new(id: u64, outbox: Arc<Outbox>) -> Self {
        Self {
            id,
            outbox,
            version: 1,
            output: None,
            inputs: Vec::new(),
            running: false,
            late: VecDeque::new(),
        }
    }

    /// Does this client write that input?
    pub fn writes(&self, input: Input) -> bool {
        self.inputs.iter().any(|recipe| recipe.fields.contains(&input))
    }

    pub fn lost(&self) -> u64 {
        self.outbox.lost()
    }

    /// Takes one package from the client and answers it.
    pub fn receive(&mut self, frame: &Frame, rules: &Rules<'_>) -> Effect {
        // Version 1 asks for outputs without a frequency: the payload is that of an input list.
        if self.version == 1 && frame.kind == b'O' {
            let list = Frame { kind: b'I', payload: frame.payload.clone() };
            if let Ok(ToController::Inputs { names }) = ToController::decode(&list) {
                self.set_outputs(HZ, &names, rules);
            }
            return Effect::None;
        }
        match ToController::decode(frame) {
            Ok(ToController::Version(version)) => {
                let known = (1..=PROTOCOL).contains(&version);
                if known {
                    self.version = version;
                }
                self.answer(&ToClient::Version(known));
            }
            Ok(ToController::ControllerVersion) => {
                self.answer(&ToClient::ControllerVersion(VERSION));
            }
            Ok(ToController::Outputs { hz, names }) => self.set_outputs(hz, &names, rules),
            Ok(ToController::Inputs { names }) => self.set_inputs(&names, rules),
            Ok(ToController::Start) => {
                self.running = self.output.is_some() || !self.inputs.is_empty();
                self.answer(&ToClient::Start(self.running));
            }
            Ok(ToController::Pause) => {
                self.running = false;
                self.answer(&ToClient::Pause(true));
            }
            Ok(ToController::Data { recipe, body }) => return self.data(recipe, &body),
            Ok(ToController::Text(_)) => {}
            Err(error) => self.say(&error.to_string(), 2),
        }
        Effect::None
    }

    fn set_outputs(&mut self, hz: f64, names: &[String], rules: &Rules<'_>) {
        let sources: Vec<_> = names.iter().map(|name| Source::of(name)).collect();
        let zero = Snapshot::default();
        let mut types: Vec<_> = sources
            .iter()
            .map(|s| s.map_or(FieldReply::NotFound, |s| FieldReply::Is(s.read(&zero).kind())))
            .collect();
        if rules.refuse {
            types[..1.min(sources.len())].fill(FieldReply::NotFound);
        }
        let kinds: Option<Vec<_>> = types
            .iter()
            .map(|t| match t {
                FieldReply::Is(kind) => Some(*kind),
                _ => None,
            })
            .collect();
        // A frequency that is no number, or none, is the highest.
        let every = if hz > 0.0 { (HZ / hz.min(HZ)).round().min(1e6) as u64 } else { 1 };
        self.output = kinds.filter(|k| !k.is_empty()).map(|kinds| Output {
            sources: sources.into_iter().flatten().collect(),
            recipe: Recipe::new(kinds),
            every: every.max(1),
        });
        let recipe = u8::from(self.output.is_some());
        self.answer(&ToClient::Outputs { recipe, types });
    }

    fn set_inputs(&mut self, names: &[String], rules: &Rules<'_>) {
        let mut types = Vec::with_capacity(names.len());
        let mut fields = Vec::with_capacity(names.len());
        for (i, name) in names.iter().enumerate() {
            let found = Input::of(name).zip(crate::wire::rtde::input(name));
            types.push(match found {
                None => FieldReply::NotFound,
                Some((input, _)) if (rules.refuse && i == 0) || (rules.in_use)(input) => {
                    FieldReply::InUse
                }
                Some((input, kind)) => {
                    fields.push((input, kind));
                    FieldReply::Is(kind)
                }
            });
        }
        let whole = !names.is_empty() && fields.len() == names.len() && self.inputs.len() < 255;
        let mut id = 0;
        if whole {
            id = self.inputs.len() as u8 + 1;
            let (fields, kinds) = fields.into_iter().unzip();
            self.inputs.push(Inputs { id, fields, recipe: Recipe::new(kinds) });
        }
        self.answer(&ToClient::Inputs { recipe: id, types });
    }

    fn data(&mut self, recipe: u8, body: &[u8]) -> Effect {
        let Some(inputs) = self.inputs.iter().find(|inputs| inputs.id == recipe) else {
            self.say("data of an input recipe that was not set up", 2);
            return Effect::None;
        };
        match inputs.recipe.unpack(body) {
            // A controller takes inputs only while synchronization runs.
            Ok(values) if self.running => Effect::Write(inputs.fields.clone(), values),
            Ok(_) => Effect::None,
            Err(error) => {
                self.say(&error.to_string(), 2);
                Effect::None
            }
        }
    }

    /// Sends the state of a cycle, if this client is to have it; `delay` seconds late.
    pub fn send(&mut self, cycle: u64, snapshot: &Snapshot, delay: f64, now: f64) {
        while let Some((due, _)) = self.late.front()
            && *due <= now
            && let Some((_, bytes)) = self.late.pop_front()
        {
            self.outbox.push(&bytes);
        }
        let Some(output) =
            self.output.as_ref().filter(|o| self.running && cycle.is_multiple_of(o.every))
        else {
            return;
        };
        let values: Vec<_> = output.sources.iter().map(|s| s.read(snapshot)).collect();
        let Ok(body) = output.recipe.pack(&values) else { return };
        let Some(bytes) = self.encode(&ToClient::Data { recipe: 1, body }) else { return };
        if delay > 0.0 || !self.late.is_empty() {
            self.late.push_back((now + delay, bytes));
        } else {
            self.outbox.push(&bytes);
        }
    }

    /// Lets the connection's writer go, if there is something to write.
    pub fn flush(&self) {
        if self.outbox.has_bytes() {
            self.outbox.wake();
        }
    }

    /// A message for people. Level 1 is an error, 2 a warning, 3 information.
    pub fn say(&mut self, message: &str, level: u8) {
        let mut message = message.to_owned();
        while message.len() > 255 {
            message.pop();
        }
        if self.version >= 2 {
            let text = TextMessage { message, source: "twin".into(), level };
            self.answer(&ToClient::Text(text));
        }
    }

    fn answer(&mut self, message: &ToClient) {
        if let Some(bytes) = self.encode(message) {
            self.outbox.push(&bytes);
            self.outbox.wake();
        }
    }

    /// Version 1 knows no recipe numbers.
    fn encode(&self, message: &ToClient) -> Option<Vec<u8>> {
        let mut bytes = message.encode().ok()?;
        let numbered = matches!(
            message,
            ToClient::Outputs { .. } | ToClient::Inputs { .. } | ToClient::Data { .. }
        );
        if self.version == 1 && numbered && bytes.len() > 3 {
            bytes.remove(3);
            let size = bytes.len() as u16;
            bytes[..2].copy_from_slice(&size.to_be_bytes());
        }
        Some(bytes)
    }

    /// The connection is gone.
    pub fn close(&self) {
        self.outbox.close();
    }
}
