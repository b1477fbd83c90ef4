//! Where one program ends in a stream of text, as a script port receives it.

use super::lexer::{TokenKind, tokens};
use super::limits;

/// Length in bytes of the first complete program of `received`: a `def` or `sec` up to the line
/// of its `end`, or a single line. `None`: more has to come.
///
/// Text that is no program of this language still ends somewhere, at a line's end or at the bound
/// of a program's size, so that [`super::parse`] can say what is wrong with it.
pub fn first_program(received: &str) -> Option<usize> {
    let mut end = 0;
    let mut open_blocks = 0_usize;
    let mut begun = false;
    for row in received.split_inclusive('\n') {
        end += row.len();
        if end > limits::PROGRAM_BYTES {
            return Some(end);
        }
        if !row.ends_with('\n') {
            return None;
        }
        // A line that cannot be read closes nothing; the parser reports it.
        let words = tokens(row).unwrap_or_default();
        for token in &words {
            let TokenKind::Word(word) = &token.kind else { continue };
            match word.as_str() {
                "def" | "sec" | "thread" | "if" | "while" => open_blocks += 1,
                "end" => open_blocks = open_blocks.saturating_sub(1),
                _ => {}
            }
        }
        begun |= words.iter().any(|t| !matches!(t.kind, TokenKind::Newline | TokenKind::End));
        if begun && open_blocks == 0 {
            return Some(end);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_ends_with_the_end_of_its_def() {
        let program = "def a():\n  if True:\n    sync()\n  end\nend\n";
        assert_eq!(first_program(&format!("{program}stopj(2)\n")), Some(program.len()));
        for cut in 0..program.len() {
            assert_eq!(first_program(&program[..cut]), None, "cut at {cut}");
        }
    }

    #[test]
    fn a_single_line_is_a_program_and_empty_lines_are_none() {
        assert_eq!(first_program("\n  # nothing\n"), None);
        assert_eq!(first_program("\nstopj(2)\nset_tcp"), Some(10));
        assert_eq!(first_program("halt"), None);
    }

    #[test]
    fn text_without_end_is_given_up_at_the_bound() {
        let endless = "def a():\n".to_owned() + &"sync()\n".repeat(limits::PROGRAM_BYTES / 7 + 1);
        assert!(first_program(&endless).is_some_and(|n| n <= limits::PROGRAM_BYTES + 8));
        let one_line = "x".repeat(limits::PROGRAM_BYTES + 1);
        assert_eq!(first_program(&one_line), Some(one_line.len()));
    }
}
