use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, OnceLock, RwLock};

use serde::Deserialize;
use toml::{Table, Value};

use super::linear::{Fit, LinearLearner};
use super::rule::Ruled;
use super::settings::{resolve, table_of};
use super::{
    Card, Key, LearnError, Learner, Method, Objective, Role, Rule, Settings, Space, methods,
};
use crate::input::ConfigError;
use crate::task::{ActionGrid, ImageSize, Streams};

/// A method by name, before it is given settings.
#[derive(Clone)]
pub struct Entry {
    name: String,
    open: Arc<Open>,
}

type Open = dyn Fn(&str, &Table) -> Result<Recipe, ConfigError> + Send + Sync;
type Build = dyn Fn(ActionGrid, ImageSize, Streams) -> Built + Send + Sync;
/// A method ready to act.
pub type Built = Result<Box<dyn Method>, LearnError>;

/// A method with its settings, checked: ready to be built, once a run.
#[derive(Clone)]
pub struct Recipe {
    card: Card,
    keys: Vec<Key>,
    settings: Table,
    spaces: Vec<Space>,
    build: Arc<Build>,
}

impl Entry {
    /// A learner: all but its objective is shared.
    pub fn learner<O: Objective>() -> Self {
        let card = |settings: &O::Settings| O::shared(settings).common.scenes.on(O::card(settings));
        Self::of(O::NAME, card, |card, settings, grid, image, streams| {
            Ok(Box::new(Learner::<O>::new(card, settings, grid, image, streams)?))
        })
    }

    /// A method that learns nothing.
    pub fn rule<R: Rule>() -> Self {
        Self::of(R::NAME, R::card, |card, settings, grid, _, _| {
            Ok(Box::new(Ruled::by(card, R::new(settings, grid))))
        })
    }

    /// A learner whose optimum is linear in image components: all but how it fits is shared.
    pub fn linear<F: Fit>() -> Self {
        let card = |settings: &F::Settings| F::linear(settings).1.scenes.on(F::card(settings));
        Self::of(F::NAME, card, |card, settings, grid, image, _| {
            Ok(Box::new(LinearLearner::<F>::new(card, settings, grid, image)))
        })
    }

    /// Any other method: `card` says what it is with these settings, `build` makes it.
    pub fn of<S: Settings>(
        name: &str,
        card: fn(&S) -> Card,
        build: fn(Card, S, ActionGrid, ImageSize, Streams) -> Built,
    ) -> Self {
        let method = name.to_owned();
        Self::named(name, move |file, overrides| {
            let settings = resolve(file, &method, S::default(), overrides)?;
            let card = card(&settings);
            let (for_run, told) = (settings.clone(), card.clone());
            let keys = settings.keys();
            Ok(Recipe {
                card,
                spaces: keys.iter().filter_map(|key| key.space.clone()).collect(),
                keys,
                settings: table_of(&settings),
                build: Arc::new(move |grid, image, streams| {
                    build(told.clone(), for_run.clone(), grid, image, streams)
                }),
            })
        })
    }

    fn named(
        name: &str,
        open: impl Fn(&str, &Table) -> Result<Recipe, ConfigError> + Send + Sync + 'static,
    ) -> Self {
        Self { name: name.to_owned(), open: Arc::new(open) }
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// The method with these settings; what is not given is at its default. `file` says where they
    /// were written, for messages.
    ///
    /// # Errors
    /// An unknown key or a value out of bounds, as `settings.<method>.<key>`.
    pub fn open(&self, file: &str, overrides: &Table) -> Result<Recipe, ConfigError> {
        (self.open)(file, overrides)
    }

    /// The same method under a name of its own, with these defaults; its own summary and role, unless said.
    pub fn under(
        &self,
        name: &str,
        summary: Option<&str>,
        role: Option<Role>,
        settings: &Table,
    ) -> Self {
        let (base, own, settings) = (self.clone(), name.to_owned(), settings.clone());
        let summary = summary.map(str::to_owned);
        Self::named(name, move |file, overrides| {
            let mut all = settings.clone();
            all.extend(overrides.clone());
            let renamed = |mut error: ConfigError| {
                let (from, to) = (format!("settings.{}.", base.name), format!("settings.{own}."));
                error.key = error.key.replacen(&from, &to, 1);
                error
            };
            let mut recipe = base.open(file, &all).map_err(renamed)?;
            let build = recipe.build.clone();
            let card = Card {
                name: own.clone(),
                summary: summary.clone().unwrap_or_else(|| recipe.card.summary.clone()),
                role: role.unwrap_or(recipe.card.role),
                ..recipe.card.clone()
            };
            (recipe.card, recipe.build) = (card, build);
            Ok(recipe)
        })
    }
}

impl Recipe {
    /// A method that is in no registry: `settings` are what a report shows, `build` makes it.
    pub fn new(
        card: Card,
        settings: Table,
        build: impl Fn(ActionGrid, ImageSize, Streams) -> Result<Box<dyn Method>, LearnError>
        + Send
        + Sync
        + 'static,
    ) -> Self {
        Self { card, keys: Vec::new(), settings, spaces: Vec::new(), build: Arc::new(build) }
    }

