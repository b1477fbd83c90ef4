use std::path::PathBuf;

use super::out::say;
use crate::cli::Failure;
use crate::config::{Frame, Robot};
use crate::real::{Site, measured_frame};

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  rmrl teach my-arm.toml pick      the hand grips the plate that lies nominal on its riser
  rmrl teach my-arm.toml place     the hand grips the plate that lies perfect on its target
  rmrl teach my-arm.toml view      the arm stands where the camera sees the plate past it

Move the arm by hand (freedrive), let go, then run this: it reads the measured pose and stores it
in the file, which keeps its comments. Nothing moves.")]
pub struct Args {
    /// Robot file with the sections [arm] and [real]
    file: PathBuf,
    /// Which pose the arm stands in
    place: Spot,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Spot {
    Pick,
    Place,
    View,
}

pub fn run(args: Args) -> Result<(), Failure> {
    let path = args.file.display().to_string();
    let mut robot = Robot::named(&path)?;
    // What was taught before may be what is wrong.
    if let Some(real) = &mut robot.real {
        (real.pick, real.place, real.view) = (None, None, None);
    }
    let frame = measured_frame(&Site::new(&robot)?)?;
    let key = match args.place {
        Spot::Pick => "pick",
        Spot::Place => "place",
        Spot::View => "view",
    };
    let text =
        std::fs::read_to_string(&args.file).map_err(|e| Failure::Input(format!("{path}: {e}")))?;
    let text = with_frame(&text, key, &frame)
        .map_err(|e| Failure::Input(format!("{path}: cannot be edited: {e}")))?;
    // What is stored must load again, before it replaces what did.
    let beside = args.file.with_extension("taught.toml");
    let io = |e: std::io::Error| Failure::Work(anyhow::anyhow!("{}: {e}", beside.display()));
    std::fs::write(&beside, &text).map_err(io)?;
    let taught = Robot::named(&beside.display().to_string());
    if let Err(error) = taught.and_then(|robot| Site::new(&robot)) {
        let _ = std::fs::remove_file(&beside);
        return Err(error.into());
    }
    std::fs::rename(&beside, &args.file).map_err(io)?;
    say!("{path}: real.{key} = {}", toml_of(&frame))?;
    Ok(())
}

fn with_frame(text: &str, key: &str, frame: &Frame) -> Result<String, toml_edit::TomlError> {
    let mut document: toml_edit::DocumentMut = text.parse()?;
    let value: toml_edit::Value = toml_of(frame).parse()?;
    let section = document.entry("real").or_insert(toml_edit::table());
    match section.get_mut(key).and_then(toml_edit::Item::as_value_mut) {
        // The comment behind the old value stays.
        Some(old) => {
            let decor = old.decor().clone();
            *old = value;
            *old.decor_mut() = decor;
        }
        None => section[key] = toml_edit::value(value),
    }
    Ok(document.to_string())
}

fn toml_of(frame: &Frame) -> String {
    let list = |numbers: [f64; 3]| {
        let numbers = numbers.map(|x| format!("{x:?}"));
        format!("[{}]", numbers.join(", "))
    };
    format!("{{ xyz_mm = {}, rpy_deg = {} }}", list(frame.xyz_mm), list(frame.rpy_deg))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taught_pose_enters_the_file_and_every_comment_stays() {
        let frame = Frame { xyz_mm: [1.0, -2.5, 3.0], rpy_deg: [180.0, 0.0, 90.0] };
        let text = "# mine\nkind = \"ur5e\"\n\n[real] # the lab\nhost = \"10.0.0.2\" # upstairs\n\
                    pick = { xyz_mm = [0, 0, 0], rpy_deg = [0, 0, 0] } # measured in May\n";
        let taught = with_frame(text, "pick", &frame).unwrap();
        for kept in ["# mine", "[real] # the lab", "# upstairs", "# measured in May"] {
            assert!(taught.contains(kept), "{taught}");
        }
        let pose = "{ xyz_mm = [1.0, -2.5, 3.0], rpy_deg = [180.0, 0.0, 90.0] }";
        assert!(taught.contains(&format!("pick = {pose} # measured")), "{taught}");
        let both = with_frame(&taught, "view", &frame).unwrap();
        assert!(both.contains(&format!("view = {pose}")) && both.contains("pick = "), "{both}");
    }
}
