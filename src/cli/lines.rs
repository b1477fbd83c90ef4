//! JSON lines: one question on standard input, one answer on standard output.

use std::io::{BufRead, ErrorKind};

use serde_json::{Value, json};

use super::Failure;
use super::out::say;

/// Longest question: a picture in base64 is far below it.
const LONGEST: u64 = 1 << 20;

/// Answers each line until there are no more, or nobody reads the answers. A line that cannot be
/// understood is answered `{"error": why}`, and the next one is heard.
pub fn serve(mut answer: impl FnMut(&str) -> Result<Value, String>) -> Result<(), Failure> {
    let mut questions = std::io::stdin().lock();
    while let Some(line) = next_line(&mut questions).map_err(anyhow::Error::from)? {
        let answered = match text(&line) {
            Ok(text) if text.trim().is_empty() => continue,
            Ok(text) => answer(text),
            Err(why) => Err(why),
        };
        let answer = answered.unwrap_or_else(|error| json!({ "error": error }));
        match say!("{answer}") {
            Err(Failure::ReaderGone) => return Ok(()),
            told => told?,
        }
    }
    Ok(())
}

/// The next line, without what of it is longer than [`LONGEST`] and one byte more.
fn next_line(from: &mut impl BufRead) -> std::io::Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    loop {
        let (end, used) = {
            let part = match from.fill_buf() {
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                part => part?,
            };
            if part.is_empty() {
                return Ok((!line.is_empty()).then_some(line));
            }
            let end = part.iter().position(|byte| *byte == b'\n');
            let kept = &part[..end.unwrap_or(part.len())];
            let room = (LONGEST as usize + 1).saturating_sub(line.len());
            line.extend_from_slice(&kept[..kept.len().min(room)]);
            (end, end.map_or(part.len(), |at| at + 1))
        };
        from.consume(used);
        if end.is_some() {
            return Ok(Some(line));
        }
    }
}

fn text(line: &[u8]) -> Result<&str, String> {
    if line.len() as u64 > LONGEST {
        return Err(format!("the line is longer than {LONGEST} bytes"));
    }
    let line = line.strip_prefix("\u{feff}".as_bytes()).unwrap_or(line);
    std::str::from_utf8(line)
        .map_err(|e| format!("the line is not UTF-8, from byte {}", e.valid_up_to()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_byte_order_mark_is_not_part_of_the_question() {
        assert_eq!(text(b"\xef\xbb\xbf{}"), Ok("{}"));
    }

    #[test]
    fn a_line_that_is_not_utf_8_is_told_and_the_next_one_is_heard() {
        let mut from = &b"{\"a\":\xff}\n{}\n"[..];
        assert_eq!(
            text(&next_line(&mut from).unwrap().unwrap()),
            Err("the line is not UTF-8, from byte 5".into())
        );
        assert_eq!(next_line(&mut from).unwrap().unwrap(), b"{}");
        assert_eq!(next_line(&mut from).unwrap(), None);
    }

    #[test]
    fn a_line_without_end_does_not_fill_memory() {
        let long = [vec![b'x'; 3 << 20], b"\n{}".to_vec()].concat();
        let mut from = &long[..];
        let line = next_line(&mut from).unwrap().unwrap();
        assert_eq!(line.len() as u64, LONGEST + 1);
        assert!(text(&line).unwrap_err().contains("longer"));
        assert_eq!(next_line(&mut from).unwrap().unwrap(), b"{}");
    }

    proptest! {
        #[test]
        fn lines_are_split_as_they_came(lines in proptest::collection::vec("[^\n]{1,20}", 0..6), buffer in 1usize..9) {
            let all = lines.iter().map(|line| format!("{line}\n")).collect::<String>();
            let mut from = std::io::BufReader::with_capacity(buffer, all.as_bytes());
            for line in &lines {
                prop_assert_eq!(next_line(&mut from).unwrap().unwrap(), line.as_bytes());
            }
            prop_assert_eq!(next_line(&mut from).unwrap(), None);
        }
    }
}
