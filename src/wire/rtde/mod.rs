//! Real-Time Data Exchange, TCP 30004, protocol version 2: frames, messages, typed fields.
//! Big-endian throughout. Source: UR's RTDE guide and `FACTS.md`.

mod fields;
mod frame;
mod message;
mod value;

pub use fields::{input, inputs, output, outputs};
pub use frame::{Frame, Frames};
pub use message::{FieldReply, TextMessage, ToClient, ToController};
pub use value::{Kind, Recipe, Value};

/// The only protocol version that we speak.
pub const PROTOCOL: u16 = 2;
/// Port of the service.
pub const PORT: u16 = 30004;
/// Longest list of field names that a controller takes, bytes.
pub const LONGEST_LIST: usize = 2048;
