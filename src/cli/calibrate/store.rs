use std::path::Path;

use crate::cli::Failure;
use crate::config::{Frame, Robot};
use crate::eyes::Lens;

/// Puts keys into a section of a robot file, which keeps its comments, and takes the `old` ones out; other keys stay.
/// Says which of the old ones were there.
pub fn store(
    file: &Path,
    sections: &[&str],
    keys: &[(&str, String)],
    old: &[&str],
) -> Result<Vec<String>, Failure> {
    let told = file.display();
    let text = std::fs::read_to_string(file).map_err(|e| Failure::Input(format!("{told}: {e}")))?;
    let (text, gone) = with(&text, sections, keys, old)
        .map_err(|why| Failure::Input(format!("{told}: cannot be edited: {why}")))?;
    // What is stored must load again, before it replaces what did, as a whole.
    Robot::parse(&told.to_string(), &text)?;
    let beside = file.with_extension("calibrated.toml");
    let io = |e: std::io::Error| Failure::Work(anyhow::anyhow!("{}: {e}", beside.display()));
    std::fs::write(&beside, text).map_err(io)?;
    std::fs::rename(&beside, file).map_err(io)?;
    Ok(gone)
}

fn with(
    text: &str,
    sections: &[&str],
    keys: &[(&str, String)],
    old: &[&str],
) -> Result<(String, Vec<String>), String> {
    let mut document: toml_edit::DocumentMut = text.parse().map_err(line)?;
    let mut table = document.as_table_mut() as &mut dyn toml_edit::TableLike;
    for section in sections {
        let named = || format!("`{section}` is no section");
        let inner = table.entry(section).or_insert(toml_edit::table());
        table = inner.as_table_like_mut().ok_or_else(named)?;
    }
    for (key, value) in keys {
        let value: toml_edit::Value = value.parse().map_err(line)?;
        match table.get_mut(key).and_then(toml_edit::Item::as_value_mut) {
            // The comment behind the old value stays.
            Some(old) => {
                let decor = old.decor().clone();
                *old = value;
                *old.decor_mut() = decor;
            }
            None => drop(table.insert(key, toml_edit::value(value))),
        }
    }
    let gone = old.iter().filter(|key| table.remove(key).is_some()).map(|key| (*key).to_owned());
    let gone = gone.collect();
    Ok((document.to_string(), gone))
}

fn line(error: toml_edit::TomlError) -> String {
    error.to_string().trim().to_owned()
}

/// As TOML: sizes and focal lengths to a thousandth of a pixel, distortion to a millionth.
pub fn lens(lens: &Lens) -> String {
    let Lens { width, height, .. } = lens;
    let pixels = [("fx", lens.fx), ("fy", lens.fy), ("cx", lens.cx), ("cy", lens.cy)];
    let distortion =
        [("k1", lens.k1), ("k2", lens.k2), ("p1", lens.p1), ("p2", lens.p2), ("k3", lens.k3)];
    let mut text = format!("{{ width = {width}, height = {height}");
    for (key, value) in pixels {
        text += &format!(", {key} = {:?}", (value * 1e3).round() / 1e3);
    }
    for (key, value) in distortion {
        text += &format!(", {key} = {:?}", (value * 1e6).round() / 1e6);
    }
    text + " }"
}

pub fn frame(frame: &Frame) -> String {
    format!("{{ xyz_mm = {:?}, rpy_deg = {:?} }}", frame.xyz_mm, frame.rpy_deg)
}

pub fn rounded(value: f64) -> String {
    format!("{:?}", (value * 1e4).round() / 1e4)
}

/// The lens in a robot file's section.
pub fn lens_in_robot(file: &Path, sections: &[&str]) -> Result<Lens, Failure> {
    let told = file.display();
    let text = std::fs::read_to_string(file).map_err(|e| Failure::Input(format!("{told}: {e}")))?;
    let table: toml::Table =
        toml::from_str(&text).map_err(|e| Failure::Input(format!("{told}: {}", e.message())))?;
    let mut section = Some(&table);
    for name in sections {
        section = section.and_then(|table| table.get(*name)).and_then(toml::Value::as_table);
    }
    let key = format!("{}.lens", sections.join("."));
    let lens = section.and_then(|table| table.get("lens")).ok_or_else(|| {
        let advice = format!("store it with rmrl calibrate camera --robot {told}");
        Failure::Input(format!("{told}: lacks {key}: {advice}"))
    })?;
    let lens: Lens = lens
        .clone()
        .try_into()
        .map_err(|e: toml::de::Error| Failure::Input(format!("{told}: {key}: {}", e.message())))?;
    lens.check().map_err(|e| Failure::Input(format!("{told}: {key}.{e}")))?;
    Ok(lens)
}

