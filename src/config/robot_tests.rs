use super::*;

fn edited(old: &str, new: &str) -> ConfigError {
    let text = embedded("ur5e-pinch.toml").unwrap();
    assert!(text.contains(old), "{old}");
    let urdf = |name: &str| embedded(name).map(str::to_owned).ok_or("is not there".to_owned());
    let read = Robot::read("mine.toml", &text.replacen(old, new, 1), &urdf);
    read.and_then(|robot| robot.check_home()).unwrap_err()
}

#[test]
fn every_built_in_robot_loads() {
    for name in Robot::NAMES {
        let robot = Robot::named(name).unwrap();
        assert_eq!(robot.arm.is_some(), robot.kind != RobotKind::Gantry, "{name}");
    }
}

#[test]
fn the_arms_home_holds_the_gripper_level_behind_the_pick_place() {
    let home = Robot::named("ur5e-pinch").unwrap().world_from_home;
    assert!((home.translation.vector - Vector3::new(-0.14, 0.0, 0.2)).norm() < 1e-4, "{home}");
    assert!(home.rotation.angle() < 1e-4, "{home}");
}

#[test]
fn a_robot_file_finds_the_urdf_beside_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mine.toml");
    std::fs::write(&file, embedded("ur5e-pinch.toml").unwrap()).unwrap();
    let missing = Robot::named(file.to_str().unwrap()).unwrap_err();
    assert_eq!((missing.key.as_str(), missing.value.as_str()), ("arm.urdf", "ur5e.urdf"));
    std::fs::write(folder.path().join("ur5e.urdf"), embedded("ur5e.urdf").unwrap()).unwrap();
    assert!(Robot::named(file.to_str().unwrap()).is_ok());
}

#[test]
fn wrong_keys_of_an_arm_are_named_with_what_is_valid() {
    let cases = [
        ("home_deg = [-33.624", "home_deg = [400.0", "home_deg[1]", "from -360 to 360"),
        ("-99.333, -126.677", "-99.333, 176.0", "home_deg", "10 mm apart"),
        ("urdf = \"ur5e.urdf\"", "urdf = \"kuka.urdf\"", "arm.urdf", "not there"),
        (
            "joint_speed_deg_s = [90.0",
            "joint_speed_deg_s = [190.0",
            "arm.joint_speed_deg_s[1]",
            "180",
        ),
        ("joint_min_deg = [-360.0", "joint_min_deg = [nan", "arm.joint_min_deg[1]", "from -360"),
        ("clearance_mm = 10.0", "clearance_mm = -1.0", "arm.clearance_mm", "from 1"),
        ("kind = \"ur5e\"", "kind = \"gantry\"", "arm", "no joints"),
        ("[-620.0, 300.0, 0.0]", "[-1620.0, 300.0, 0.0]", "home_deg (tool, mm)", "from -300"),
    ];
    for (old, new, key, valid) in cases {
        let error = edited(old, new);
        assert_eq!(error.key, key, "{error}");
        assert!(error.to_string().contains(valid), "{error}");
    }
}

#[test]
fn a_kind_has_the_keys_that_belong_to_it() {
    let gantry = embedded("gantry.toml").unwrap();
    let error = Robot::parse("a.toml", &gantry.replace("\"gantry\"", "\"ur5e\"")).unwrap_err();
    assert_eq!(error.key, "home_mm", "{error}");
    let homeless = gantry.replace("home_mm =", "# home_mm =");
    assert_eq!(Robot::parse("a.toml", &homeless).unwrap_err().key, "home_mm");
}

#[test]
fn a_robot_file_takes_from_another_what_it_does_not_say() {
    let (base, own) = (Robot::named("ur5e-twin").unwrap(), Robot::named("twin-medium").unwrap());
    let (there, here) = (base.twin.unwrap(), own.twin.unwrap());
    assert_eq!((own.gripper, own.speeds), (base.gripper, base.speeds));
    assert_eq!(
        (here.seed, here.lid, here.gaps.force_n),
        (there.seed, there.lid, there.gaps.force_n)
    );
    assert!(here.gaps.fixture.x_mm == 1.2 && there.gaps.fixture.x_mm == 0.0);
    assert_ne!(own.content, base.content, "what it adds makes it another");
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let refused = |text: &str| Robot::named(&write("own.toml", text)).unwrap_err().to_string();
    assert!(refused("extends = 3").contains("must be the name of a robot file"));
    assert!(refused("extends = \"nowhere.toml\"").contains("extends = \"nowhere.toml\""));
    write("chain.toml", "extends = \"own.toml\"");
    assert!(refused("extends = \"chain.toml\"").contains("extends no other"));
}
