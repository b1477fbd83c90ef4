use super::*;
use proptest::prelude::*;

fn errors(n: std::ops::Range<usize>) -> impl Strategy<Value = Vec<f64>> {
    prop::collection::vec(0.01..10.0f64, n)
}

fn iqm(values: &[f64]) -> f64 {
    Runs::new(values.to_vec()).iqm().unwrap()
}

proptest! {
    #[test]
    fn the_interquartile_mean_lies_between_the_values_and_ignores_their_order(mut v in errors(1..30)) {
        let mean = iqm(&v);
        v.reverse();
        prop_assert_eq!(iqm(&v), mean);
        v.sort_by(f64::total_cmp);
        prop_assert!(v[0] - 1e-12 <= mean && mean <= v[v.len() - 1] + 1e-12);
    }

    #[test]
    fn one_wild_run_in_twenty_moves_no_interquartile_mean(mut v in errors(20..21), wild in 1e3..1e9f64) {
        v[0] = 11.0;
        let tame = iqm(&v);
        v[0] = wild;
        prop_assert_eq!(iqm(&v), tame);
    }

    #[test]
    fn a_resample_by_counts_is_that_of_the_repeated_values(
        v in errors(2..25), picks in prop::collection::vec(any::<prop::sample::Index>(), 25),
    ) {
        let chosen: Vec<usize> = picks[..v.len()].iter().map(|i| i.index(v.len())).collect();
        let mut counts = vec![0; v.len()];
        chosen.iter().for_each(|&i| counts[i] += 1);
        let repeated: Vec<f64> = chosen.iter().map(|&i| v[i]).collect();
        prop_assert!((Runs::new(v).iqm_of(&counts) - iqm(&repeated)).abs() < 1e-12);
    }

    #[test]
    fn an_interval_contains_its_bootstrap_median_and_stays_in_the_data(v in errors(5..25)) {
        let draws = Resamples::draw(v.len(), 400);
        let [low, high] = Runs::new(v.clone()).estimate(&draws).unwrap().ci95.unwrap();
        let (min, max) = v.iter().fold((f64::MAX, f64::MIN), |(a, b), x| (a.min(*x), b.max(*x)));
        prop_assert!(low <= high && min - 1e-12 <= low && high <= max + 1e-12);
    }

    #[test]
    fn the_two_probabilities_of_improvement_add_to_one(a in errors(1..12), b in errors(1..12)) {
        let sum = probability_lower(&a, &b) + probability_lower(&b, &a);
        prop_assert!((sum - 1.0).abs() < 1e-12);
    }

    #[test]
    fn wilson_holds_the_observed_rate(n in 1..500u64, share in 0.0..=1.0f64) {
        let k = (share * n as f64).floor() as u64;
        let [low, high] = wilson((k, n));
        let p = k as f64 / n as f64;
        prop_assert!(0.0 <= low && low <= p + 1e-12 && p - 1e-12 <= high && high <= 1.0);
    }

    #[test]
    fn scaling_every_error_of_both_changes_no_improvement(v in errors(4..20), k in 0.1..9.0f64) {
        let draws = Resamples::draw(v.len(), 200);
        let half: Vec<f64> = v.iter().map(|x| x * 0.5).collect();
        let by = |s: f64| {
            let scaled = |w: &[f64]| Runs::new(w.iter().map(|x| x * s).collect());
            percent_lower(&scaled(&half), &scaled(&v), &draws).unwrap()
        };
        prop_assert!((by(k).value - 50.0).abs() < 1e-9);
        let [low, high] = by(k).ci95.unwrap();
        prop_assert!((low - 50.0).abs() < 1e-9 && (high - 50.0).abs() < 1e-9, "paired: no spread");
    }
}

#[test]
fn the_interquartile_mean_cuts_whole_runs_as_scipy_does() {
    // scipy.stats.trim_mean([1, 2, 3, 4, 5, 60], 0.25): int(6 * 0.25) = 1 is cut at each end.
    assert_eq!(iqm(&[1.0, 2.0, 3.0, 4.0, 5.0, 60.0]), 3.5);
    assert_eq!(iqm(&[4.0, 8.0, 1.0]), 13.0 / 3.0);
    assert_eq!(iqm(&[7.0]), 7.0);
    assert_eq!(Runs::new(vec![]).iqm(), None);
}

