//! Which of two policies is better: pairs of trials that begin alike, in random order.

use indicatif::ProgressBar;
use rand::RngExt;
use serde_json::json;

use super::{Args, Rehearsal, on_paper, there};
use crate::cli::Failure;
use crate::cli::out::say;
use crate::cli::policy::{Trained, trained};
use crate::cli::progress::style;
use crate::lab::judge;
use crate::report::{ALPHA, Ahead, Judged, Scores, Sequential, sign_flip_p};
use crate::store::Stored;
use crate::task::{Phase, Pose2, Stream, TrialKey};

/// Costs of the pairs so far, those of the first policy first.
struct Pairs {
    costs: Vec<[f64; 2]>,
    test: Sequential,
}

pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let both = both(args)?;
    let (scene, cells) = there(args, &both[0])?;
    if args.backend.dry_run {
        return on_paper(&both[0], &cells);
    }
    let mut rehearsal = Rehearsal::new(args, &both[0], &scene, &cells)?;
    let lost = Stored::interrupted(Pose2::IDENTITY, 0.0);
    let lost = cost(judge(rehearsal.trials.reward(), &lost));
    let mut pairs = Pairs { costs: Vec::new(), test: Sequential::new(lost / 5.0) };
    let bar = ProgressBar::new(args.trials)
        .with_style(style("{bar:30.cyan/blue} pair {pos} of at most {len}, {msg}{eta} left"));
    let mut made = || -> Result<(), Failure> {
        while (pairs.costs.len() as u64) < args.trials {
            pairs.next(&mut rehearsal, &both)?;
            bar.inc(1);
            if args.sequential {
                let (now, needed) = (pairs.test.evidence(), 1.0 / ALPHA);
                bar.set_message(format!("evidence {now:.1} of {needed}, "));
                if pairs.test.decided().is_some() {
                    break;
                }
            }
        }
        Ok(())
    };
    let ended = made();
    bar.finish_and_clear();
    // What has been measured is told, whatever ended it.
    if ended.is_ok() || !pairs.costs.is_empty() {
        pairs.show(args, &both, &scene)?;
    }
    ended
}

/// Two policies that can take each other's place.
fn both(args: &Args) -> Result<[Trained; 2], Failure> {
    let [a, b] = args.compare.as_slice() else {
        let n = args.compare.len();
        return Err(Failure::Input(format!("--compare: {n} runs; must be two, as RUN,RUN")));
    };
    let both = [trained(a)?, trained(b)?];
    let [one, other] = both.each_ref().map(|policy| &policy.experiment.task);
    for (key, here, there) in [
        ("task.range.mm", one.range.mm, other.range.mm),
        ("task.range.deg", one.range.deg, other.range.deg),
        ("task.image.px", one.image.px as f64, other.image.px as f64),
        ("task.image.mm", one.image.mm, other.image.mm),
    ] {
        if here != there {
            let (path, own) = (both[1].path.display(), both[0].path.display());
            return Err(Failure::Input(format!(
                "{path}: {key} = {there}; must be {here}, as in {own}: a pair begins alike"
            )));
        }
    }
    Ok(both)
}

impl Pairs {
    fn next(&mut self, rehearsal: &mut Rehearsal<'_>, both: &[Trained; 2]) -> Result<(), Failure> {
        let key = TrialKey { phase: Phase::HeldOut, index: self.costs.len() as u64 };
        let mut order = [0, 1];
        if rehearsal.trials.streams().draw(Stream::Turns, key).random::<bool>() {
            order.reverse();
        }
        let mut costs = [0.0; 2];
        for which in order {
            costs[which] = cost(rehearsal.judge(key, &both[which])?);
        }
        self.costs.push(costs);
        self.test.observe(costs[1] - costs[0]);
        Ok(())
    }

    fn show(&self, args: &Args, both: &[Trained; 2], scene: &str) -> Result<(), Failure> {
        let n = self.costs.len();
        let mean = |which: usize| self.costs.iter().map(|pair| pair[which]).sum::<f64>() / n as f64;
        let differences: Vec<f64> = self.costs.iter().map(|[a, b]| b - a).collect();
        // Of a number of pairs that was fixed in advance.
        let p = sign_flip_p(&differences).filter(|_| !args.sequential);
        let better = match (args.sequential, self.test.decided()) {
            (true, decided) => decided.map(|ahead| usize::from(ahead == Ahead::Negative)),
            (false, _) => {
                p.filter(|p| *p < ALPHA).map(|_| usize::from(differences.iter().sum::<f64>() < 0.0))
            }
        };
        let named = |which: usize| format!("{}", both[which].path.display());
        if args.json {
            return say!(
                "{}",
                json!({
                    "compared": [named(0), named(1)],
                    "methods": both.each_ref().map(|policy| &policy.info.method),
                    "seeds": both.each_ref().map(|policy| policy.info.seed),
                    "scene": scene,
                    "pairs": n,
                    "cost": [mean(0), mean(1)],
                    "costs": self.costs,
                    "sequential": args.sequential,
                    "evidence": self.test.evidence(),
                    "p": p,
                    "alpha": ALPHA,
                    "better": better.map(named),
                })
            );
        }
        for (which, policy) in both.iter().enumerate() {
            let (method, seed) = (&policy.info.method, policy.info.seed);
            say!("{}: {method} (seed {seed}), cost {:.3}", named(which), mean(which))?;
        }
        let how = match p {
            Some(p) => format!("randomisation test, p {p:.4}"),
            None if args.sequential => {
                let needed = 1.0 / ALPHA;
                format!("evidence {:.1}, {needed} decides at 5 %", self.test.evidence())
            }
            None => "too few pairs for a test".to_owned(),
        };
        let verdict = better
            .map_or("not told apart".to_owned(), |which| format!("{} is better", named(which)));
        say!("{verdict}, after {n} pairs on {scene} ({how}); cost: (mm + deg) / 5")
    }
}

fn cost(trial: Judged) -> f64 {
    Scores::judge(&[trial]).cost()
}
