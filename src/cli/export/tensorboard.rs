use std::io::Write;

use super::checkpoints::checkpoints;
use super::scalars::scalars;
use super::{Source, Unborn, events};
use crate::cli::Failure;
use crate::input::sha256;
use crate::store::{RunInfo, Table};

/// Writes an event file a run, below EXPERIMENT/METHOD/SEED. Returns how many there are.
pub fn write(sources: &[Source], unborn: &mut Unborn) -> Result<usize, Failure> {
    for (at, source) in sources.iter().enumerate() {
        let store = source.store()?;
        let trials = store.trial_table()?;
        let Some(began) = began(&trials) else {
            let what = format!("{}: holds no trial yet", source.path.display());
            return Err(Failure::Input(what));
        };
        let told = scalars(&trials, &store.batch_table()?, &checkpoints(source, &store, &trials)?);
        eprintln!("{}/{}: {}: {} scalars", at + 1, sources.len(), source.name(), told.len());
        let experiment = source.experiment()?.name;
        let file = format!(
            "{experiment}/{}/events.out.tfevents.{}.rmrl",
            source.name(),
            identity(&source.info, began)
        );
        let written = unborn.create(&file)?.write_all(&events::file(&told));
        written.map_err(|error| unborn.failed(error))?;
        unborn.wrote(&file, told.len() as u64);
    }
    Ok(sources.len())
}

/// When the first trial was written down.
fn began(trials: &Table) -> Option<f64> {
    let times = trials.rows.iter().map(|row| trials.at(row, "intended_unix_s").real());
    let earliest = |a: f64, b: f64| if b < a { b } else { a };
    if trials.rows.is_empty() {
        return None;
    }
    Some(times.flatten().reduce(earliest).unwrap_or(f64::NAN))
}

/// Names a run whatever its file is called, as the Python package does: what it was made of, and when it
/// began. Each program then takes the place of what the other wrote.
fn identity(info: &RunInfo, began: f64) -> String {
    let provenance = serde_json::to_string(&info.provenance).unwrap_or_default();
    let backend = &info.provenance.backend;
    let seed = info.seed.to_string();
    let texts = [&info.experiment, &info.method, &seed, backend, &provenance];
    let mut parts: Vec<String> = texts.into_iter().map(|text| quoted(text)).collect();
    parts.push(format!("{began:?}"));
    let mut name = sha256(format!("[{}]", parts.join(", ")));
    name.truncate(16);
    name
}

/// A JSON text as Python's `json.dumps` writes it: ASCII only.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out += "\\\"",
            '\\' => out += "\\\\",
            '\n' => out += "\\n",
            '\r' => out += "\\r",
            '\t' => out += "\\t",
            '\u{8}' => out += "\\b",
            '\u{c}' => out += "\\f",
            ' '..='~' => out.push(c),
            other => {
                let mut units = [0; 2];
                for unit in other.encode_utf16(&mut units) {
                    out += &format!("\\u{unit:04x}");
                }
            }
        }
    }
    out + "\""
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_quoted_as_python_quotes_them() {
        // json.dumps("a\"\\\n\x7f\x01ü\U0001f916")
        let said = quoted("a\"\\\n\u{7f}\u{1}ü\u{1f916}");
        assert_eq!(said, r#""a\"\\\n\u007f\u0001\u00fc\ud83e\udd16""#);
        let again: String = serde_json::from_str(&said).unwrap();
        assert_eq!(again, "a\"\\\n\u{7f}\u{1}ü\u{1f916}");
    }
}
