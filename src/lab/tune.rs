//! Which settings of a method are tried, on how many seeds, and which of them go on: successive
//! halving (Jamieson and Talwalkar, arXiv 1502.07943), pure.
//!
//! The resource is *seeds*, and every run has its full length. Learning curves cross (a larger step
//! size is ahead early and behind late), so that a setting judged after few trials is judged by
//! another question; a short run is no beginning of a long one either, because prior trials and what
//! a program is told depend on the length. A seed more only makes the same figure more certain, all
//! settings meet the same trials on it, and no run is made twice.

use rand::RngExt;
use rand::seq::SliceRandom;
use toml::{Table, Value};

use crate::input::ConfigError;
use crate::learn::Space;
use crate::report::RunResult;
use crate::task::streams::fnv1a;
use crate::task::{Phase, Stream, Streams, TrialKey};

/// The first seed of tuning: far from those that are reported.
pub const FIRST_SEED: u64 = 1001;

/// The default settings, which are always tried, are the first.
pub const DEFAULT: usize = 0;

/// Of three settings one goes on, with three times as many seeds.
const ETA: u64 = 3;

/// So many settings, each on so many seeds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rung {
    pub settings: usize,
    pub seeds: u64,
}

/// What a setting came to on the seeds of its rung.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Standing {
    pub setting: usize,
    /// The mean over its seeds; less is better.
    pub area: f64,
    /// It failed on a seed.
    pub failed: bool,
}

/// The rungs of a search over so many settings, the last of them on so many seeds: as many rungs as
/// both allow, each with a third of the settings of the one before and three times the seeds. The last
/// one still compares: it has two settings or more.
pub fn halving(settings: usize, seeds: u64) -> Vec<Rung> {
    let times = (settings as u64 / 2).max(1).ilog(ETA).min(seeds.max(1).ilog(ETA));
    let rung = |at: u32| Rung {
        settings: settings / ETA.pow(at) as usize,
        seeds: seeds.div_ceil(ETA.pow(times - at)),
    };
    (0..=times).map(rung).collect()
}

/// What orders settings: what the reward loses in-scene, averaged over the checkpoints after the first,
/// so that fast learning counts.
pub fn area(run: &RunResult) -> f64 {
    let after = run.checkpoints.iter().skip(1);
    let costs: Vec<f64> = after.map(|checkpoint| checkpoint.in_scene.cost()).collect();
    costs.iter().sum::<f64>() / costs.len() as f64
}

/// Best first. Those without a figure come last, in their order; so do equals among themselves.
pub fn rank(standings: &mut [Standing]) {
    standings.sort_by(|a, b| {
        let without = |s: &Standing| s.failed || s.area.is_nan();
        without(a)
            .cmp(&without(b))
            .then(if without(a) { std::cmp::Ordering::Equal } else { a.area.total_cmp(&b.area) })
            .then(a.setting.cmp(&b.setting))
    });
}

/// Those of a rung that go on, in their order: the best `count` of those that have a figure, and the
/// default, so that the best is compared with it on the same seeds.
pub fn promoted(mut standings: Vec<Standing>, count: usize) -> Vec<usize> {
    rank(&mut standings);
    let best = standings.iter().filter(|s| !s.failed && !s.area.is_nan()).take(count);
    let mut on: Vec<usize> = best.map(|s| s.setting).chain([DEFAULT]).collect();
    on.sort_unstable();
    on.dedup();
    on
}

/// `count` settings, the first of them the default, the others drawn from the spaces as a Latin
/// hypercube (McKay et al., 1979): cut into as many stretches as there are settings, the range of each
/// key has one in every stretch. Of the same seed always the same ones; fewer, if the spaces do not hold
/// so many. `default` says what the default is.
pub fn drawn(spaces: &[Space], count: usize, seed: u64, default: &Table) -> Vec<Table> {
    let rows = count.saturating_sub(1);
    let of_default = spaces.iter().filter_map(|space| {
        let value = default.get(&space.key)?;
        Some((space.key.clone(), value.clone()))
    });
    let mut known: Vec<Table> = vec![of_default.collect()];
    let column = |space: &Space| {
        // By name: what else is searched changes nothing.
        let key = TrialKey { phase: Phase::Train, index: fnv1a(&space.key) };
        let mut draw = Streams::new(seed).draw(Stream::Tune, key);
        let mut stretches: Vec<usize> = (0..rows).collect();
        stretches.shuffle(&mut draw);
        (stretches, draw)
    };
    let mut columns: Vec<_> = spaces.iter().map(|space| (space, column(space))).collect();
    // Whole numbers come again, and are drawn again from anywhere; what is hard to find is not there.
    for row in 0..100 * rows {
        if known.len() == count {
            break;
        }
        let of_row = columns.iter_mut().map(|(space, (stretches, draw))| {
            let within: f64 = draw.random();
            let share = match stretches.get(row) {
                Some(stretch) => (*stretch as f64 + within) / rows as f64,
                None => within,
            };
            (space.key.clone(), space.at(share))
        });
        let table: Table = of_row.collect();
        if !known.contains(&table) {
            known.push(table);
        }
    }
    known[DEFAULT] = Table::new();
    known
}

