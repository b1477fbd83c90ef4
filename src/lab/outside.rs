//! Methods in other languages: what an experiment says of them, and what they say of themselves.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use toml::Table;

use super::outside_method::OutsideMethod;
use super::outside_settings::{self as settings, Settings};
use super::process::{Process, program_in};
use crate::input::{Check, ConfigError};
use crate::learn::{self, Card, Choice, LearnError, Recipe, Role, SceneChoice};
use crate::task::{ContextSignal, ImageSize, Range, RewardSignal, streams::fnv1a};

/// A program that is a method.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Outside {
    /// Program and arguments; a path starts from the folder.
    pub command: Vec<String>,
    /// Where it works: that of the experiment's file, unless said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub folder: Option<String>,
    /// How long it may take for an answer, s; for the first one at least 120.
    #[serde(default = "half_a_minute")]
    pub timeout_s: f64,
    /// Which scene instance comes next; with any but `given` the program is shown which one it is.
    #[serde(default = "given", skip_serializing_if = "is_given")]
    pub scenes: SceneChoice,
    /// Told to the program as they are.
    #[serde(default, skip_serializing_if = "Table::is_empty")]
    pub options: Table,
    /// Kept so that nobody who only reads a run starts the program.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answered: Option<Answered>,
}

/// What the program said of itself, and the hash of its files.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Answered {
    pub content: String,
    pub summary: String,
    pub role: Role,
    pub signal: RewardSignal,
    pub context: ContextSignal,
    pub prior_trials: u64,
    /// What it needs besides the files that its command names; a path starts from the folder.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<String>,
    /// What options it takes. Who does not say so takes any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settings: Option<Settings>,
}

/// What the program is told of the task.
#[derive(Clone, Copy, Debug)]
pub(super) struct Told {
    pub range: Range,
    pub bins: usize,
    pub image: ImageSize,
    pub batch: u64,
    pub trials: u64,
}

/// Patience with the first answer: libraries are loaded before it.
const HELLO: Duration = Duration::from_secs(120);

fn half_a_minute() -> f64 {
    30.0
}

fn given() -> SceneChoice {
    SceneChoice::Given
}

fn is_given(scenes: &SceneChoice) -> bool {
    *scenes == SceneChoice::Given
}

/// Is this not a name but a program?
fn is_program(method: &str) -> bool {
    method.contains('/') || Path::new(method).extension().is_some()
}

/// The name of a method that may be given as a program: its file's stem.
pub fn method_name(method: &str) -> String {
    let stem = Path::new(method).file_stem().filter(|_| is_program(method));
    stem.map_or_else(|| method.to_owned(), |stem| stem.to_string_lossy().into_owned())
}

/// Moves the programs among `methods` to the table `outside` and leaves their names. What has no
/// folder yet works in this one.
pub(super) fn sort_out(table: &mut Table, folder: &Path) -> Result<(), String> {
    use toml::Value;
    let mut found = Vec::new();
    if let Some(Value::Array(methods)) = table.get_mut("methods") {
        for method in methods {
            let (name, said) = match method {
                Value::String(path) if is_program(path) => {
                    let said = [("command".to_owned(), command_of(path, folder).into())];
                    (method_name(path), Table::from_iter(said))
                }
                Value::Table(said) => match said.remove("name") {
                    Some(Value::String(name)) => (name, std::mem::take(said)),
                    _ => return Err("a method that is a program needs a name".to_owned()),
                },
                _ => continue,
            };
            *method = Value::String(name.clone());
            found.push((name, said));
        }
    }
    if found.is_empty() && !table.contains_key("outside") {
        return Ok(());
    }
    let outside = table.entry("outside").or_insert_with(|| Value::Table(Table::new()));
    let Value::Table(outside) = outside else { return Err("outside must be a table".to_owned()) };
    outside.extend(found.into_iter().map(|(name, said)| (name, Value::Table(said))));
    // Of a file in the working directory.
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let folder = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    for (_, said) in outside {
        if let Value::Table(said) = said {
            let own = said.get("folder").and_then(Value::as_str).unwrap_or("");
            let whole = folder.join(own);
            let plain: PathBuf = whole.components().collect();
            said.insert("folder".to_owned(), plain.display().to_string().into());
        }
    }
    Ok(())
}

