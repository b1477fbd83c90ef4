use std::fmt;
use std::ops::Deref;

use serde::{Serialize, Serializer};

use super::scene::stem;
use crate::input::Source;

/// The name of a scene or a robot, and the file that it was read from.
///
/// It prints, compares and is hashed as the name alone: what a run is known by must not hang on
/// where a file lies.
#[derive(Clone)]
pub struct Named {
    name: String,
    source: Source,
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
        let scenes = Scene::FILES.iter().map(|(n, t)| (format!("scenes/{n}"), *t));
        let robots = Robot::FILES.iter().map(|(n, t)| (format!("robots/{n}"), *t));
        for (name, text) in scenes.chain(robots) {
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
