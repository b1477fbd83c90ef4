//! `rmrl export`: what is refused, and that nothing is left half written. What other programs make of it is asked
//! in `tests/peers/exports.py`.

#[allow(dead_code, reason = "shared with the other tests of the binary")]
mod support;

use std::path::{Path, PathBuf};

use parquet::file::reader::{FileReader, SerializedFileReader};
use support::{Outcome, rmrl, tempdir};

/// A folder with a short experiment of two methods and a seed.
fn made() -> tempfile::TempDir {
    let dir = tempdir();
    let args = "compare smoke --methods no-correction,rm-rl --seeds 1 --trials 40 --out runs";
    let Outcome { code, stderr, .. } = rmrl(dir.path(), args);
    assert_eq!(code, 0, "{stderr}");
    dir
}

fn refused(dir: &Path, args: &str, parts: &[&str]) {
    let before = below(dir);
    let Outcome { code, stderr, .. } = rmrl(dir, args);
    assert_eq!(code, 2, "{args}: {stderr}");
    assert_eq!(stderr.lines().count(), 1, "{args}: one line: {stderr}");
    for part in parts {
        assert!(stderr.contains(part), "{args}: '{part}' is missing in: {stderr}");
    }
    assert_eq!(below(dir), before, "{args}: nothing is left or gone");
}

/// All files and folders, with their sizes.
fn below(dir: &Path) -> Vec<(PathBuf, u64)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(below(&path));
        }
        let size = if path.is_file() { path.metadata().unwrap().len() } else { 0 };
        found.push((path, size));
    }
    found.sort();
    found
}

#[test]
fn csv_and_parquet_hold_the_same_rows_and_columns_led_by_method_and_seed() {
    let dir = made();
    let dir = dir.path();
    for (to, out) in [("csv", "a"), ("parquet", "b")] {
        let Outcome { code, stdout, stderr } =
            rmrl(dir, &format!("export runs --to {to} {out} --json"));
        assert_eq!(code, 0, "{stderr}");
        let said: serde_json::Value = serde_json::from_str(&stdout).unwrap();
        assert_eq!(said["runs"], 2);
        assert_eq!(said["files"].as_array().unwrap().len(), 4);
    }
    for table in ["trials", "labels", "checkpoints", "batches"] {
        let text = std::fs::read_to_string(dir.join(format!("a/{table}.csv"))).unwrap();
        let head: Vec<&str> = text.lines().next().unwrap().split(',').collect();
        let file = std::fs::File::open(dir.join(format!("b/{table}.parquet"))).unwrap();
        let reader = SerializedFileReader::new(file).unwrap();
        let about = reader.metadata().file_metadata();
        let columns = about.schema_descr().columns();
        let names: Vec<&str> = columns.iter().map(|column| column.name()).collect();
        assert_eq!(head, names);
        assert_eq!(head[..2], ["method", "seed"]);
        assert_eq!(text.lines().count() as i64, 1 + about.num_rows(), "{table}");
    }
    let trials = std::fs::read_to_string(dir.join("a/trials.csv")).unwrap();
    // 40 of training, two evaluations of 6 in two phases, 2 on the shelf, of each method.
    assert_eq!(trials.lines().count(), 1 + 2 * (40 + 24 + 2));
    let bytes = std::fs::read(dir.join("b/trials.parquet")).unwrap();
    assert_eq!(rmrl(dir, "export runs --to parquet b").code, 0, "again");
    assert_eq!(std::fs::read(dir.join("b/trials.parquet")).unwrap(), bytes);
}

#[test]
fn a_picture_that_is_rendered_again_is_the_one_that_the_method_saw() {
    let dir = made();
    let dir = dir.path();
    let export = "export runs/rm-rl/1.sqlite --to parquet b --images";
    let Outcome { code, stderr, .. } = rmrl(dir, export);
    assert_eq!(code, 0, "{stderr}");
    let file = std::fs::File::open(dir.join("b/trials.parquet")).unwrap();
    let reader = SerializedFileReader::new(file).unwrap();
    let mut of_training = None;
    for row in reader.get_row_iter(None).unwrap() {
        let row = row.unwrap();
        let fields: std::collections::BTreeMap<_, _> =
            row.get_column_iter().map(|(name, field)| (name.clone(), field.clone())).collect();
        let is = |key: &str, text: &str| fields[key].to_string() == text;
        if is("phase", "\"train\"") && is("number", "3") {
            let parquet::record::Field::Bytes(bytes) = &fields["image"] else { panic!("no bytes") };
            of_training = Some(bytes.data().to_vec());
        }
    }
    use base64::Engine;
    let line = r#"{"op":"prepare","phase":"train","index":3}"#;
    let shown = support::talk(dir, "env smoke --seed 1 --set trials=40", &[line]);
    let shown = shown[0]["image"].as_str().unwrap();
    let shown = base64::engine::general_purpose::STANDARD.decode(shown).unwrap();
    assert_eq!(of_training.unwrap(), shown);
}