/// `--grid KEY=A,B,C`: the key and its values as they were written.
pub fn axis(grid: &str) -> Result<(String, Vec<String>), ConfigError> {
    let wrong = |value: &str, valid: &str| wrong("--grid", grid, value, valid);
    let (key, values) = grid
        .split_once('=')
        .ok_or_else(|| wrong("", "must be KEY=A,B,C, for instance lr=1e-3,3e-3"))?;
    if key.trim().is_empty() {
        return Err(wrong(values, "has no key before the '='"));
    }
    let all: Vec<String> = values.split(',').map(|value| value.trim().to_owned()).collect();
    if all.iter().any(String::is_empty) {
        return Err(wrong(values, "has an empty value; must be KEY=A,B,C"));
    }
    Ok((key.trim().to_owned(), all))
}

/// All combinations of the values of the axes, as `key=value` texts: the last axis changes fastest.
pub fn combinations(axes: &[(String, Vec<String>)]) -> Vec<Vec<String>> {
    axes.iter().fold(vec![vec![]], |all, (key, values)| {
        let each = |head: &Vec<String>| {
            let head = head.clone();
            values.iter().map(move |v| [head.clone(), vec![format!("{key}={v}")]].concat())
        };
        all.iter().flat_map(each).collect()
    })
}

/// `--space KEY=LOW..HIGH[:log]`. Of a key that the method knows, `integer` says whether it takes
/// whole numbers; of any other, the way in which both ends are written.
pub fn space(text: &str, integer: impl Fn(&str) -> Option<bool>) -> Result<Space, ConfigError> {
    const FORM: &str = "must be KEY=LOW..HIGH or KEY=LOW..HIGH:log, for instance lr=1e-4..1e-2:log";
    let said = text.split_once('=').map_or("", |(_, said)| said);
    let wrong = |valid: &str| wrong("--space", text, said, valid);
    let (key, range) = text.split_once('=').ok_or_else(|| wrong(FORM))?;
    let (range, log) = match range.split_once(':') {
        None => (range, false),
        Some((range, "log")) => (range, true),
        Some(_) => return Err(wrong("after the ':' only 'log' may stand")),
    };
    let (low, high) = range.split_once("..").ok_or_else(|| wrong(FORM))?;
    let (key, low, high) = (key.trim(), low.trim(), high.trim());
    if key.is_empty() {
        return Err(wrong("has no key before the '='"));
    }
    let number = |end: &str| end.parse::<f64>().ok().filter(|n| n.is_finite());
    let (Some(min), Some(max)) = (number(low), number(high)) else { return Err(wrong(FORM)) };
    if min >= max {
        return Err(wrong("LOW must be less than HIGH"));
    }
    if log && min <= 0.0 {
        return Err(wrong("with ':log', LOW must be more than 0"));
    }
    let are_whole = [low, high].iter().all(|end| end.parse::<i64>().is_ok());
    let integer = integer(key).unwrap_or(are_whole);
    // A whole number must be written so that it is the same as a float.
    let is_whole = |end: f64| end.fract() == 0.0 && end.abs() < 1e15;
    if integer && !(is_whole(min) && is_whole(max)) {
        return Err(wrong("LOW and HIGH must be whole numbers"));
    }
    Ok(Space { key: key.to_owned(), min, max, log, integer })
}

/// Both ends of a space, as `key=value` texts: what is valid for a method shows when it is given them.
pub fn ends(space: &Space) -> [String; 2] {
    [space.min, space.max].map(|end| {
        let value = if space.integer { Value::Integer(end as i64) } else { Value::Float(end) };
        format!("{}={value}", space.key)
    })
}

fn wrong(flag: &str, text: &str, value: &str, valid: &str) -> ConfigError {
    ConfigError {
        file: flag.to_owned(),
        key: text.split('=').next().unwrap_or(text).to_owned(),
        value: value.to_owned(),
        valid: valid.to_owned(),
    }
}

#[cfg(test)]
#[path = "tune_tests.rs"]
mod tests;
