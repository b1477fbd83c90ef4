use std::path::{Path, PathBuf};

/// What a file in this folder names: a built-in name stays, the path of a file becomes absolute, so that
/// it is found from anywhere.
pub fn anchored(folder: &Path, name_or_path: &str) -> String {
    let path = Path::new(name_or_path);
    if path.extension().is_none() || path.is_absolute() {
        return name_or_path.to_owned();
    }
    let absolute = std::path::absolute(folder.join(path)).unwrap_or_else(|_| folder.join(path));
    let mut plain = PathBuf::new();
    for part in absolute.components() {
        match part {
            std::path::Component::ParentDir => drop(plain.pop()),
            part => plain.push(part),
        }
    }
    plain.display().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_starts_from_the_folder_of_the_file_that_names_it_and_a_name_does_not() {
        let lab = Path::new("/lab/experiments");
        assert_eq!(anchored(lab, "shelf"), "shelf");
        assert_eq!(anchored(lab, "../scenes/mine.toml"), "/lab/scenes/mine.toml");
        assert_eq!(anchored(lab, "/else/mine.toml"), "/else/mine.toml");
    }
}
