use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use toml::{Table, Value};

use super::plan::Plan;
use crate::cli::Failure;
use crate::lab::run_path;
use crate::report::replace;
use crate::store::Provenance;

const PLAN: &str = "plan.toml";
const MARK: &str = "# A tune of rmrl: what its runs are made for.\n";

/// The folder of a tune: its plan, a folder a setting, and what came of it.
pub struct Folder(PathBuf);

impl Folder {
    /// Makes the folder, or goes on with one of the same plan.
    pub fn claim(path: &Path, plan: &Plan, provenance: &Provenance) -> Result<Self, Failure> {
        let wrong = |why: String| Failure::Input(format!("{}: {why}", path.display()));
        let wanted = plan.to_toml(provenance);
        let file = path.join(PLAN);
        if !file.exists() {
            fs::create_dir_all(path).map_err(|e| wrong(e.to_string()))?;
            let mut entries = fs::read_dir(path).map_err(|e| wrong(e.to_string()))?;
            // Shards may begin at the same time.
            let is_empty = entries.all(|entry| entry.is_ok_and(|e| begins(&e.file_name())));
            if !is_empty && !file.exists() {
                return Err(wrong(
                    "holds something that is not a tune; choose another --out".into(),
                ));
            }
            replace(&file, format!("{MARK}{wanted}")).map_err(|e| wrong(e.to_string()))?;
        }
        let found = fs::read_to_string(&file).map_err(|e| wrong(e.to_string()))?;
        let found = found.parse().map_err(|e| wrong(format!("{PLAN}: {e}")))?;
        match difference(&found, &wanted) {
            None => Ok(Self(path.to_owned())),
            Some(difference) => {
                let remedy = "choose another --out, or remove the folder";
                Err(wrong(format!("holds another tune ({difference}); {remedy}")))
            }
        }
    }

    /// Where a run of a setting is kept.
    pub fn run(&self, setting: usize, method: &str, seed: u64) -> PathBuf {
        run_path(&self.setting(setting), method, seed)
    }

    /// The folder of a setting's runs.
    pub fn setting(&self, setting: usize) -> PathBuf {
        self.0.join(format!("{setting:03}"))
    }

    pub fn record(&self) -> PathBuf {
        self.0.join("tune.json")
    }

    pub fn write(&self, record: &str) -> Result<(), Failure> {
        let file = self.record();
        replace(&file, record)
            .map_err(|e| Failure::Work(anyhow::anyhow!("{}: {e}", file.display())))
    }
}

/// Is this what another shard has just begun with?
fn begins(name: &std::ffi::OsStr) -> bool {
    name.to_string_lossy().starts_with("plan.")
}

/// The first key in which two plans differ, with both values.
fn difference(found: &Table, wanted: &Table) -> Option<String> {
    let [found, wanted] = [found, wanted].map(|plan| {
        let mut all = BTreeMap::new();
        flatten("", plan, &mut all);
        all
    });
    let key = found
        .keys()
        .chain(wanted.keys())
        .filter(|key| found.get(*key) != wanted.get(*key))
        .min()?;
    let said = |plan: &BTreeMap<String, String>| match plan.get(key) {
        Some(value) => format!("{key} = {value}"),
        None => format!("no {key}"),
    };
    Some(format!("there: {}; asked for: {}", said(&found), said(&wanted)))
}

/// `{a: {b: 1}}` as `a.b: 1`.
fn flatten(head: &str, table: &Table, all: &mut BTreeMap<String, String>) {
    for (key, value) in table {
        let key = format!("{head}{key}");
        match value {
            Value::Table(inner) => flatten(&format!("{key}."), inner, all),
            value => drop(all.insert(key, value.to_string())),
        }
    }
}
