//! Files that cannot mean what they say are refused by the program itself: exit code 2, and a
//! message with file, element and value, before anything moves.

#[allow(dead_code, reason = "shared with the other tests of the binary")]
mod support;

use std::path::Path;

use support::{rmrl, tempdir};

/// One mistake in a file that `rmrl init` wrote.
struct Mistake {
    file: &'static str,
    from: &'static str,
    to: &'static str,
    /// The scene and the robot that are tried with it.
    scene: &'static str,
    robot: &'static str,
    said: &'static [&'static str],
}

const fn mistake(
    file: &'static str,
    from: &'static str,
    to: &'static str,
    said: &'static [&'static str],
) -> Mistake {
    Mistake { file, from, to, scene: "open", robot: "gantry", said }
}

/// In the MJCF: metres.
const MJCF: [Mistake; 16] = [
    // In the way of the hand that backs off, and of the plate that is carried.
    mistake(
        "scenes/open.xml",
        "<site name=\"pick\"",
        "<geom name=\"post\" type=\"box\" pos=\"0.25 0 0.045\" size=\"0.005 0.005 0.045\"/><site name=\"pick\"",
        &["lab/scenes/open.toml", "geom post", "the hand on its move 'withdraw'", "gantry"],
    ),
    mistake(
        "scenes/open.xml",
        "<site name=\"pick\"",
        "<geom name=\"post\" type=\"box\" pos=\"0.25 0 0.075\" size=\"0.005 0.005 0.075\"/><site name=\"pick\"",
        &["lab/scenes/open.toml", "geom post", "the plate on its move 'carry'"],
    ),
    mistake(
        "scenes/open.xml",
        "name=\"view\" pos=\"0 0 0.074\"",
        "name=\"view\" pos=\"0.1 0 0.074\"",
        &["lab/scenes/open.toml", "site view", "-100 mm from the site pick", "within 80 mm"],
    ),
    // What MuJoCo would heed and a scene does not take.
    mistake(
        "scenes/open.xml",
        "<worldbody>",
        "<option gravity=\"0 0 -1\"/><worldbody>",
        &["lab/scenes/open.xml", "element = option", "compiler, worldbody"],
    ),
    mistake(
        "scenes/open.xml",
        "name=\"table\"",
        "name=\"table\" friction=\"9 9 9\"",
        &["lab/scenes/open.xml", "geom table friction = 9 9 9", "name, type, size, rgba"],
    ),
    mistake(
        "scenes/open.xml",
        "name=\"table\"",
        "name=\"table\" sise=\"1 1 1\"",
        &["lab/scenes/open.xml", "geom table sise"],
    ),
    mistake(
        "scenes/open.xml",
        "0.06388 0.04274 0.007175",
        "63.88 42.74 7.175",
        &["lab/scenes/open.xml", "geom plate size", "63.88"],
    ),
    mistake(
        "scenes/open.xml",
        "pos=\"0.2 0 -0.01\"",
        "pos=\"200 0 -10\"",
        &["lab/scenes/open.xml", "geom table pos", "200"],
    ),
    mistake(
        "scenes/open.xml",
        "pos=\"0.010 0 0.030\" size=\"0.035 0.040 0.030\"",
        "pos=\"0.010 0 0.030\" size=\"0.035 0.040 0.035\"",
        &["lab/scenes/open.xml", "site pick", "overlaps geom pick_riser by 5.000 mm"],
    ),
    mistake(
        "scenes/open.xml",
        "pos=\"0.410 0 0.030\" size=\"0.035 0.040 0.030\"",
        "pos=\"0.410 0 0.030\" size=\"0.035 0.040 0.020\"",
        &["lab/scenes/open.xml", "site place", "in the air"],
    ),
    mistake(
        "scenes/open.xml",
        "mass=\"0.1\"",
        "mass=\"0\"",
        &["lab/scenes/open.xml", "geom plate mass", " 0:"],
    ),
    mistake(
        "scenes/open.xml",
        "mass=\"0.1\"",
        "mass=\"nan\"",
        &["lab/scenes/open.xml", "geom plate mass", "NaN"],
    ),
    mistake(
        "scenes/open.xml",
        "pos=\"0.410 0 0.030\"",
        "pos=\"nan 0 0.030\"",
        &["lab/scenes/open.xml", "geom place_riser pos", "NaN"],
    ),
    mistake(
        "scenes/open.xml",
        "pos=\"0.400 0 0.060\"",
        "pos=\"0.400 0 0.060\" euler=\"0 30 0\"",
        &["lab/scenes/open.xml", "site place", "upright"],
    ),
    // The target's riser is a metre away from the target.
    mistake(
        "scenes/open.xml",
        "pos=\"0.410 0 0.030\"",
        "pos=\"1.410 0 0.030\"",
        &["lab/scenes/open.xml", "site place", "in the air"],
    ),
    // A riser that reaches under the plate's rear end, where the lower finger goes.
    mistake(
        "scenes/open.xml",
        "pos=\"0.410 0 0.030\" size=\"0.035",
        "pos=\"0.410 0 0.030\" size=\"0.070",
        &["lab/scenes/open.toml", "geom place_riser", "hand at the target", "gantry"],
    ),
];

