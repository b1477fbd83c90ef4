use std::fmt;

/// Which file something was read from, as the user gave it: for messages only. Any two are equal,
/// because a thing is the same wherever its file lies.
#[derive(Clone, Default)]
pub struct Source(Option<String>);

impl Source {
    pub fn of(file: &str) -> Self {
        Self(Some(file.to_owned()))
    }

    /// What a message calls it; of something that no file says, what it would stand in.
    pub fn or<'a>(&'a self, otherwise: &'a str) -> &'a str {
        self.0.as_deref().unwrap_or(otherwise)
    }
}

impl PartialEq for Source {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("_")
    }
}
