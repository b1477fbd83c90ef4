use crate::wire::WireError;

/// One package: its type letter and what follows the header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    pub kind: u8,
    pub payload: Vec<u8>,
}

/// Size and type.
const HEADER: usize = 3;

impl Frame {
    /// Longest payload: the size is a u16 and counts the header.
    pub const LONGEST: usize = u16::MAX as usize - HEADER;

    pub fn encode(&self) -> Result<Vec<u8>, WireError> {
        if self.payload.len() > Self::LONGEST {
            return Err(WireError::Size {
                what: "RTDE package",
                size: self.payload.len(),
                allowed: format!("at most {}", Self::LONGEST),
            });
        }
        let size = (HEADER + self.payload.len()) as u16;
        let mut bytes = Vec::with_capacity(usize::from(size));
        bytes.extend(size.to_be_bytes());
        bytes.push(self.kind);
        bytes.extend(&self.payload);
        Ok(bytes)
    }
}

/// Cuts a stream of bytes into packages. Holds one package and what was pushed last.
#[derive(Clone, Debug, Default)]
pub struct Frames {
    buffer: Vec<u8>,
}

impl Frames {
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The next whole package, or nothing yet. After an error the stream has no meaning any more.
    pub fn next_frame(&mut self) -> Result<Option<Frame>, WireError> {
        let Some(&[high, low, kind]) = self.buffer.first_chunk::<HEADER>() else {
            return Ok(None);
        };
        let size = usize::from(u16::from_be_bytes([high, low]));
        if size < HEADER {
            self.buffer.clear();
            let allowed = format!("at least {HEADER}");
            return Err(WireError::Size { what: "RTDE package", size, allowed });
        }
        if self.buffer.len() < size {
            return Ok(None);
        }
        let rest = self.buffer.split_off(size);
        let payload = std::mem::replace(&mut self.buffer, rest).split_off(HEADER);
        Ok(Some(Frame { kind, payload }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn packages_come_out_however_the_bytes_arrive(
            payloads in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..50), 0..6),
            kind in any::<u8>(),
            cut in 1..9usize,
        ) {
            let sent: Vec<Frame> =
                payloads.into_iter().map(|payload| Frame { kind, payload }).collect();
            let bytes: Vec<u8> = sent.iter().flat_map(|f| f.encode().unwrap()).collect();
            let mut frames = Frames::default();
            let mut found = Vec::new();
            for part in bytes.chunks(cut) {
                frames.push(part);
                while let Some(frame) = frames.next_frame().unwrap() {
                    found.push(frame);
                }
            }
            prop_assert_eq!(found, sent);
            prop_assert!(frames.buffer.is_empty());
        }

        #[test]
        fn no_bytes_make_the_splitter_panic_or_hoard(
            bytes in prop::collection::vec(any::<u8>(), 0..400),
        ) {
            let mut frames = Frames::default();
            frames.push(&bytes);
            while let Ok(Some(_)) = frames.next_frame() {}
            prop_assert!(frames.buffer.len() <= bytes.len());
        }
    }

    #[test]
    fn a_package_too_long_for_its_size_is_refused() {
        let payload = vec![0; Frame::LONGEST + 1];
        assert!(Frame { kind: b'U', payload }.encode().is_err());
    }
}
