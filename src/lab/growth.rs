//! When a larger plan continues a smaller one: more seeds, more methods, more trials.

use super::Experiment;
use crate::input::ConfigError;
use crate::store::RunInfo;

/// Key, what is there, what was asked for.
pub(super) type Difference = (String, String, String);

/// What a folder's plan is to another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Growth {
    Same,
    /// More of the same, in words.
    Larger(String),
    Different(Difference),
}

/// How the runs of `there` become those of `asked`.
pub(super) fn of_folder(there: &Experiment, asked: &Experiment) -> Growth {
    if there.to_toml() == asked.to_toml() {
        return Growth::Same;
    }
    let mut grown = there.clone();
    let mut what = Vec::new();
    if asked.first_seed == there.first_seed && asked.seeds > there.seeds {
        what.push(format!("seeds = {} to seeds = {}", there.seeds, asked.seeds));
        grown.seeds = asked.seeds;
    }
    let new: Vec<_> = asked.names().filter(|name| !there.names().any(|old| old == *name)).collect();
    if !new.is_empty() && there.names().all(|old| asked.names().any(|name| name == old)) {
        what.push(format!("{} besides its methods", new.join(", ")));
        // In the order, and with the contrasts, of the larger plan; those that it shares are
        // compared below.
        let kept = |name: &str| there.methods.iter().find(|recipe| recipe.card().name == name);
        let methods = asked.methods.iter();
        grown.methods = methods.map(|r| kept(&r.card().name).unwrap_or(r).clone()).collect();
        grown.contrasts.clone_from(&asked.contrasts);
        grown.outside = asked
            .outside
            .iter()
            .map(|(name, program)| (name.clone(), there.outside.get(name).unwrap_or(program)))
            .map(|(name, program)| (name, program.clone()))
            .collect();
    }
    if asked.pictures != there.pictures {
        what.push("other methods in its pictures".to_owned());
        grown.pictures.clone_from(&asked.pictures);
    }
    if asked.trials > there.trials {
        match with_trials(&grown, asked.trials) {
            Ok(more) => {
                what.push(format!("trials = {} to trials = {}", there.trials, asked.trials));
                grown = more;
            }
            Err(why) => {
                let asked = format!("{} ({why})", asked.trials);
                let there = there.trials.to_string();
                return Growth::Different(("trials".to_owned(), there, asked));
            }
        }
    }
    match difference(&grown.to_toml(), &asked.to_toml()) {
        None => Growth::Larger(what.join(", ")),
        Some(difference) => Growth::Different(difference),
    }
}

/// Is the run whose file says `there` the one that is asked for? `None` for the same one, `Ok` for
/// one that is continued with more trials.
pub(super) fn of_run(
    file: &str,
    there: &RunInfo,
    asked: &Experiment,
) -> Result<Option<Result<(), Difference>>, ConfigError> {
    let asked = asked.of_run(&there.method, there.seed);
    if there.experiment == asked.to_toml() {
        return Ok(None);
    }
    let there = Experiment::parse(file, &there.experiment)?.of_run(&there.method, there.seed);
    let Some(differs) = difference(&there.figures(), &asked.figures()) else { return Ok(None) };
    if asked.trials <= there.trials {
        return Ok(Some(Err(differs)));
    }
    Ok(Some(match with_trials(&there, asked.trials) {
        Ok(grown) => difference(&grown.figures(), &asked.figures()).map_or(Ok(()), Err),
        Err(why) => {
            let asked = format!("{} ({why})", asked.trials);
            Err(("trials".to_owned(), there.trials.to_string(), asked))
        }
    }))
}

/// The same with more trials, if going on comes to the same as having begun so.
fn with_trials(there: &Experiment, trials: u64) -> Result<Experiment, String> {
    let every = there.evaluation.every;
    if !there.trials.is_multiple_of(every) {
        return Err(format!(
            "{} trials are no multiple of evaluation.every = {every}: a run that goes on would not \
             be the one that begins so",
            there.trials
        ));
    }
    if let Some(name) = there.outside.keys().next() {
        return Err(format!("'{name}' was told its number of trials when it began"));
    }
    let mut grown = there.clone();
    grown.trials = trials;
    Ok(grown)
}

/// The first key in which two texts of experiments differ.
fn difference(there: &str, asked: &str) -> Option<Difference> {
    if there == asked {
        return None;
    }
    let (mut a, mut b) = (there.lines(), asked.lines());
    loop {
        match (a.next(), b.next()) {
            (Some(x), Some(y)) if x == y => {}
            (x, y) => {
                let said = |line: Option<&str>| line.unwrap_or("nothing").to_owned();
                let key = x.or(y).and_then(|line| line.split(" =").next()).unwrap_or("experiment");
                return Some((key.to_owned(), said(x), said(y)));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn smoke(sets: &[&str]) -> Experiment {
        let sets: Vec<String> = sets.iter().map(|s| (*s).to_owned()).collect();
        Experiment::open("smoke", &sets).unwrap()
    }

    #[test]
    fn seeds_methods_and_trials_grow_and_nothing_else_does() {
        let grows = |sets: &[&str]| of_folder(&smoke(&[]), &smoke(sets));
        assert_eq!(grows(&[]), Growth::Same);
        assert!(matches!(grows(&["seeds=7"]), Growth::Larger(what) if what.contains("seeds = 7")));
        let without_prior = "methods=[\"oracle\", \"rm-rl\"]";
        let (some, more) = (smoke(&[without_prior]), smoke(&[without_prior, "trials=160"]));
        assert!(matches!(of_folder(&some, &more), Growth::Larger(what) if what.contains("160")));
        let fewer = smoke(&["methods=[\"oracle\", \"rm-rl\"]"]);
        let more = smoke(&["methods=[\"rm-rl\", \"ppo\", \"oracle\"]", "seeds=9"]);
        assert!(matches!(of_folder(&fewer, &more), Growth::Larger(what) if what.contains("ppo")));
        let shown = grows(&["pictures=[\"rm-rl\"]"]);
        assert!(matches!(shown, Growth::Larger(what) if what.contains("pictures")));
        for (sets, key) in [
            (&["seeds=1"][..], "seeds"),
            (&["first_seed=2"], "first_seed"),
            (&["trials=40"], "trials"),
            (&["batch=10", "evaluation.every=10"], "batch"),
            (&["ppo.lr=0.5", "seeds=9"], "lr"),
            (&["methods=[\"rm-rl\"]"], "methods"),
            // Its share of prior trials would be another one.
            (&["trials=160"], "prior_trials"),
        ] {
            let Growth::Different((found, _, _)) = grows(sets) else { panic!("{sets:?}") };
            assert_eq!(found, key, "{sets:?}");
        }
    }

    #[test]
    fn a_run_that_ended_between_two_evaluations_cannot_be_gone_on_with() {
        let odd = smoke(&["trials=50"]);
        let Growth::Different((key, _, why)) = of_folder(&odd, &smoke(&["trials=80"])) else {
            panic!("it grew")
        };
        assert!(key == "trials" && why.contains("evaluation.every"), "{why}");
    }
}
