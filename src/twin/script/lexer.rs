//! Words of a program: names, numbers, strings, marks, and the ends of lines.

use super::ScriptError;

#[derive(Debug, Clone, PartialEq)]
pub struct Token {
    pub line: u32,
    pub kind: TokenKind,
}

#[derive(Debug, Clone, PartialEq)]
pub enum TokenKind {
    /// A name or a keyword.
    Word(String),
    Int(i32),
    Float(f64),
    Str(String),
    /// An operator, bracket, comma, colon or `=`.
    Mark(&'static str),
    /// End of a line outside of brackets.
    Newline,
    End,
}

/// Longest first, so that `<=` is not read as `<`.
const MARKS: [&str; 18] =
    ["==", "!=", "<=", ">=", "<", ">", "=", "+", "-", "*", "/", "%", "(", ")", "[", "]", ",", ":"];

/// All words of a text, [`TokenKind::End`] last.
///
/// Comments (`#`) and label lines (`$`) are left out, and so are ends of lines within brackets.
pub fn tokens(text: &str) -> Result<Vec<Token>, ScriptError> {
    let mut tokens = Vec::new();
    let mut open_brackets = 0_usize;
    let mut line = 0;
    for row in text.lines() {
        line += 1;
        let mut rest = row.trim_start();
        if rest.starts_with('$') {
            continue;
        }
        while let Some(first) = rest.chars().next() {
            if first == '#' {
                break;
            }
            let (kind, length) = next(rest, first).map_err(|m| ScriptError::new(line, m))?;
            match kind {
                TokenKind::Mark("(" | "[") => open_brackets += 1,
                TokenKind::Mark(")" | "]") => open_brackets = open_brackets.saturating_sub(1),
                _ => {}
            }
            tokens.push(Token { line, kind });
            rest = rest.get(length..).unwrap_or("").trim_start();
        }
        if open_brackets == 0 {
            tokens.push(Token { line, kind: TokenKind::Newline });
        }
    }
    tokens.push(Token { line: line.max(1), kind: TokenKind::End });
    Ok(tokens)
}

/// The word that `text` begins with, and its length in bytes.
fn next(text: &str, first: char) -> Result<(TokenKind, usize), String> {
    if first.is_ascii_alphabetic() || first == '_' {
        let word = leading(text, |c| c.is_ascii_alphanumeric() || c == '_');
        return Ok((TokenKind::Word(word.to_owned()), word.len()));
    }
    let second = text.chars().nth(1);
    if first.is_ascii_digit() || first == '.' && second.is_some_and(|c| c.is_ascii_digit()) {
        return number(text);
    }
    if first == '"' {
        let inside = text.get(1..).unwrap_or("");
        let end = inside.find('"').ok_or("a string is not closed")?;
        let string = inside.get(..end).unwrap_or("");
        return Ok((TokenKind::Str(string.to_owned()), end + 2));
    }
    MARKS
        .iter()
        .find(|mark| text.starts_with(**mark))
        .map(|mark| (TokenKind::Mark(mark), mark.len()))
        .ok_or_else(|| format!("unexpected character '{}'", first.escape_default()))
}

/// `12`, `0x1F`, `.5`, `1.`, `2e-3`.
fn number(text: &str) -> Result<(TokenKind, usize), String> {
    if let Some(digits) = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        let digits = leading(digits, |c| c.is_ascii_hexdigit());
        let value = u32::from_str_radix(digits, 16)
            .map_err(|_| format!("0x{digits} is not a number of 32 bits"))?;
        return Ok((TokenKind::Int(value.cast_signed()), digits.len() + 2));
    }
    let mut length = leading(text, |c| c.is_ascii_digit() || c == '.').len();
    let after = text.get(length..).unwrap_or("");
    if let Some(exponent) = after.strip_prefix(['e', 'E']) {
        let unsigned = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        let digits = leading(unsigned, |c| c.is_ascii_digit());
        if !digits.is_empty() {
            length += 1 + (exponent.len() - unsigned.len()) + digits.len();
        }
    }
    let written = text.get(..length).unwrap_or("");
    let kind = if written.bytes().all(|b| b.is_ascii_digit()) {
        written.parse().map(TokenKind::Int).map_err(|_| format!("{written} exceeds 32 bits"))?
    } else {
        written.parse().map(TokenKind::Float).map_err(|_| format!("'{written}' is no number"))?
    };
    Ok((kind, length))
}

fn leading(text: &str, belongs: impl Fn(char) -> bool) -> &str {
    let end = text.find(|c| !belongs(c)).unwrap_or(text.len());
    text.get(..end).unwrap_or("")
}
