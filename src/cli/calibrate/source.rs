use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::Place;
use crate::cli::Failure;
use crate::config::{EyesKind, EyesSpec};
use crate::input::{Check, parse_toml};
use crate::real::camera::{self, Bounds, Camera, Watched};

/// A camera by its address, or as a robot file names it.
#[derive(Debug, clap::Args)]
pub struct Source {
    /// How the camera is asked, instead of the robot file's eyes.kind
    #[arg(long, value_name = "KIND", value_parser = ["snapshot", "mjpeg", "folder", "usb"])]
    kind: Option<String>,
    /// Its address, folder or device, instead of the robot file's
    #[arg(long, value_name = "URL")]
    address: Option<String>,
    /// Robot file that names the camera under [eyes.pick] or [eyes.place]
    #[arg(long, value_name = "FILE")]
    pub robot: Option<PathBuf>,
    /// The camera that looks at this place
    #[arg(long, value_name = "PLACE", value_enum, requires = "robot")]
    camera: Option<Place>,
    /// A frame taken longer ago is not used, ms, instead of eyes.max_age_ms (1000)
    #[arg(long, value_name = "MS")]
    max_age: Option<f64>,
}

/// A camera whose frames are looked at before anybody uses them.
pub type Live = Watched<Box<dyn Camera>>;

