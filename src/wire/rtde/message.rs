use super::value::Reader;
use super::{Frame, Kind, LONGEST_LIST};
use crate::wire::WireError;

/// What a client sends.
#[derive(Clone, Debug, PartialEq)]
pub enum ToController {
    /// Asks for a protocol version.
    Version(u16),
    /// Asks for the controller's version.
    ControllerVersion,
    /// Asks for these fields, so many times a second.
    Outputs {
        hz: f64,
        names: Vec<String>,
    },
    /// Announces these fields.
    Inputs {
        names: Vec<String>,
    },
    Start,
    Pause,
    /// Packed fields of an input recipe.
    Data {
        recipe: u8,
        body: Vec<u8>,
    },
    Text(TextMessage),
}

/// What a controller sends.
#[derive(Clone, Debug, PartialEq)]
pub enum ToClient {
    Version(bool),
    /// Major, minor, bugfix, build.
    ControllerVersion([u32; 4]),
    /// Recipe 0: refused.
    Outputs {
        recipe: u8,
        types: Vec<FieldReply>,
    },
    Inputs {
        recipe: u8,
        types: Vec<FieldReply>,
    },
    Start(bool),
    Pause(bool),
    Data {
        recipe: u8,
        body: Vec<u8>,
    },
    Text(TextMessage),
}

/// A controller's answer for one field of a recipe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldReply {
    Is(Kind),
    NotFound,
    /// Another client writes this input.
    InUse,
}

/// A message for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextMessage {
    pub message: String,
    pub source: String,
    /// 0 exception, 1 error, 2 warning, 3 information.
    pub level: u8,
}

impl ToController {
    pub fn encode(&self) -> Result<Vec<u8>, WireError> {
        let (kind, payload) = match self {
            Self::Version(version) => (b'V', version.to_be_bytes().to_vec()),
            Self::ControllerVersion => (b'v', Vec::new()),
            Self::Outputs { hz, names } => {
                let mut payload = hz.to_be_bytes().to_vec();
                payload.extend(names.join(",").bytes());
                (b'O', payload)
            }
            Self::Inputs { names } => (b'I', names.join(",").into_bytes()),
            Self::Start => (b'S', Vec::new()),
            Self::Pause => (b'P', Vec::new()),
            Self::Data { recipe, body } => (b'U', with_id(*recipe, body)),
            Self::Text(text) => (b'M', text.encode()?),
        };
        Frame { kind, payload }.encode()
    }

    pub fn decode(frame: &Frame) -> Result<Self, WireError> {
        let mut reader = Reader(&frame.payload);
        let message = match frame.kind {
            b'V' => Self::Version(u16::from_be_bytes(reader.take()?)),
            b'v' => Self::ControllerVersion,
            b'O' => Self::Outputs { hz: reader.double()?, names: names(rest(&mut reader)?)? },
            b'I' => Self::Inputs { names: names(rest(&mut reader)?)? },
            b'S' => Self::Start,
            b'P' => Self::Pause,
            b'U' => {
                Self::Data { recipe: reader.take::<1>()?[0], body: rest(&mut reader)?.to_vec() }
            }
            b'M' => Self::Text(TextMessage::decode(&mut reader)?),
            other => return Err(unknown(other)),
        };
        finished(&reader, message)
    }
}

impl ToClient {
    pub fn encode(&self) -> Result<Vec<u8>, WireError> {
        let (kind, payload) = match self {
            Self::Version(ok) => (b'V', vec![u8::from(*ok)]),
            Self::ControllerVersion(parts) => {
                (b'v', parts.iter().flat_map(|part| part.to_be_bytes()).collect())
            }
            Self::Outputs { recipe, types } => (b'O', with_id(*recipe, &list(types))),
            Self::Inputs { recipe, types } => (b'I', with_id(*recipe, &list(types))),
            Self::Start(ok) => (b'S', vec![u8::from(*ok)]),
            Self::Pause(ok) => (b'P', vec![u8::from(*ok)]),
            Self::Data { recipe, body } => (b'U', with_id(*recipe, body)),
            Self::Text(text) => (b'M', text.encode()?),
        };
        Frame { kind, payload }.encode()
    }

