use std::fmt;
use std::ops::Deref;

use serde::{Serialize, Serializer};

use super::scene::stem;

/// Which file something was read from, as the user gave it: for messages only. Any two are equal,
/// because a thing is the same wherever its file lies.
#[derive(Clone, Default)]
pub struct Source(Option<String>);

/// The name of a scene or a robot, and the file that it was read from.
///
/// It prints, compares and is hashed as the name alone: what a run is known by must not hang on
/// where a file lies.
#[derive(Clone)]
pub struct Named {
    name: String,
    source: Source,
}

impl Source {
    pub(super) fn of(file: &str) -> Self {
        Self(Some(file.to_owned()))
    }

    /// What a message calls it; of something that no file says, what it would stand in.
    pub fn or<'a>(&'a self, otherwise: &'a str) -> &'a str {
        self.0.as_deref().unwrap_or(otherwise)
    }
}

impl Named {
    /// After the file's stem.
    pub(super) fn after(file: &str) -> Self {
        Self { name: stem(file), source: Source::of(file) }
    }

    /// The file as the user gave it.
    pub fn file(&self) -> &str {
        self.source.or(&self.name)
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

impl Deref for Named {
    type Target = str;

    fn deref(&self) -> &str {
        &self.name
    }
}

impl PartialEq for Named {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl fmt::Debug for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.name, f)
    }
}

impl fmt::Display for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.name, f)
    }
}

impl Serialize for Named {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.name)
    }
}

#[cfg(test)]
mod tests {
    use crate::config::{Robot, Scene};

    #[test]
    fn where_a_file_lies_does_not_enter_what_is_hashed_of_it() {
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in crate::config::embedded_files() {
            let path = dir.path().join(&name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let at = |file: &str| dir.path().join(file).display().to_string();
        let (built_in, copied) = (Scene::named("shelf"), Scene::named(&at("scenes/shelf.toml")));
        let (built_in, copied) = (built_in.unwrap(), copied.unwrap());
        assert_eq!(format!("{built_in:?}"), format!("{copied:?}"));
        assert_eq!(built_in, copied);
        assert_eq!(copied.name.file(), at("scenes/shelf.toml"));
        let (built_in, copied) = (Robot::named("gantry"), Robot::named(&at("robots/gantry.toml")));
        let (built_in, copied) = (built_in.unwrap(), copied.unwrap());
        assert_eq!(format!("{built_in:?}"), format!("{copied:?}"));
        assert_eq!(copied.name.file(), at("robots/gantry.toml"));
    }
}