/// What a robot file says of its cameras, as far as frames need it: before a lens is known such a file does not load.
#[derive(Debug, Default, Deserialize)]
struct File {
    #[serde(default)]
    eyes: Eyes,
    #[serde(default)]
    real: Real,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Eyes {
    kind: EyesKind,
    pick: Address,
    place: Address,
    max_age_ms: Option<f64>,
    min_sharpness: Option<f64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Address {
    address: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Real {
    eyes_url: Option<String>,
}

impl Source {
    pub fn open(&self) -> Result<Live, Failure> {
        let Told { kind, address, beside, bounds } = self.told()?;
        let opened = camera::open(kind, &address, &beside);
        // Nothing was asked yet: what is wrong is the address.
        let opened = opened.map_err(|error| Failure::Input(error.to_string()))?;
        Ok(Watched::new(opened, bounds))
    }

    fn told(&self) -> Result<Told, Failure> {
        let File { eyes, real } = self.robot.as_deref().map(read).transpose()?.unwrap_or_default();
        let named = self.robot.as_deref().map_or(String::new(), |f| format!("{}: ", f.display()));
        let kind = match &self.kind {
            Some(kind) => kind_of(kind)?,
            None => eyes.kind,
        };
        if kind == EyesKind::Answers {
            let why = "no kind of camera: name one with --kind snapshot, mjpeg, folder or usb";
            let or = ", or in eyes.kind";
            let or = if self.robot.is_some() { or } else { "" };
            return Err(Failure::Input(format!("{named}{why}{or}")));
        }
        if let Some(ms) = self.max_age {
            Check { file: "command line" }.within("--max-age", ms, 10.0, 60e3)?;
        }
        let key = self.camera.map(Place::key);
        let spec = EyesSpec::default();
        let bounds = Bounds {
            max_age_ms: self.max_age.or(eyes.max_age_ms).unwrap_or(spec.max_age_ms),
            min_sharpness: eyes.min_sharpness.unwrap_or(spec.min_sharpness),
        };
        let Eyes { pick, place, .. } = eyes;
        let in_file = match self.camera {
            Some(Place::Pick) => pick.address,
            // One that names no address looks through the other's.
            Some(Place::Place) => place.address.or(pick.address),
            None => None,
        };
        let beside = match (&self.address, self.robot.as_deref().and_then(Path::parent)) {
            (None, Some(folder)) => folder.to_owned(),
            _ => PathBuf::new(),
        };
        let address = self.address.clone().or(in_file).ok_or_else(|| {
            Failure::Input(match key {
                Some(key) => format!("{named}lacks eyes.{key}.address: add it, or name --address"),
                None => "which camera? Name --address, or --robot with --camera".into(),
            })
        })?;
        let http = matches!(kind, EyesKind::Snapshot | EyesKind::Mjpeg);
        let address = match (http && address.starts_with('/'), real.eyes_url) {
            (false, _) => address,
            (true, Some(url)) => format!("{}{address}", url.trim_end_matches('/')),
            (true, None) => {
                let why = "must be a whole address where there is no real.eyes_url";
                return Err(Failure::Input(format!("{named}address = \"{address}\": {why}")));
            }
        };
        Ok(Told { kind, address, beside, bounds })
    }
}

#[derive(Debug)]
struct Told {
    kind: EyesKind,
    address: String,
    beside: PathBuf,
    bounds: Bounds,
}

fn read(path: &Path) -> Result<File, Failure> {
    let told = path.display();
    let text = std::fs::read_to_string(path).map_err(|e| Failure::Input(format!("{told}: {e}")))?;
    Ok(parse_toml(&told.to_string(), &text)?)
}

fn kind_of(name: &str) -> Result<EyesKind, Failure> {
    use serde::de::IntoDeserializer as _;
    let name: serde::de::value::StrDeserializer<'_, serde::de::value::Error> =
        name.into_deserializer();
    EyesKind::deserialize(name).map_err(|e| Failure::Input(format!("--kind: {e}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(kind: Option<&str>, address: Option<&str>, robot: Option<&Path>) -> Source {
        Source {
            kind: kind.map(str::to_owned),
            address: address.map(str::to_owned),
            robot: robot.map(Path::to_owned),
            camera: robot.map(|_| Place::Place),
            max_age: None,
        }
    }

    #[test]
    fn a_camera_is_named_on_the_command_line_or_by_a_file_that_has_no_lens_yet() {
        let told = source(Some("mjpeg"), Some("http://cam:81/s"), None).told().unwrap();
        assert_eq!((told.kind, told.address.as_str()), (EyesKind::Mjpeg, "http://cam:81/s"));
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("r.toml");
        let write = |text: &str| std::fs::write(&file, text).unwrap();
        write(
            "[real]\neyes_url = \"http://h:9/\"\n[eyes]\nkind = \"snapshot\"\nmax_age_ms = 70\n[eyes.pick]\naddress = \"/a.jpg\"\n",
        );
        let told = source(None, None, Some(&file)).told().unwrap();
        assert_eq!((told.kind, told.address.as_str()), (EyesKind::Snapshot, "http://h:9/a.jpg"));
        assert_eq!((told.bounds.max_age_ms, told.bounds.min_sharpness), (70.0, 0.12));
        write("[eyes]\nkind = \"folder\"\n[eyes.place]\naddress = \"shots\"\n");
        let told = source(None, None, Some(&file)).told().unwrap();
        assert_eq!(told.beside.join(told.address), folder.path().join("shots"));
    }

    #[test]
    fn what_is_missing_is_named_with_its_key_or_option() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("r.toml");
        let said = |source: Source| {
            let error = source.told().unwrap_err();
            assert_eq!(error.exit_code(), 2);
            error.to_string()
        };
        assert!(said(source(None, Some("http://cam"), None)).contains("--kind"));
        assert!(said(source(Some("snapshot"), None, None)).contains("--address"));
        assert!(said(source(None, None, Some(&file))).contains("r.toml"));
        for (text, named) in [
            ("", "eyes.kind"),
            ("[eyes]\nkind = \"snapshot\"\n", "eyes.place.address"),
            ("[eyes]\nkind = \"snapshot\"\n[eyes.place]\naddress = \"/a\"\n", "real.eyes_url"),
            ("[eyes]\nkind = \"eye\"\n", "eye"),
            ("eyes = 3", "eyes"),
        ] {
            std::fs::write(&file, text).unwrap();
            let said = said(source(None, None, Some(&file)));
            assert!(said.contains("r.toml") && said.contains(named), "{text}: {said}");
        }
    }
}