    pub fn decode(frame: &Frame) -> Result<Self, WireError> {
        let mut reader = Reader(&frame.payload);
        let mut accepted = || -> Result<bool, WireError> { Ok(reader.take::<1>()?[0] != 0) };
        let message = match frame.kind {
            b'V' => Self::Version(accepted()?),
            b'S' => Self::Start(accepted()?),
            b'P' => Self::Pause(accepted()?),
            b'v' => {
                let mut parts = [0; 4];
                for part in &mut parts {
                    *part = u32::from_be_bytes(reader.take()?);
                }
                Self::ControllerVersion(parts)
            }
            b'O' => {
                Self::Outputs { recipe: reader.take::<1>()?[0], types: types(rest(&mut reader)?)? }
            }
            b'I' => {
                Self::Inputs { recipe: reader.take::<1>()?[0], types: types(rest(&mut reader)?)? }
            }
            b'U' => {
                Self::Data { recipe: reader.take::<1>()?[0], body: rest(&mut reader)?.to_vec() }
            }
            b'M' => Self::Text(TextMessage::decode(&mut reader)?),
            other => return Err(unknown(other)),
        };
        finished(&reader, message)
    }
}

impl TextMessage {
    fn encode(&self) -> Result<Vec<u8>, WireError> {
        let mut payload = Vec::new();
        for text in [&self.message, &self.source] {
            let length = u8::try_from(text.len()).map_err(|_| WireError::Size {
                what: "RTDE text",
                size: text.len(),
                allowed: "at most 255".to_owned(),
            })?;
            payload.push(length);
            payload.extend(text.bytes());
        }
        payload.push(self.level);
        Ok(payload)
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        let mut text = || -> Result<String, WireError> {
            let length = usize::from(reader.take::<1>()?[0]);
            Ok(String::from_utf8_lossy(reader.slice(length)?).into_owned())
        };
        let (message, source) = (text()?, text()?);
        Ok(Self { message, source, level: reader.take::<1>()?[0] })
    }
}

fn with_id(recipe: u8, body: &[u8]) -> Vec<u8> {
    let mut payload = vec![recipe];
    payload.extend(body);
    payload
}

fn rest<'a>(reader: &mut Reader<'a>) -> Result<&'a [u8], WireError> {
    reader.slice(reader.0.len())
}

/// Comma-separated; some clients end the list with a comma.
fn names(bytes: &[u8]) -> Result<Vec<String>, WireError> {
    if bytes.len() > LONGEST_LIST {
        let allowed = format!("at most {LONGEST_LIST}");
        return Err(WireError::Size { what: "list of RTDE fields", size: bytes.len(), allowed });
    }
    let text = std::str::from_utf8(bytes)
        .map_err(|_| WireError::malformed("list of RTDE fields", "is not text"))?;
    Ok(text.split(',').map(str::trim).filter(|n| !n.is_empty()).map(str::to_owned).collect())
}

fn types(bytes: &[u8]) -> Result<Vec<FieldReply>, WireError> {
    let text = std::str::from_utf8(bytes)
        .map_err(|_| WireError::malformed("list of RTDE types", "is not text"))?;
    text.split(',').filter(|name| !name.is_empty()).map(FieldReply::parse).collect()
}

fn list(types: &[FieldReply]) -> Vec<u8> {
    types.iter().map(|reply| reply.name()).collect::<Vec<_>>().join(",").into_bytes()
}

impl FieldReply {
    fn name(self) -> &'static str {
        match self {
            Self::Is(kind) => kind.name(),
            Self::NotFound => "NOT_FOUND",
            Self::InUse => "IN_USE",
        }
    }

    fn parse(name: &str) -> Result<Self, WireError> {
        match name {
            "NOT_FOUND" => Ok(Self::NotFound),
            "IN_USE" => Ok(Self::InUse),
            other => Kind::from_name(other).map(Self::Is).ok_or_else(|| {
                let shown: String = other.chars().take(40).collect();
                WireError::malformed("RTDE type", format!("\"{shown}\" is not one"))
            }),
        }
    }
}

fn unknown(kind: u8) -> WireError {
    WireError::malformed("RTDE package", format!("of unknown type {kind}"))
}

fn finished<T>(reader: &Reader<'_>, message: T) -> Result<T, WireError> {
    if reader.0.is_empty() {
        return Ok(message);
    }
    Err(WireError::malformed("RTDE package", format!("has {} bytes too many", reader.0.len())))
}