/// In the TOML of scenes and robots: millimetres.
const TOML: [Mistake; 17] = [
    // A URDF: its own file is named, with element and value.
    Mistake {
        robot: "ur5e-pinch",
        ..mistake(
            "robots/ur5e.urdf",
            "radius=\"0.042\"",
            "radius=\"-1\"",
            &[
                "lab/robots/ur5e.urdf",
                "link 'wrist_1' collision 1",
                "cylinder radius = -1",
                "from 0.0001",
            ],
        )
    },
    Mistake {
        robot: "ur5e-pinch",
        ..mistake(
            "robots/ur5e-pinch.toml",
            "[gripper]",
            "[[obstacle]]\nname = \"wall\"\npose = { xyz_mm = [-400.0, 200.0, 400.0], rpy_deg = [0.0, 0.0, 0.0] }\nsize_mm = [500.0, 500.0, 500.0]\n[gripper]",
            &["lab/robots/ur5e-pinch.toml", "home_deg", "obstacle wall", "10 mm apart"],
        )
    },
    Mistake {
        robot: "ur5e-pinch",
        ..mistake(
            "robots/ur5e-pinch.toml",
            "clearance_mm = 10.0",
            "shapes = \"non\"\nclearance_mm = 10.0",
            &["lab/robots/ur5e-pinch.toml", "shapes", "`none`"],
        )
    },
    mistake(
        "robots/gantry.toml",
        "[gripper]",
        "[[obstacle]]\nname = \"wall\"\npose = { xyz_mm = [0.0, 0.0, 0.0], rpy_deg = [0.0, 0.0, 0.0] }\nsize_mm = [9.0, 9.0, 9.0]\n[gripper]",
        &["lab/robots/gantry.toml", "obstacle", "a gantry has no links"],
    ),
    // At full speed onto the guides.
    Mistake {
        scene: "shelf",
        ..mistake(
            "scenes/shelf.toml",
            "place_contact_mm = 14.0",
            "place_contact_mm = 11.0",
            &[
                "lab/scenes/shelf.toml",
                "heights.place_contact_mm = 11",
                "above geom guide_",
                "12.0 mm",
            ],
        )
    },
    mistake(
        "robots/gantry.toml",
        "opening_mm = 40.0",
        "opening_mm = 12.0",
        &["lab/robots/gantry.toml", "gripper.opening_mm", "12", "14.35 mm"],
    ),
    Mistake {
        robot: "gantry-side",
        ..mistake(
            "robots/gantry-side.toml",
            "opening_mm = 105.0",
            "opening_mm = 85.0",
            &["lab/robots/gantry-side.toml", "gripper.opening_mm", "85", "85.48 mm"],
        )
    },
    Mistake {
        scene: "hotel",
        ..mistake(
            "scenes/hotel.toml",
            "plate = \"96-well\" ",
            "plate = \"deep-well\" ",
            &["lab/scenes/hotel.toml", "shelf.board_above_mm", "45", "from 62"],
        )
    },
    Mistake {
        scene: "hotel",
        ..mistake(
            "scenes/hotel.toml",
            "plate = \"96-well\" ",
            "plate = { length_mm = 127760.0, width_mm = 85.48, height_mm = 14.35, mass_g = 100.0 } ",
            &["lab/scenes/hotel.toml", "plate.length_mm", "127760"],
        )
    },
    Mistake {
        scene: "hotel",
        ..mistake(
            "scenes/hotel.toml",
            "plate = \"96-well\" ",
            "plate = { length_mm = 127.76, width_mm = 85.48, height_mm = 14.35, mass_g = 0.0 } ",
            &["lab/scenes/hotel.toml", "plate.mass_g", "0"],
        )
    },
    Mistake {
        scene: "hotel",
        ..mistake(
            "scenes/hotel.toml",
            "height_mm = 70.0 ",
            "height_mm = 500.0 ",
            &["lab/scenes/hotel.toml", "site place", "out of reach of robot gantry", "to 400 mm"],
        )
    },
    Mistake {
        scene: "hotel",
        ..mistake(
            "scenes/hotel.toml",
            "height_mm = 70.0 ",
            "height_mm = 0.07 ",
            &["lab/scenes/hotel.toml", "shelf.height_mm", "0.07"],
        )
    },
    Mistake {
        scene: "hotel",
        ..mistake(
            "scenes/hotel.toml",
            "depth_mm = 110.0 ",
            "depth_mm = 135.0 ",
            &["lab/scenes/hotel.toml", "geom board", "into the closed hand at the target"],
        )
    },
    mistake(
        "scenes/open.toml",
        "furniture = 0.3",
        "furniture = nan",
        &["lab/scenes/open.toml", "friction.furniture", "NaN"],
    ),
    mistake(
        "scenes/open.toml",
        "carry_mm = 60.0",
        "carry_mm = 0.06",
        &["lab/scenes/open.toml", "heights.carry_mm", "0.06"],
    ),
    mistake(
        "robots/gantry.toml",
        "workspace_max_mm = [600.0",
        "workspace_max_mm = [300.0",
        &["lab/scenes/open.toml", "site place", "346.1 mm", "out of reach of robot gantry"],
    ),
    mistake(
        "robots/gantry.toml",
        "workspace_max_mm = [600.0",
        "workspace_max_mm = [0.6",
        &["site place", "out of reach of robot gantry", "to 0.6 mm"],
    ),
];