    /// The same with what is worth searching in its settings.
    pub fn with_spaces(self, spaces: Vec<Space>) -> Self {
        Self { spaces, ..self }
    }

    /// The same method, which is given so many prior trials that others made.
    pub fn given_prior(mut self, trials: u64) -> Self {
        let card =
            Card { prior_trials: trials, prior_on_top: true, prior_given: true, ..self.card };
        self.card = card;
        self
    }

    pub fn card(&self) -> &Card {
        &self.card
    }

    /// Every key with its meaning, bounds and value.
    pub fn keys(&self) -> &[Key] {
        &self.keys
    }

    /// What is worth searching in its settings, key by key.
    pub fn spaces(&self) -> &[Space] {
        &self.spaces
    }

    /// Every key and its value: what is stored depends on no default.
    pub fn settings(&self) -> &Table {
        &self.settings
    }

    /// The same as texts, in alphabetical order.
    pub fn pairs(&self) -> Vec<(String, String)> {
        let text = |value: &Value| match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        self.settings.iter().map(|(key, value)| (key.clone(), text(value))).collect()
    }

    /// A method ready to act by this grid, on images of this size.
    pub fn build(&self, grid: ActionGrid, image: ImageSize, streams: Streams) -> Built {
        (self.build)(grid, image, streams)
    }
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Entry").field(&self.name).finish()
    }
}

impl fmt::Debug for Recipe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recipe")
            .field("card", &self.card)
            .field("settings", &self.settings)
            .finish()
    }
}

impl PartialEq for Recipe {
    fn eq(&self, other: &Self) -> bool {
        self.card == other.card && self.settings == other.settings
    }
}

/// A method with other settings under a name of its own.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Preset {
    method: String,
    summary: String,
    role: Role,
    settings: Table,
}

/// Built-in methods, then their presets, then what [`add`] brought.
fn registry() -> &'static RwLock<Vec<Entry>> {
    static ENTRIES: OnceLock<RwLock<Vec<Entry>>> = OnceLock::new();
    ENTRIES.get_or_init(|| {
        let mut entries = methods::entries();
        let presets: BTreeMap<String, Preset> =
            toml::from_str(include_str!("methods/presets.toml")).expect("a built-in file is valid");
        for (name, preset) in presets {
            let base = entries.iter().find(|entry| entry.name == preset.method);
            let base = base.expect("a built-in preset names a method");
            let Preset { summary, role, settings, .. } = &preset;
            entries.push(base.under(&name, Some(summary), Some(*role), settings));
        }
        RwLock::new(entries)
    })
}

/// Makes a method of another crate known by its name, beside the built-in ones; one of the same name
/// is replaced. To be called before the command line is read.
pub fn add(entry: Entry) {
    let mut entries = registry().write().unwrap_or_else(std::sync::PoisonError::into_inner);
    entries.retain(|known| known.name != entry.name);
    entries.push(entry);
}

/// Every method there is.
pub fn entries() -> Vec<Entry> {
    registry().read().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
}

pub fn names() -> Vec<String> {
    entries().into_iter().map(|entry| entry.name).collect()
}

/// A method by its name. `file` and `key` say where the name was written, for messages.
pub fn find(file: &str, key: &str, name: &str) -> Result<Entry, ConfigError> {
    entries().into_iter().find(|entry| entry.name == name).ok_or_else(|| ConfigError {
        file: file.to_owned(),
        key: key.to_owned(),
        value: format!("\"{name}\""),
        valid: format!("must be one of {}", names().join(", ")),
    })
}

#[cfg(test)]
#[path = "registry_tests.rs"]
mod tests;
