use super::Experiment;
use crate::learn::Recipe;

/// Which runs of an experiment a process makes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Part {
    #[default]
    All,
    /// The runs of one shard of so many, from 0 on as array jobs count.
    Shard { index: u64, of: u64 },
    /// These runs: method and seed.
    Only(Vec<(String, u64)>),
}

impl Part {
    /// Reads `i/N`.
    pub fn shard(text: &str) -> Result<Self, String> {
        let both = text.split_once('/').and_then(|(i, n)| Some((i.parse().ok()?, n.parse().ok()?)));
        match both {
            Some((index, of)) if index < of => Ok(Self::Shard { index, of }),
            _ => Err("must be i/N with i from 0 to N - 1, for instance 0/4".to_owned()),
        }
    }

    /// Reads `METHOD/SEED`, several of them after each other.
    pub fn only<T: AsRef<str>>(texts: &[T]) -> Result<Self, String> {
        let one = |text: &T| {
            let (method, seed) = text.as_ref().rsplit_once('/')?;
            Some((method.to_owned(), seed.parse().ok()?)).filter(|(method, _)| !method.is_empty())
        };
        let all: Option<Vec<_>> = texts.iter().map(one).collect();
        all.map(Self::Only).ok_or_else(|| "must be METHOD/SEED, for instance rm-rl/3".to_owned())
    }

    /// Its runs, seed by seed. Shards differ by at most one run, and each has runs of every method.
    ///
    /// # Errors
    /// Names a run that the experiment does not have.
    pub fn runs<'e>(&self, experiment: &'e Experiment) -> Result<Vec<(u64, &'e Recipe)>, String> {
        let methods = experiment.methods.len();
        let all = experiment
            .seeds()
            .flat_map(|seed| experiment.methods.iter().map(move |recipe| (seed, recipe)));
        match self {
            Self::All => Ok(all.collect()),
            Self::Shard { index, of } => {
                // Dealt out method by method, so that no shard has only the slow ones.
                let dealt =
                    |at: usize| (at % methods) as u64 * experiment.seeds + (at / methods) as u64;
                let of_shard = |at: usize| dealt(at) % of == *index;
                Ok(all.enumerate().filter(|(at, _)| of_shard(*at)).map(|(_, run)| run).collect())
            }
            Self::Only(named) => {
                let known: Vec<_> = all.collect();
                let one = |(method, seed): &(String, u64)| {
                    let mut known = known.iter().copied();
                    known.find(|(s, recipe)| s == seed && recipe.card().name == *method).ok_or_else(
                        || {
                            let methods: Vec<_> = experiment.names().collect();
                            let last = experiment.first_seed + experiment.seeds - 1;
                            format!(
                                "{method}/{seed}: must be one of {} with a seed from {} to {last}",
                                methods.join(", "),
                                experiment.first_seed
                            )
                        },
                    )
                };
                named.iter().map(one).collect()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn named(part: &Part, experiment: &Experiment) -> Vec<(u64, String)> {
        let runs = part.runs(experiment).unwrap();
        runs.into_iter().map(|(seed, recipe)| (seed, recipe.card().name.clone())).collect()
    }

    proptest! {
        #[test]
        fn shards_together_make_every_run_once(
            of in 1u64..40, seeds in 1u64..12, methods in 1usize..5
        ) {
            let names = ["oracle", "ppo", "reinforce", "rm-rl", "no-correction"];
            let sets = [format!("seeds={seeds}"), format!("methods={:?}", &names[..methods])];
            let experiment = Experiment::open("smoke", &sets).unwrap();
            let of_shard = |index| named(&Part::Shard { index, of }, &experiment);
            let shards: Vec<_> = (0..of).map(of_shard).collect();
            let sizes: Vec<_> = shards.iter().map(Vec::len).collect();
            let mut together: Vec<_> = shards.into_iter().flatten().collect();
            let mut all = named(&Part::All, &experiment);
            together.sort();
            all.sort();
            prop_assert_eq!(together, all);
            let (least, most) = (sizes.iter().min().unwrap(), sizes.iter().max().unwrap());
            prop_assert!(most - least <= 1, "{:?}", sizes);
        }

        #[test]
        fn no_text_makes_the_readers_panic(text in "[a-z0-9/ -]{0,12}") {
            if let Ok(Part::Shard { index, of }) = Part::shard(&text) {
                prop_assert!(index < of);
            }
            drop(Part::only(&[text]));
        }
    }

    #[test]
    fn a_part_that_is_not_there_is_refused_with_what_is() {
        for text in ["4/4", "0", "a/4", "-1/4", "0/0", "0/-2"] {
            assert!(Part::shard(text).unwrap_err().contains("0/4"), "{text}");
        }
        assert!(Part::only(&["rm-rl"]).unwrap_err().contains("rm-rl/3"));
        let smoke = Experiment::open("smoke", &[]).unwrap();
        let said = Part::only(&["rm-rl/99"]).unwrap().runs(&smoke).unwrap_err();
        assert!(said.contains("rm-rl/99") && said.contains("seed from 1 to"), "{said}");
        assert_eq!(named(&Part::only(&["rm-rl/1"]).unwrap(), &smoke), [(1, "rm-rl".to_owned())]);
    }
}
