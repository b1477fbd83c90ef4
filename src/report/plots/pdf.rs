/// The same PDF with the entries of each resource dictionary sorted.
///
/// svg2pdf 0.13 writes them in the order of a hash map, so that equal figures would give unequal
/// bytes. An entry is a line like `/gs12 34 0 R`; neighbouring ones are exchanged as whole lines,
/// so no byte after them moves and the cross-reference table still holds.
pub(super) fn in_fixed_order(pdf: Vec<u8>) -> Vec<u8> {
    let mut lines: Vec<&[u8]> = pdf.split_inclusive(|&byte| byte == b'\n').collect();
    for entries in lines.chunk_by_mut(|a, b| is_entry(a) && is_entry(b)) {
        entries.sort_unstable();
    }
    lines.concat()
}

/// Indentation, a name such as `/xo3`, and a reference to an object.
fn is_entry(line: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(line) else { return false };
    let words: Vec<&str> = text.split_ascii_whitespace().collect();
    let [name, object, "0", "R"] = words[..] else { return false };
    let kind = name.trim_end_matches(|c: char| c.is_ascii_digit());
    text.starts_with(' ')
        && matches!(kind, "/gs" | "/xo" | "/sh" | "/po" | "/fo" | "/cs")
        && object.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_sorted_within_their_dictionary_and_nothing_else_moves() {
        let pdf = b"<<\n  /xo2 9 0 R\n  /xo1 8 0 R\n>>\n<<\n  /gs0 7 0 R\n>>\n  /Parent 2 0 R\n";
        let sorted = b"<<\n  /xo1 8 0 R\n  /xo2 9 0 R\n>>\n<<\n  /gs0 7 0 R\n>>\n  /Parent 2 0 R\n";
        assert_eq!(in_fixed_order(pdf.to_vec()), sorted.to_vec());
    }
}
