use std::fmt::Display;
use std::ops::RangeInclusive;

use serde::Serialize;
use serde::de::DeserializeOwned;
use toml::{Table, Value};

use super::Space;
use crate::input::{Check, ConfigError};

/// The typed settings of a method: flat, every key with a default, bounds and a sentence. Written
/// with [`settings!`](crate::settings), which implements this.
pub trait Settings:
    Clone + Default + PartialEq + std::fmt::Debug + Send + Sync + Serialize + DeserializeOwned + 'static
{
    /// Every key as it is set, in the order in which it is declared.
    fn keys(&self) -> Vec<Key>;
}

/// One key of a method's settings: what it is, what is valid, and what it is set to.
#[derive(Clone, Debug, PartialEq)]
pub struct Key {
    pub name: &'static str,
    /// What it means, with its unit.
    pub sentence: String,
    /// What may stand there: "from 0 to 1", "one of all, window, batch".
    pub valid: String,
    pub value: String,
    /// The range that is worth searching, where the method declares one.
    pub space: Option<Space>,
    /// Whether the value is valid.
    ok: bool,
}

/// A type that a setting can have.
pub trait Setting {
    /// What limits its values; nothing where the type itself does.
    type Bounds;

    fn is_within(&self, bounds: &Self::Bounds) -> bool;
    fn valid(bounds: &Self::Bounds) -> String;
    fn text(&self) -> String;
}

/// A setting that is one of few words, as [`choices!`](crate::choices) writes it.
pub trait Choice: Copy + PartialEq + Serialize + 'static {
    /// Each with what it means.
    const ALL: &'static [(Self, &'static str)];

    /// As in a file.
    fn word(self) -> String {
        match Value::try_from(self) {
            Ok(Value::String(word)) => word,
            _ => String::new(),
        }
    }
}

impl Key {
    pub fn of<S: Setting>(
        name: &'static str,
        sentence: &str,
        value: &S,
        bounds: &S::Bounds,
    ) -> Self {
        let lines = sentence.lines().map(str::trim).collect::<Vec<_>>();
        Self {
            name,
            sentence: lines.join(" ").trim().to_owned(),
            valid: S::valid(bounds),
            value: value.text(),
            space: None,
            ok: value.is_within(bounds),
        }
    }

    /// The same with the range that is worth searching.
    pub fn tuned(self, space: Space) -> Self {
        Self { space: Some(space), ..self }
    }
}

impl Setting for f64 {
    type Bounds = RangeInclusive<f64>;

    fn is_within(&self, bounds: &Self::Bounds) -> bool {
        bounds.contains(self)
    }

    fn valid(bounds: &Self::Bounds) -> String {
        from_to(bounds)
    }

    fn text(&self) -> String {
        Value::Float(*self).to_string()
    }
}

impl Setting for usize {
    type Bounds = RangeInclusive<usize>;

    fn is_within(&self, bounds: &Self::Bounds) -> bool {
        bounds.contains(self)
    }

    fn valid(bounds: &Self::Bounds) -> String {
        from_to(bounds)
    }

    fn text(&self) -> String {
        self.to_string()
    }
}

impl Setting for bool {
    type Bounds = ();

    fn is_within(&self, (): &()) -> bool {
        true
    }

    fn valid((): &()) -> String {
        "true or false".to_owned()
    }

    fn text(&self) -> String {
        self.to_string()
    }
}

impl<C: Choice> Setting for C {
    type Bounds = ();

    fn is_within(&self, (): &()) -> bool {
        true
    }

    fn valid((): &()) -> String {
        let words: Vec<_> =
            C::ALL.iter().map(|(choice, what)| format!("{} ({what})", choice.word())).collect();
        format!("one of {}", words.join(", "))
    }

    fn text(&self) -> String {
        self.word()
    }
}

fn from_to<T: Display>(bounds: &RangeInclusive<T>) -> String {
    format!("from {} to {}", bounds.start(), bounds.end())
}