#[test]
fn every_mistake_is_refused_with_file_element_and_value() {
    let dir = tempdir();
    assert_eq!(rmrl(dir.path(), "init lab").code, 0);
    for Mistake { file, from, to, scene, robot, said } in MJCF.iter().chain(&TOML) {
        let path = dir.path().join("lab").join(file);
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{file}: {from}");
        std::fs::write(&path, text.replacen(from, to, 1)).unwrap();
        let args = format!("--scene lab/scenes/{scene}.toml --robot lab/robots/{robot}.toml");
        refused(dir.path(), &format!("trial {args}"), to, said);
        std::fs::write(&path, text).unwrap();
        let mended = rmrl(dir.path(), &format!("trial {args}"));
        assert_eq!(mended.code, 0, "{file}, mended: {}", mended.stderr);
    }
}

#[test]
fn a_comparison_is_refused_as_well_and_leaves_nothing_behind() {
    let dir = tempdir();
    assert_eq!(rmrl(dir.path(), "init lab").code, 0);
    let path = dir.path().join("lab/scenes/open.xml");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replace("mass=\"0.1\"", "mass=\"0\"")).unwrap();
    let args = "compare smoke --set scene=lab/scenes/open.toml";
    refused(dir.path(), args, "mass 0", &["open.xml", "geom plate mass"]);
    let args = "compare smoke --set task.dirt.plate_mass_g=120";
    refused(
        dir.path(),
        args,
        "dirt",
        &["smoke.toml with --set", "task.dirt.plate_mass_g", "-120", "100"],
    );
    let args = "compare smoke --set task.dirt.exposure=0.8 \
                --set task.drift=[{key=\"exposure\",at=1,to=-0.5}]";
    refused(dir.path(), args, "black", &["task.dirt.exposure", "-1.3", "0.05 of the 1"]);
    let path = dir.path().join("lab/experiments/smoke.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replace("[task]", "[task]\nrange = { mm = 15.0, deg = 3.0 }"))
        .unwrap();
    let args = "compare lab/experiments/smoke.toml";
    refused(dir.path(), args, "range", &["lab/experiments/smoke.toml: task.range.mm = 15", "12"]);
    assert!(!dir.path().join("runs").exists());
}

fn refused(dir: &Path, args: &str, case: &str, said: &[&str]) {
    let outcome = rmrl(dir, args);
    assert_eq!(outcome.code, 2, "{case}: {}", outcome.stderr);
    for part in said {
        let missing = !outcome.stderr.contains(part);
        assert!(!missing, "{case}: '{part}' is missing in: {}", outcome.stderr);
    }
}
