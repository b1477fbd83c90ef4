/// A part of a `multipart/x-mixed-replace` stream (RFC 2046), as network cameras send frames.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Names in small letters, and values.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Part {
    /// The value of the first header of this name, small letters.
    pub fn header(&self, name: &str) -> Option<&str> {
        value(&self.headers, name)
    }
}

/// Splits a stream into its parts, however it arrives. Holds at most [`LONGEST`](Self::LONGEST) bytes.
#[derive(Debug)]
pub struct Parts {
    /// `--` and what the stream's header names.
    boundary: Vec<u8>,
    bytes: Vec<u8>,
}

/// More in one part than is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a part longer than {} bytes", Parts::LONGEST)]
pub struct TooLong;

/// Longest headers of a part, bytes.
const HEADERS: usize = 8 * 1024;

impl Parts {
    pub const LONGEST: usize = 16 * 1024 * 1024;

    /// From the value of the answer's `Content-Type`; `None` where that is no such stream.
    pub fn of(content_type: &str) -> Option<Self> {
        let (kind, rest) = content_type.split_once(';')?;
        let stream = kind.trim().to_ascii_lowercase().starts_with("multipart/");
        let named = rest.split(';').filter_map(|part| part.split_once('='));
        let (_, name) =
            named.into_iter().find(|(key, _)| key.trim().eq_ignore_ascii_case("boundary"))?;
        // Some cameras write the dashes here as well.
        let name = name.trim().trim_matches('"').trim_start_matches("--");
        let boundary = format!("--{name}").into_bytes();
        (stream && !name.is_empty() && name.len() <= 200)
            .then_some(Self { boundary, bytes: Vec::new() })
    }

    pub fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// Has some of the next part come, beyond the boundary before it?
    pub fn begun(&self) -> bool {
        let Some(from) = find(&self.bytes, &self.boundary) else {
            let between = self.bytes.iter().all(|byte| matches!(byte, b'\r' | b'\n' | b'-'));
            return !between && !self.boundary.starts_with(self.bytes.trim_ascii_start());
        };
        !self.bytes[from + self.boundary.len()..].trim_ascii_start().is_empty()
    }

    /// The next whole part, if all of it has come. By its length, or up to the next boundary where it has
    /// none.
    pub fn next_part(&mut self) -> Result<Option<Part>, TooLong> {
        let part = self.whole();
        match part {
            Some((part, end)) => {
                self.bytes.drain(..end);
                Ok(Some(part))
            }
            None if self.bytes.len() > Self::LONGEST => {
                self.bytes.clear();
                Err(TooLong)
            }
            None => Ok(None),
        }
    }

    /// A part, and where it ends.
    fn whole(&self) -> Option<(Part, usize)> {
        let from = find(&self.bytes, &self.boundary)? + self.boundary.len();
        let line = from + find(&self.bytes[from..], b"\r\n")? + 2;
        let near = &self.bytes[line..self.bytes.len().min(line + HEADERS)];
        let (head, body) = match near.starts_with(b"\r\n") {
            true => (&near[..0], line + 2),
            false => {
                let end = find(near, b"\r\n\r\n")?;
                (&near[..end], line + end + 4)
            }
        };
        let headers = headers(head);
        let rest = &self.bytes[body..];
        let told = value(&headers, "content-length").and_then(|text| text.trim().parse().ok());
        let length: usize = match told.filter(|told| *told <= Self::LONGEST) {
            Some(told) if told > rest.len() => return None,
            Some(told) => told,
            None => find(rest, &[b"\r\n", &self.boundary[..]].concat())?,
        };
        Some((Part { headers, body: rest[..length].to_vec() }, body + length))
    }
}

/// Header lines; what has no colon is none.
pub(super) fn headers(head: &[u8]) -> Vec<(String, String)> {
    let text = String::from_utf8_lossy(head);
    let pairs = text.split("\r\n").filter_map(|line| line.split_once(':'));
    pairs.map(|(name, value)| (name.trim().to_ascii_lowercase(), value.trim().to_owned())).collect()
}

pub(super) fn value<'h>(headers: &'h [(String, String)], name: &str) -> Option<&'h str> {
    headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
}

pub(super) fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn stream(bodies: &[Vec<u8>], lengths: bool) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (i, body) in bodies.iter().enumerate() {
            let length = format!("Content-Length: {}\r\n", body.len());
            let length = if lengths { length } else { String::new() };
            bytes.extend(format!("--cut\r\n{length}X-Frame: {i}\r\n\r\n").into_bytes());
            bytes.extend(body);
            bytes.extend(b"\r\n");
        }
        bytes.extend(b"--cut\r\n");
        bytes
    }

    #[test]
    fn the_boundary_stands_in_the_content_type() {
        for text in [
            "multipart/x-mixed-replace; boundary=cut",
            "multipart/x-mixed-replace;boundary=\"--cut\"",
            "Multipart/x-mixed-replace; charset=a; Boundary=cut",
        ] {
            assert_eq!(Parts::of(text).unwrap().boundary, b"--cut", "{text}");
        }
        for text in ["image/jpeg", "multipart/x-mixed-replace", "multipart/mixed; boundary=", ""] {
            assert!(Parts::of(text).is_none(), "{text}");
        }
    }

    #[test]
    fn a_part_has_begun_once_more_than_its_boundary_is_there() {
        for (bytes, begun) in [
            ("", false),
            ("\r\n", false),
            ("\r\n--cu", false),
            ("\r\n--cut\r\n", false),
            ("\r\n--cut\r\nContent-", true),
            ("--cut\r\n\r\nx", true),
            ("what comes before", true),
        ] {
            let mut parts = Parts::of("multipart/x; boundary=cut").unwrap();
            parts.push(bytes.as_bytes());
            assert_eq!(parts.begun(), begun, "{bytes:?}");
        }
    }

    #[test]
    fn an_endless_part_is_refused_and_forgotten() {
        let mut parts = Parts::of("multipart/x; boundary=cut").unwrap();
        parts.push(b"--cut\r\n\r\n");
        parts.push(&vec![7; Parts::LONGEST + 1]);
        assert_eq!(parts.next_part(), Err(TooLong));
        assert_eq!(parts.next_part(), Ok(None));
    }

    proptest! {
        #[test]
        fn parts_come_out_as_they_went_in_however_they_are_cut(
            bodies in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..60), 1..5),
            chunk in 1..40usize, lengths in any::<bool>(),
        ) {
            let clash = bodies.iter().any(|body| find(body, b"--cut").is_some());
            prop_assume!(lengths || !clash);
            let mut parts = Parts::of("multipart/x-mixed-replace; boundary=cut").unwrap();
            let mut out = Vec::new();
            for bytes in stream(&bodies, lengths).chunks(chunk) {
                parts.push(bytes);
                while let Some(part) = parts.next_part().unwrap() {
                    let number = out.len().to_string();
                    prop_assert_eq!(part.header("x-frame"), Some(number.as_str()));
                    out.push(part.body);
                }
            }
            prop_assert_eq!(out, bodies);
        }

        #[test]
        fn no_bytes_make_it_panic(
            kind in "\\PC{0,40}", chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..80), 0..6),
        ) {
            let _ = Parts::of(&kind);
            let mut parts = Parts::of("multipart/x; boundary=c").unwrap();
            for chunk in chunks {
                parts.push(b"--c\r\nContent-Length: 9\r\n");
                parts.push(&chunk);
                let _ = (parts.begun(), parts.next_part());
            }
        }
    }
}
