use std::fs::File;
use std::io::{self, BufWriter, Write};

use super::sheets::Sheet;
use crate::store::{Column, Table, Value};

/// Comma-separated values as RFC 4180 has them, with a head; an empty field is null, a flag 1 or 0. A number
/// reads back as the very number that it was.
pub struct Csv(BufWriter<File>);

impl Sheet for Csv {
    const END: &'static str = "csv";

    fn begin(file: File, columns: &[Column]) -> io::Result<Self> {
        let mut out = BufWriter::new(file);
        line(&mut out, columns.iter().map(|column| field(&column.name)))?;
        Ok(Self(out))
    }

    fn add(&mut self, table: &Table) -> io::Result<()> {
        table.rows.iter().try_for_each(|row| line(&mut self.0, row.iter().map(text)))
    }

    fn finish(mut self) -> io::Result<()> {
        self.0.flush()
    }
}

fn line(out: &mut impl Write, fields: impl Iterator<Item = String>) -> io::Result<()> {
    writeln!(out, "{}", fields.collect::<Vec<_>>().join(","))
}

fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::Integer(value) => value.to_string(),
        // The shortest that reads back the same.
        Value::Real(value) => format!("{value:?}"),
        Value::Text(text) => field(text),
        Value::Bytes(bytes) => bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
    }
}

/// Quoted where it must be. An empty text is quoted too: an empty field is null.
fn field(text: &str) -> String {
    let quoted = text.is_empty() || text.contains([',', '"', '\n', '\r']);
    if quoted { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn texts_are_quoted_where_they_must_be_and_nothing_is_null() {
        let said = |value: &Value| text(value);
        assert_eq!(said(&Value::Text("a,\"b\"\n".into())), "\"a,\"\"b\"\"\n\"");
        assert_eq!(said(&Value::Text(String::new())), "\"\"");
        assert_eq!(said(&Value::Null), "");
        assert_eq!(said(&Value::Real(0.0)), "0.0");
        assert_eq!(said(&Value::Integer(-3)), "-3");
    }

    proptest! {
        #[test]
        fn a_number_reads_back_as_it_was(value in proptest::num::f64::NORMAL) {
            let again: f64 = text(&Value::Real(value)).parse().unwrap();
            prop_assert_eq!(again.to_bits(), value.to_bits());
        }
    }
}