/// A file that may be run is run; other Python is given to `python3`.
fn command_of(path: &str, folder: &Path) -> Vec<String> {
    let path = if path.contains('/') { path.to_owned() } else { format!("./{path}") };
    let is_python = Path::new(&path).extension().is_some_and(|e| e == "py");
    match is_python && !may_be_run(&folder.join(&path)) {
        true => vec!["python3".to_owned(), path],
        false => vec![path],
    }
}

#[cfg(unix)]
fn may_be_run(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(path).is_ok_and(|file| file.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn may_be_run(_: &Path) -> bool {
    false
}

/// The names in `methods`, where a table stands for a program.
pub(super) fn names<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    struct Named {
        name: String,
        #[serde(flatten)]
        said: Outside,
    }
    let name = |value: toml::Value| match value {
        toml::Value::String(name) => Ok(name),
        table => Named::deserialize(table).map(|named| {
            drop(named.said);
            named.name
        }),
    };
    let all: Result<_, _> = Vec::<toml::Value>::deserialize(from)?.into_iter().map(name).collect();
    all.map_err(|error: toml::de::Error| serde::de::Error::custom(error.message().trim()))
}

impl Outside {
    /// Checks what an experiment says of the program.
    pub fn validate(&self, check: &Check<'_>, name: &str) -> Result<(), ConfigError> {
        let plain =
            !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c));
        check.that(plain, "methods", name, "must be letters, digits, '-' and '_'")?;
        let free = !learn::names().iter().any(|known| known == name);
        check.that(free, "methods", name, "is the name of a built-in method")?;
        let key = |key: &str| format!("outside.{name}.{key}");
        check.that(!self.command.is_empty(), &key("command"), "[]", "must name a program")?;
        check.within(&key("timeout_s"), self.timeout_s, 0.001, 86_400.0)
    }

    /// Starts the program, asks what it is, and ends it again.
    pub fn ask(
        &mut self,
        check: &Check<'_>,
        name: &str,
        told: Told,
        seed: u64,
    ) -> Result<(), ConfigError> {
        let answered = || {
            let (_process, answer) = self.hello(name, told, seed)?;
            self.declared(answer)
        };
        self.answered = Some(answered().map_err(|why| {
            check.error(
                "methods",
                format_args!("\"{name}\""),
                format_args!("the program {}: {why}", self.command.join(" ")),
            )
        })?);
        Ok(())
    }

    /// What the experiment's methods hold: with `answered` there, nothing is started before a run.
    pub fn recipe(&self, check: &Check<'_>, name: &str, told: Told) -> Result<Recipe, ConfigError> {
        let Some(answered) = self.answered.clone() else {
            return Err(check.error(&format!("outside.{name}"), "", "lacks `answered`"));
        };
        let card = Card {
            role: answered.role,
            signal: answered.signal,
            context: answered.context,
            prior_trials: answered.prior_trials,
            prior_on_top: false,
            prior_given: false,
            sees_executed: true,
            ..Card::learner(name, &answered.summary)
        };
        let card = self.scenes.on(card);
        let mut shown = Table::new();
        shown.insert("command".to_owned(), self.command.join(" ").into());
        shown.insert("content".to_owned(), answered.content.clone().into());
        shown.insert("timeout_s".to_owned(), self.timeout_s.into());
        if !is_given(&self.scenes) {
            shown.insert("scenes".to_owned(), self.scenes.word().into());
        }
        let options = match &answered.settings {
            Some(declared) => settings::resolve(check, name, declared, &self.options)?,
            None => self.options.clone(),
        };
        shown.extend(options.into_iter().map(|(key, v)| (format!("options.{key}"), v)));
        let spaces = answered.settings.as_ref().map(settings::spaces).unwrap_or_default();
        let (own, for_run) = (self.clone(), card.clone());
        let patience = Duration::from_secs_f64(self.timeout_s);
        let recipe = Recipe::new(card, shown, move |_, _, streams| {
            let failed = |why: String| LearnError::Outside(why);
            let content = own.content(&answered.files).map_err(failed)?;
            if content != answered.content {
                let why = "its program has been changed since it was asked what it is: another method, --fresh";
                return Err(failed(why.to_owned()));
            }
            let (process, answer) =
                own.hello(&for_run.name, told, streams.seed()).map_err(failed)?;
            if own.declared(answer).map_err(failed)? != answered {
                return Err(failed("answered \"hello\" otherwise than the first time".to_owned()));
            }
            let card = for_run.clone();
            Ok(Box::new(OutsideMethod::new(card, own.scenes, told.range, process, patience)))
        });
        Ok(recipe.with_spaces(spaces))
    }

    fn hello(
        &self,
        name: &str,
        told: Told,
        seed: u64,
    ) -> Result<(Process, Map<String, Value>), String> {
        let mut process = Process::start(&self.command, Path::new(self.folder()))?;
        let hello = json!({
            "op": "hello", "protocol": 1, "name": name, "seed": seed, "options": self.options,
            "task": {
                "range": told.range, "bins": told.bins, "batch": told.batch, "trials": told.trials,
                "image": {
                    "width": told.image.px, "height": told.image.px,
                    "mm_per_pixel": told.image.mm_per_px(),
                },
            },
        });
        let answer = process.ask(&hello, HELLO.max(Duration::from_secs_f64(self.timeout_s)))?;
        Ok((process, answer))
    }

    fn folder(&self) -> &str {
        self.folder.as_deref().unwrap_or(".")
    }

    /// Hash of the content of the files that the command names, and of these.
    fn content(&self, files: &[String]) -> Result<String, String> {
        let folder = Path::new(self.folder());
        let read = |path: PathBuf| {
            let mut bytes = std::fs::read(&path).map_err(|e| format!("{}: {e}", path.display()))?;
            bytes.push(0);
            Ok::<_, String>(bytes)
        };
        let mut all = Vec::new();
        for (at, word) in self.command.iter().enumerate() {
            let path = if at == 0 { program_in(word, folder) } else { folder.join(word) };
            if (at > 0 || word.contains('/')) && path.is_file() {
                all.extend(read(path)?);
            }
        }
        for file in files {
            all.extend(read(folder.join(file))?);
        }
        Ok(format!("{:016x}", fnv1a(&all)))
    }

    /// What an answer to hello declares.
    fn declared(&self, answer: Map<String, Value>) -> Result<Answered, String> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Hello {
            summary: String,
            signal: RewardSignal,
            context: ContextSignal,
            #[serde(default)]
            prior_trials: u64,
            #[serde(default = "competitor")]
            role: Role,
            #[serde(default)]
            files: Vec<String>,
            settings: Option<Map<String, Value>>,
        }
        let wrong = |why: String| format!("its answer to \"hello\": {why}");
        let hello = serde_json::from_value(Value::Object(answer));
        let Hello { summary, signal, context, prior_trials, role, files, settings } =
            hello.map_err(|error| wrong(error.to_string()))?;
        let content = self.content(&files).map_err(|why| wrong(format!("files: {why}")))?;
        let settings = settings.map(settings::declared).transpose().map_err(wrong)?;
        Ok(Answered { content, summary, role, signal, context, prior_trials, files, settings })
    }
}

fn competitor() -> Role {
    Role::Competitor
}

/// By name.
pub(super) type All = BTreeMap<String, Outside>;