#[test]
fn what_cannot_be_exported_is_one_line_and_changes_nothing() {
    let dir = made();
    let dir = dir.path();
    refused(dir, "export runs --to lerobot out", &["pip install 'rmrl[lerobot]'"]);
    refused(dir, "export runs --to csv out --images", &["--images", "parquet"]);
    refused(dir, "export nowhere --to csv out", &["nowhere", "no such run"]);
    refused(dir, "export runs --to csv runs", &["runs", "holds something else"]);
    refused(dir, "export runs --to csv /dev/null/out", &["/dev/null/out"]);
    std::fs::create_dir(dir.join("empty")).unwrap();
    refused(dir, "export empty --to csv out", &["empty", "0 run files"]);
    std::fs::write(dir.join("out"), "mine").unwrap();
    refused(dir, "export runs --to csv out", &["out", "must be a folder"]);
}

#[test]
fn lerobot_is_written_by_a_python_that_has_it_and_without_one_it_says_what_to_install() {
    let dir = made();
    let dir = dir.path();
    let before = below(dir);
    for (python, why) in [("nowhere/python", "nowhere/python"), ("true", "ended without a word")] {
        let mut command = support::command(dir, "export runs --to lerobot out");
        let done = command.env("RMRL_PYTHON", python).output().unwrap();
        let said = String::from_utf8_lossy(&done.stderr).into_owned();
        assert_eq!((done.status.code(), said.lines().count()), (Some(2), 1), "{said}");
        assert!(said.contains("pip install 'rmrl[lerobot]'") && said.contains(why), "{said}");
        assert_eq!(below(dir), before);
    }
}

#[test]
fn a_run_that_is_cut_short_or_newer_is_named_and_nothing_is_written() {
    let dir = made();
    let dir = dir.path();
    let whole = dir.join("runs/rm-rl/1.sqlite");
    let bytes = std::fs::read(&whole).unwrap();
    std::fs::write(&whole, &bytes[..bytes.len() / 2]).unwrap();
    for to in ["csv", "parquet", "tensorboard", "rliable"] {
        refused(dir, &format!("export runs --to {to} out"), &["rm-rl/1.sqlite"]);
    }
    std::fs::write(&whole, &bytes).unwrap();
    let db = rusqlite::Connection::open(&whole).unwrap();
    db.pragma_update(None, "user_version", 99).unwrap();
    drop(db);
    refused(dir, "export runs --to csv out", &["rm-rl/1.sqlite", "format is 99"]);
}

/// `/dev/full` is no folder; a limit on the size of files is what a full disk looks like to a program.
#[cfg(target_os = "linux")]
#[test]
fn an_export_that_finds_no_room_says_so_and_leaves_what_was_there() {
    let dir = made();
    let dir = dir.path();
    assert_eq!(rmrl(dir, "export runs --to csv out").code, 0);
    let before = below(dir);
    let program = env!("CARGO_BIN_EXE_rmrl");
    for to in ["csv out", "parquet other", "tensorboard events"] {
        // In blocks of 512 bytes; the signal of the limit is ignored, so that writing fails.
        let script = format!("trap '' XFSZ; ulimit -f 8; exec {program} export runs --to {to}");
        let done = std::process::Command::new("sh").arg("-c").arg(script).current_dir(dir).output();
        let done = done.unwrap();
        let said = String::from_utf8_lossy(&done.stderr).into_owned();
        assert_eq!(done.status.code(), Some(1), "{to}: {said}");
        assert!(said.contains("nothing was changed"), "{to}: {said}");
        assert_eq!(below(dir), before, "{to}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn an_export_that_is_killed_leaves_what_was_there_and_the_next_one_clears_its_rest() {
    let dir = made();
    let dir = dir.path();
    assert_eq!(rmrl(dir, "export runs --to csv out").code, 0);
    let before = below(dir);
    let program = env!("CARGO_BIN_EXE_rmrl");
    for to in ["csv out", "parquet other"] {
        // The signal of the limit on the size of files ends it in the middle of its first table.
        let script = format!("ulimit -c 0; ulimit -f 8; exec {program} export runs --to {to}");
        let done = std::process::Command::new("sh").arg("-c").arg(script).current_dir(dir).output();
        assert_eq!(done.unwrap().status.code(), None, "{to}: it was killed");
    }
    let rest = |dir: &Path| {
        let rest = below(dir).into_iter().filter(|there| !before.contains(there));
        rest.map(|(path, _)| path.display().to_string()).collect::<Vec<_>>()
    };
    let partial = rest(dir);
    assert!(partial.iter().any(|path| path.contains("/out.")), "{partial:?}");
    assert!(partial.iter().any(|path| path.contains("/other.")), "{partial:?}");
    assert_eq!(rmrl(dir, "export runs --to csv out").code, 0);
    let still = rest(dir);
    assert!(!still.is_empty() && still.iter().all(|path| path.contains("/other.")), "{still:?}");
    assert_eq!(rmrl(dir, "export runs --to parquet other").code, 0);
    assert!(rest(dir).iter().all(|path| !path.contains(".partial")), "{:?}", rest(dir));
}