#[test]
fn wilson_agrees_with_worked_examples() {
    // 5 of 10: 0.2366 to 0.7634; 10 of 10: 0.7225 to 1 (Brown, Cai & DasGupta 2001).
    let near = |got: [f64; 2], want: [f64; 2]| {
        assert!((got[0] - want[0]).abs() < 5e-5 && (got[1] - want[1]).abs() < 5e-5, "{got:?}");
    };
    near(wilson((5, 10)), [0.2366, 0.7634]);
    near(wilson((10, 10)), [0.7225, 1.0]);
    assert_eq!(wilson((0, 0)), [0.0, 1.0]);
}

#[test]
fn the_probability_of_improvement_counts_ties_one_half() {
    // Pairs (1,1) tie, (1,3) win, (2,1) loss, (2,3) win.
    assert_eq!(probability_lower(&[1.0, 2.0], &[1.0, 3.0]), 2.5 / 4.0);
    assert_eq!(probability_lower(&[1.0], &[2.0]), 1.0);
}

#[test]
fn percentiles_interpolate_as_numpy_does() {
    let mut values = [40.0, 10.0, 30.0, 20.0];
    assert_eq!(percentile(&mut values, 0.5), Some(25.0));
    assert!((percentile(&mut values, 0.025).unwrap() - 10.75).abs() < 1e-12);
    assert!((percentile(&mut values, 0.975).unwrap() - 39.25).abs() < 1e-12);
    assert_eq!(percentile(&mut [], 0.5), None);
}

#[test]
fn what_is_never_reached_counts_at_the_horizon() {
    assert_eq!(restricted_mean(&[Some(200), None, Some(1200)], 1000), Some(2200.0 / 3.0));
    assert_eq!(restricted_mean(&[], 1000), None);
}

#[test]
fn the_interval_of_a_mean_of_normal_runs_is_as_wide_as_theory_says() {
    // 20 runs, none of them far out: the bootstrap of the plain mean (here through `interval`)
    // has standard error sd / sqrt(n), so the interval is about 3.92 of those wide.
    let values: Vec<f64> = (0..20).map(|i| f64::from(i) - 9.5).collect();
    let sd = (values.iter().map(|v| v * v).sum::<f64>() / 20.0).sqrt();
    let mean =
        |c: &[u16]| c.iter().zip(&values).map(|(k, v)| f64::from(*k) * v).sum::<f64>() / 20.0;
    let [low, high] = Resamples::draw(20, 20_000).interval(mean).unwrap();
    let expected = 3.92 * sd / 20f64.sqrt();
    assert!(((high - low) / expected - 1.0).abs() < 0.03, "{} for {expected}", high - low);
}

#[test]
fn trials_of_one_run_are_not_taken_as_independent() {
    // Ten runs that always succeed and ten that never do: 200 trials are no better than 20.
    let runs: Vec<Count> = (0..20).map(|i| (if i < 10 { 10 } else { 0 }, 10)).collect();
    let [low, high] = rate_interval(&runs, &Resamples::draw(20, 5_000));
    let [naive_low, naive_high] = wilson(pooled(&runs));
    assert!(high - low > 2.0 * (naive_high - naive_low));
}

#[test]
fn a_rate_without_spread_falls_back_to_wilson() {
    let draws = Resamples::draw(20, 100);
    assert_eq!(rate_interval(&[(10, 10); 20], &draws), wilson((200, 200)));
    assert_eq!(rate_interval(&[(3, 10)], &Resamples::draw(1, 100)), wilson((3, 10)));
}

#[test]
fn one_run_has_no_interval() {
    let one = Runs::new(vec![1.5]).estimate(&Resamples::draw(1, 100));
    assert_eq!(one, Some(Estimate { iqm: 1.5, ci95: None }));
}

#[test]
fn the_same_runs_give_the_same_bits() {
    let runs = Runs::new((1..=20).map(|i| f64::from(i).sqrt()).collect());
    let once = runs.estimate(&Resamples::draw(20, 1000));
    assert_eq!(once, runs.estimate(&Resamples::draw(20, 1000)));
}
