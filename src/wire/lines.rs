use super::WireError;

/// Cuts a stream of bytes into lines, as the dashboard and the gripper speak.
#[derive(Clone, Debug, Default)]
pub struct Lines {
    buffer: Vec<u8>,
}

impl Lines {
    /// Longest line; a peer that sends a longer one does not speak our protocol.
    pub const LONGEST: usize = 4096;

    /// Takes what arrived.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The next whole line without its end, or nothing yet. Bytes that are not UTF-8 are replaced.
    /// After an error the stream has no meaning any more.
    pub fn next_line(&mut self) -> Result<Option<String>, WireError> {
        let Some(end) = self.buffer.iter().position(|byte| *byte == b'\n') else {
            return if self.buffer.len() > Self::LONGEST { Err(self.too_long()) } else { Ok(None) };
        };
        if end > Self::LONGEST {
            return Err(self.too_long());
        }
        let rest = self.buffer.split_off(end + 1);
        let line = std::mem::replace(&mut self.buffer, rest);
        Ok(Some(String::from_utf8_lossy(&line).trim_end_matches(['\r', '\n']).to_owned()))
    }

    fn too_long(&mut self) -> WireError {
        let size = std::mem::take(&mut self.buffer).len();
        WireError::Size { what: "line", size, allowed: format!("at most {}", Self::LONGEST) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn lines_come_out_however_the_bytes_arrive(
            lines in prop::collection::vec("[ -~]{0,40}", 0..8), cut in 1..7usize,
        ) {
            let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
            let mut splitter = Lines::default();
            let mut found = Vec::new();
            for part in text.as_bytes().chunks(cut) {
                splitter.push(part);
                while let Some(line) = splitter.next_line().unwrap() {
                    found.push(line);
                }
            }
            prop_assert_eq!(found, lines);
        }
    }

    #[test]
    fn a_line_without_end_is_an_error_and_not_a_leak() {
        let mut splitter = Lines::default();
        splitter.push(&vec![b'x'; Lines::LONGEST + 1]);
        assert!(splitter.next_line().is_err());
        assert!(splitter.buffer.is_empty());
    }
}