#[cfg(test)]
mod tests {
    use super::super::Frames;
    use super::*;
    use proptest::prelude::*;

    fn frame(bytes: &[u8]) -> Frame {
        let mut frames = Frames::default();
        frames.push(bytes);
        frames.next_frame().unwrap().unwrap()
    }

    fn names() -> impl Strategy<Value = Vec<String>> {
        prop::collection::vec("[a-z][a-z0-9_]{0,30}", 0..8)
    }

    fn text() -> impl Strategy<Value = TextMessage> {
        ("[ -~]{0,90}", "[ -~]{0,20}", any::<u8>())
            .prop_map(|(message, source, level)| TextMessage { message, source, level })
    }

    fn to_controller() -> impl Strategy<Value = ToController> {
        prop_oneof![
            any::<u16>().prop_map(ToController::Version),
            Just(ToController::ControllerVersion),
            (1.0..500.0f64, names()).prop_map(|(hz, names)| ToController::Outputs { hz, names }),
            names().prop_map(|names| ToController::Inputs { names }),
            Just(ToController::Start),
            Just(ToController::Pause),
            (any::<u8>(), prop::collection::vec(any::<u8>(), 0..60))
                .prop_map(|(recipe, body)| ToController::Data { recipe, body }),
            text().prop_map(ToController::Text),
        ]
    }

    fn to_client() -> impl Strategy<Value = ToClient> {
        let reply = prop_oneof![
            prop::sample::select(Kind::ALL.to_vec()).prop_map(FieldReply::Is),
            Just(FieldReply::NotFound),
            Just(FieldReply::InUse),
        ];
        let types = prop::collection::vec(reply, 0..8);
        let fields = (any::<u8>(), types);
        prop_oneof![
            any::<bool>().prop_map(ToClient::Version),
            any::<[u32; 4]>().prop_map(ToClient::ControllerVersion),
            fields.clone().prop_map(|(recipe, types)| ToClient::Outputs { recipe, types }),
            fields.prop_map(|(recipe, types)| ToClient::Inputs { recipe, types }),
            any::<bool>().prop_map(ToClient::Start),
            any::<bool>().prop_map(ToClient::Pause),
            (any::<u8>(), prop::collection::vec(any::<u8>(), 0..60))
                .prop_map(|(recipe, body)| ToClient::Data { recipe, body }),
            text().prop_map(ToClient::Text),
        ]
    }

    proptest! {
        #[test]
        fn a_clients_message_arrives_as_it_was_sent(message in to_controller()) {
            let decoded = ToController::decode(&frame(&message.encode().unwrap()));
            prop_assert_eq!(decoded.unwrap(), message);
        }

        #[test]
        fn a_controllers_message_arrives_as_it_was_sent(message in to_client()) {
            prop_assert_eq!(ToClient::decode(&frame(&message.encode().unwrap())).unwrap(), message);
        }

        #[test]
        fn no_package_makes_the_decoders_panic(
            kind in prop::sample::select(b"VvOISPUMx".to_vec()),
            payload in prop::collection::vec(any::<u8>(), 0..300),
        ) {
            let frame = Frame { kind, payload };
            let _ = ToController::decode(&frame);
            let _ = ToClient::decode(&frame);
        }
    }

    #[test]
    fn a_list_that_ends_with_a_comma_asks_for_no_further_field() {
        let payload = b"timestamp,actual_q,".to_vec();
        let ToController::Inputs { names } =
            ToController::decode(&Frame { kind: b'I', payload }).unwrap()
        else {
            panic!("not a list of inputs");
        };
        assert_eq!(names, ["timestamp", "actual_q"]);
    }

    #[test]
    fn the_bytes_are_those_of_the_guide() {
        let asked = ToController::Version(2).encode().unwrap();
        assert_eq!(asked, [0, 5, b'V', 0, 2]);
        let outputs = ToController::Outputs { hz: 125.0, names: vec!["timestamp".into()] };
        let bytes = outputs.encode().unwrap();
        assert_eq!(bytes[..11], [0, 20, b'O', 0x40, 0x5f, 0x40, 0, 0, 0, 0, 0]);
        assert_eq!(&bytes[11..], b"timestamp");
    }
}
