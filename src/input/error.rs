use std::fmt::Display;

use serde::de::DeserializeOwned;

/// A mistake in a user's file or option: which file, which key, what it says, what is valid.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}: {}", Told(self))]
pub struct ConfigError {
    pub file: String,
    pub key: String,
    pub value: String,
    /// What would be valid, as a sentence that follows "must be" or stands alone.
    pub valid: String,
}

/// Key, value and what is valid; a key without a value is said without one.
struct Told<'a>(&'a ConfigError);

impl Display for Told<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let ConfigError { key, value, valid, .. } = self.0;
        match (value.as_str(), valid.starts_with(LACKS)) {
            ("", true) => write!(f, "{key} {valid}"),
            ("", false) => write!(f, "{key}: {valid}"),
            (value, _) => write!(f, "{key} = {value}: {valid}"),
        }
    }
}

/// How a message about a missing key begins.
const LACKS: &str = "lacks ";

/// Collects the checks of one file, so that each reads as one line.
#[derive(Clone, Copy, Debug)]
pub struct Check<'a> {
    pub file: &'a str,
}

impl Check<'_> {
    /// An error for this key unless `ok`. Write conditions so that NaN is not ok.
    pub fn that(
        &self,
        ok: bool,
        key: &str,
        value: impl Display,
        valid: impl Display,
    ) -> Result<(), ConfigError> {
        if ok { Ok(()) } else { Err(self.error(key, value, valid)) }
    }

    /// A finite number within these bounds.
    pub fn within(&self, key: &str, value: f64, low: f64, high: f64) -> Result<(), ConfigError> {
        let ok = (low..=high).contains(&value);
        self.that(ok, key, value, format_args!("must be from {low} to {high}"))
    }

    /// A whole number from 1 to `most`.
    pub fn count(&self, key: &str, value: u64, most: u64) -> Result<(), ConfigError> {
        self.that((1..=most).contains(&value), key, value, format_args!("must be from 1 to {most}"))
    }

    pub fn error(&self, key: &str, value: impl Display, valid: impl Display) -> ConfigError {
        ConfigError {
            file: self.file.to_owned(),
            key: key.to_owned(),
            value: value.to_string(),
            valid: valid.to_string(),
        }
    }
}

/// Reads a TOML text into a typed file. Unknown keys and wrong types become a [`ConfigError`]
/// that names the line's key; the parser's own message says what is valid.
pub fn parse_toml<T: DeserializeOwned>(file: &str, text: &str) -> Result<T, ConfigError> {
    toml::from_str(text).map_err(|error| {
        let line = error.span().map_or("", |span| {
            let start = text[..span.start].rfind('\n').map_or(0, |at| at + 1);
            text[start..].lines().next().unwrap_or("")
        });
        let (key, value) = line.split_once('=').unwrap_or((line, ""));
        let number = error.span().map_or(0, |span| text[..span.start].matches('\n').count() + 1);
        ConfigError {
            file: format!("{file}:{number}"),
            key: key.trim().to_owned(),
            value: value.trim().to_owned(),
            valid: error.message().trim().replace("missing field ", LACKS),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde::Deserialize;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct File {
        #[allow(dead_code)]
        bins: usize,
    }

    #[test]
    fn a_wrong_type_names_file_line_key_and_value() {
        let error = parse_toml::<File>("a.toml", "# first\nbins = \"many\"\n").unwrap_err();
        assert_eq!((error.file.as_str(), error.key.as_str()), ("a.toml:2", "bins"));
        assert_eq!(error.value, "\"many\"");
        assert!(error.valid.contains("expected usize"), "{error}");
    }

    #[test]
    fn a_missing_key_is_named_with_the_section_that_lacks_it() {
        #[derive(Debug, Deserialize)]
        struct Whole {
            #[allow(dead_code)]
            task: File,
        }
        let error = parse_toml::<Whole>("a.toml", "[task]\n").unwrap_err();
        assert_eq!(error.to_string(), "a.toml:1: [task] lacks `bins`");
    }

    #[test]
    fn an_unknown_key_is_answered_with_the_known_ones() {
        let error = parse_toml::<File>("a.toml", "bims = 7\n").unwrap_err();
        assert_eq!(error.key, "bims");
        assert!(error.valid.contains("`bins`"), "{error}");
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(text in "\\PC{0,80}(\n\\PC{0,40}){0,3}") {
            let _ = parse_toml::<File>("a.toml", &text);
        }
    }
}