/// The lens in what `rmrl calibrate camera --json` wrote.
pub fn lens_in_json(file: &Path) -> Result<Lens, Failure> {
    let told = file.display();
    let text = std::fs::read_to_string(file).map_err(|e| Failure::Input(format!("{told}: {e}")))?;
    let wrong = |e: serde_json::Error| Failure::Input(format!("{told}: {e}"));
    let mut whole: serde_json::Value = serde_json::from_str(&text).map_err(wrong)?;
    let lens = whole.get_mut("lens").map(serde_json::Value::take);
    let lens = lens.ok_or_else(|| Failure::Input(format!("{told}: lacks \"lens\"")))?;
    let lens: Lens = serde_json::from_value(lens).map_err(wrong)?;
    lens.check().map_err(|e| Failure::Input(format!("{told}: lens.{e}")))?;
    Ok(lens)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn some() -> Lens {
        Lens { k1: -0.1234567, p2: 1e-7, ..Lens::ideal(1280, 960, 60.0) }
    }

    #[test]
    fn keys_enter_their_section_and_every_comment_stays() {
        let text = "# mine\nkind = \"ur5e\"\n\n[eyes] # two cameras\nkind = \"snapshot\"\n\
                    [eyes.place]\nlens = { width = 1 } # of May\n";
        let keys = [("lens", lens(&some())), ("lens_residual_px", rounded(0.08123))];
        let (new, gone) = with(text, &["eyes", "place"], &keys, &["taught"]).unwrap();
        assert!(gone.is_empty());
        for kept in ["# mine", "[eyes] # two cameras", "# of May", "kind = \"snapshot\""] {
            assert!(new.contains(kept), "{new}");
        }
        let table: toml::Table = new.parse().unwrap();
        assert_eq!(table["eyes"]["place"]["lens"]["k1"].as_float(), Some(-0.123457));
        assert_eq!(table["eyes"]["place"]["lens_residual_px"].as_float(), Some(0.0812));
        // Sections that are not there yet.
        let (new, _) = with(&new, &["eyes", "pick"], &keys[..1], &[]).unwrap();
        let table: toml::Table = new.parse().unwrap();
        assert_eq!(table["eyes"]["pick"]["lens"]["width"].as_integer(), Some(1280));
        assert!(with("eyes = 3\n", &["eyes"], &keys, &[]).unwrap_err().contains("`eyes`"));
        assert!(with("eyes = [", &["eyes"], &keys, &[]).is_err());
    }

    #[test]
    fn what_is_old_goes_and_is_told_however_it_was_written() {
        for taught in [
            "[eyes.pick]\ntaught = { lid = 1 }\n",
            "[eyes.pick] # one\nplate = \"lid\" # two\n\n[eyes.pick.taught] # gone\nlid = 1\n\n[twin] # three\n",
            "[eyes]\npick = { taught = { lid = 1 } }\n",
        ] {
            let keys = [("lens", lens(&some()))];
            let (new, gone) = with(taught, &["eyes", "pick"], &keys, &["taught"]).unwrap();
            assert_eq!(gone, ["taught"]);
            let table: toml::Table = new.parse().unwrap();
            assert!(table["eyes"]["pick"].get("taught").is_none(), "{new}");
            assert!(table["eyes"]["pick"].get("lens").is_some(), "{new}");
            for kept in ["# one", "# two", "# three"] {
                assert_eq!(new.contains(kept), taught.contains(kept), "{new}");
            }
            // And a section within it comes anew.
            let keys = [("lid", "2".to_owned())];
            let (new, _) = with(&new, &["eyes", "pick", "taught"], &keys, &["outline"]).unwrap();
            let table: toml::Table = new.parse().unwrap();
            assert_eq!(table["eyes"]["pick"]["taught"]["lid"].as_integer(), Some(2), "{new}");
        }
    }

    #[test]
    fn a_stored_lens_is_read_again_and_a_wrong_one_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("r.toml");
        let write = |text: &str| std::fs::write(&file, text).unwrap();
        write(crate::cli::calibrate::tests::robot(folder.path()).as_str());
        store(&file, &["eyes", "pick"], &[("lens", lens(&some()))], &["taught"]).unwrap();
        let read = lens_in_robot(&file, &["eyes", "pick"]).unwrap();
        assert!((read.fx - some().fx).abs() < 1e-3 && (read.k1 - some().k1).abs() < 1e-6);
        let text = std::fs::read_to_string(&file).unwrap();
        let said = store(&file, &["eyes", "pick"], &[("lense", lens(&some()))], &[]).unwrap_err();
        let said = said.to_string();
        assert!(said.contains("r.toml") && said.contains("lense"), "{said}");
        assert_eq!(
            std::fs::read_to_string(&file).unwrap(),
            text,
            "what would not load is not stored"
        );
        assert_eq!(
            std::fs::read_dir(folder.path()).unwrap().count(),
            2,
            "nothing is left beside it"
        );
        let said =
            |section: &str| lens_in_robot(&file, &["eyes", section]).unwrap_err().to_string();
        assert!(said("place").contains("lacks eyes.place.lens"), "{}", said("place"));
        write(
            "[eyes.place.lens]\nwidth = 1280\nheight = 960\nfx = -1.0\nfy = 1.0\ncx = 1.0\ncy = 1.0\n",
        );
        assert!(said("place").contains("eyes.place.lens.fx = -1"), "{}", said("place"));
        write("[eyes.place.lens]\nwidht = 1280\n");
        assert!(said("place").contains("widht"), "{}", said("place"));
        let json = folder.path().join("lens.json");
        std::fs::write(&json, serde_json::json!({ "lens": some() }).to_string()).unwrap();
        assert_eq!(lens_in_json(&json).unwrap(), some());
        std::fs::write(&json, "{}").unwrap();
        assert!(lens_in_json(&json).unwrap_err().to_string().contains("lacks \"lens\""));
    }

    proptest! {
        #[test]
        fn no_text_makes_the_editor_panic(text in "\\PC{0,60}(\n\\PC{0,40}){0,3}") {
            let _ = with(&text, &["eyes", "pick"], &[("lens", "1".into())], &["taught"]);
        }
    }
}