/// Declares a method's settings: parts that other methods have too, then its own keys, each with a
/// sentence, a default and its bounds; where `rmrl tune` shall search it, with the range of the first
/// search, `linear` or `log`.
///
/// ```
/// use rmrl::learn::{Common, Settings};
/// rmrl::settings! {
///     pub struct Mine {
///         ..common: Common = Common { lr: 3e-4, ..Common::default() };
///         /// Weight of the bonus, 1/mm.
///         bonus: f64 = 0.5, in 0.0..=10.0, tune log(0.05..=5.0);
///         /// Count it twice.
///         twice: bool = false;
///     }
/// }
/// let keys = Mine::default().keys();
/// let bonus = keys.iter().find(|key| key.name == "bonus").unwrap();
/// assert_eq!(bonus.sentence, "Weight of the bonus, 1/mm.");
/// assert_eq!(bonus.valid, "from 0 to 10");
/// assert_eq!(bonus.space.as_ref().unwrap().to_string(), "bonus=0.05..5.0:log");
/// ```
#[macro_export]
macro_rules! settings {
    (
        $(#[doc = $about:literal])*
        $vis:vis struct $name:ident {
            $( .. $part:ident : $part_type:ty = $part_default:expr; )*
            $( $(#[doc = $doc:literal])+ $key:ident : $type:ty =
                $default:expr $(, in $bounds:expr)? $(, tune $scale:ident ($range:expr))?; )*
        }
    ) => {
        $(#[doc = $about])*
        #[derive(Clone, Copy, Debug, PartialEq, ::serde::Serialize, ::serde::Deserialize)]
        $vis struct $name {
            $( #[serde(flatten)] pub $part: $part_type, )*
            $( $(#[doc = $doc])+ pub $key: $type, )*
        }

        impl Default for $name {
            fn default() -> Self {
                Self { $( $part: $part_default, )* $( $key: $default, )* }
            }
        }

        impl $crate::learn::Settings for $name {
            fn keys(&self) -> Vec<$crate::learn::Key> {
                let parts: Vec<Vec<$crate::learn::Key>> =
                    vec![$( $crate::learn::Settings::keys(&self.$part), )*];
                let own = vec![$( $crate::learn::Key::of(
                    stringify!($key),
                    concat!($($doc, "\n"),+),
                    &self.$key,
                    &($($bounds)?),
                )$( .tuned($crate::learn::Space::of(
                    stringify!($key),
                    &$range,
                    $crate::settings!(@scale $scale),
                )) )?, )*];
                parts.into_iter().flatten().chain(own).collect()
            }
        }
    };
    (@scale linear) => { $crate::learn::Scale::Linear };
    (@scale log) => { $crate::learn::Scale::Log };
}

/// Declares a setting that is one of few words, each with what it means.
#[macro_export]
macro_rules! choices {
    (
        $(#[doc = $about:literal])*
        $vis:vis enum $name:ident {
            $( #[doc = $doc:literal] $choice:ident, )+
        }
    ) => {
        $(#[doc = $about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, ::serde::Serialize, ::serde::Deserialize)]
        #[serde(rename_all = "kebab-case")]
        $vis enum $name {
            $( #[doc = $doc] $choice, )+
        }

        impl $crate::learn::Choice for $name {
            const ALL: &'static [(Self, &'static str)] =
                &[$( (Self::$choice, $doc.trim_ascii()), )+];
        }
    };
}

/// Lays what a user wrote onto the defaults, key by key, so that a mistake is told with its key.
/// `file` says where it was written, for messages.
pub fn resolve<S: Settings>(
    file: &str,
    method: &str,
    defaults: S,
    overrides: &Table,
) -> Result<S, ConfigError> {
    let check = Check { file };
    let full = |key: &str| format!("settings.{method}.{key}");
    let mut table = table_of(&defaults);
    let mut settings = defaults;
    for (key, value) in overrides {
        let wrong = |valid: String| check.error(&full(key), value, valid);
        let Some(slot) = table.get_mut(key) else {
            let known: Vec<_> = table.keys().cloned().collect();
            return Err(wrong(match known.is_empty() {
                true => format!("'{method}' has no settings"),
                false => format!("unknown key; valid are {}", known.join(", ")),
            }));
        };
        *slot = widened(slot, value.clone());
        settings = table.clone().try_into().map_err(|e: toml::de::Error| {
            wrong(e.message().trim().replace('\n', " ").to_owned())
        })?;
    }
    for key in settings.keys() {
        check.that(key.ok, &full(key.name), &key.value, format_args!("must be {}", key.valid))?;
    }
    Ok(settings)
}

pub fn table_of<S: Settings>(settings: &S) -> Table {
    // Settings are flat structs of numbers, booleans and words, which TOML can always hold.
    Table::try_from(settings).unwrap_or_default()
}

/// `--set ppo.lr=1` means 1.0 where a number with a point stood.
fn widened(old: &Value, new: Value) -> Value {
    match (old, new) {
        (Value::Float(_), Value::Integer(whole)) => Value::Float(whole as f64),
        (_, new) => new,
    }
}
