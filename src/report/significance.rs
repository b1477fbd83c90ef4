//! Tests of paired differences, what remains of them among many, and what could have been found.

use rand::{RngExt, SeedableRng};
use statrs::distribution::{ContinuousCDF, StudentsT};

use crate::task::Draw;

/// Seeds below which no verdict is given: of two sides, one is beyond the other by chance too often.
pub const FEWEST_FOR_A_VERDICT: usize = 5;
/// Share of false alarms that is accepted, among all comparisons of a family together.
pub const ALPHA: f64 = 0.05;
/// With which a difference of the detectable size would be found.
const POWER: f64 = 0.8;
/// Pairs up to which all sign changes are counted; of more, so many are drawn.
const ALL_SIGNS: usize = 20;
const DRAWN_SIGNS: u64 = 200_000;

/// Two-sided p of the mean paired difference being 0: the share of sign changes of the differences whose
/// mean is as far from 0 (Fisher's randomisation test). All 2^n are counted up to 20 pairs.
pub fn sign_flip_p(differences: &[f64]) -> Option<f64> {
    let n = differences.len();
    if n < 2 || !differences.iter().all(|d| d.is_finite()) {
        return None;
    }
    let scale: f64 = differences.iter().map(|d| d.abs()).sum();
    // What is equal but for rounding counts as equal.
    let far = differences.iter().sum::<f64>().abs() - 1e-9 * scale;
    if n > ALL_SIGNS {
        let mut draw = Draw::seed_from_u64(0x7369_676e ^ n as u64);
        let mut as_far = 0;
        for _ in 0..DRAWN_SIGNS {
            let flip = |d: &f64| if draw.random::<bool>() { -d } else { *d };
            as_far += u64::from(differences.iter().map(flip).sum::<f64>().abs() >= far);
        }
        return Some((as_far + 1) as f64 / (DRAWN_SIGNS + 1) as f64);
    }
    // The first sign stays: the other half is the same with all signs changed. From one pattern to the
    // next, one sign changes (Gray's code).
    let free = n - 1;
    let mut signs = vec![1.0; n];
    let mut sum: f64 = differences.iter().sum();
    let mut as_far: u64 = u64::from(sum.abs() >= far);
    for step in 1..1u64 << free {
        let at = 1 + step.trailing_zeros() as usize;
        signs[at] = -signs[at];
        sum += 2.0 * signs[at] * differences[at];
        as_far += u64::from(sum.abs() >= far);
    }
    Some(as_far as f64 / (1u64 << free) as f64)
}

/// p adjusted for all of them being looked at (Holm 1979), in the order given. One that could not be
/// computed counts as 1 and stays unknown.
pub fn holm(p: &[Option<f64>]) -> Vec<Option<f64>> {
    let mut order: Vec<usize> = (0..p.len()).collect();
    order.sort_by(|&a, &b| p[a].unwrap_or(1.0).total_cmp(&p[b].unwrap_or(1.0)));
    let mut adjusted = vec![None; p.len()];
    let mut so_far: f64 = 0.0;
    for (rank, at) in order.into_iter().enumerate() {
        let scaled = p[at].unwrap_or(1.0) * (p.len() - rank) as f64;
        so_far = so_far.max(scaled.min(1.0));
        adjusted[at] = p[at].map(|_| so_far);
    }
    adjusted
}

/// The smallest mean paired difference that these seeds would find with a power of 80 %, at the strictest
/// level of so many comparisons: `(t(1 - alpha / 2m) + t(0.8)) sd / sqrt(n)`, n - 1 degrees of freedom.
pub fn detectable(differences: &[f64], comparisons: usize) -> Option<f64> {
    let n = differences.len();
    let t = StudentsT::new(0.0, 1.0, n.checked_sub(1)? as f64).ok()?;
    let mean = differences.iter().sum::<f64>() / n as f64;
    let square: f64 = differences.iter().map(|d| (d - mean).powi(2)).sum();
    let sd = (square / (n - 1) as f64).sqrt();
    let level = 1.0 - ALPHA / (2.0 * comparisons.max(1) as f64);
    Some((t.inverse_cdf(level) + t.inverse_cdf(POWER)) * sd / (n as f64).sqrt())
}

/// Whether so many seeds can reject one of so many comparisons at all: the smallest p of the randomisation
/// test is 2^(1 - seeds), and Holm multiplies it by their number.
pub fn can_reject(seeds: usize, comparisons: usize) -> bool {
    seeds >= seeds_to_reject(comparisons)
}

/// How many seeds that takes.
pub fn seeds_to_reject(comparisons: usize) -> usize {
    let least = |seeds: &usize| comparisons.max(1) as f64 * libm::exp2(1.0 - *seeds as f64);
    (FEWEST_FOR_A_VERDICT..64).find(|seeds| least(seeds) < ALPHA).unwrap_or(64)
}

/// A compact letter display: items that share a letter are not told apart (Piepho 2004, by insertion and
/// absorption). `differ` holds pairs; items are in the order of their means.
pub fn letters(items: usize, differ: &[(usize, usize)]) -> Vec<String> {
    let mut groups: Vec<Vec<bool>> = vec![vec![true; items]];
    for &(a, b) in differ {
        let (both, mut kept): (Vec<_>, Vec<_>) = groups.into_iter().partition(|g| g[a] && g[b]);
        for group in both {
            for out in [a, b] {
                let mut without = group.clone();
                without[out] = false;
                kept.push(without);
            }
        }
        groups = absorbed(kept);
    }
    groups.sort_by_key(|group| group.iter().position(|&is_in| is_in));
    let letter = |at: usize| match u8::try_from(at) {
        Ok(at) if at < 26 => char::from(b'a' + at),
        _ => char::from_u32('α' as u32 + at as u32 - 26).unwrap_or('?'),
    };
    let of_item = |item: usize| {
        let own = groups.iter().enumerate().filter(|(_, group)| group[item]);
        own.map(|(at, _)| letter(at)).collect()
    };
    (0..items).map(of_item).collect()
}

/// Without those that lie within another.
fn absorbed(groups: Vec<Vec<bool>>) -> Vec<Vec<bool>> {
    let within = |a: &[bool], b: &[bool]| a.iter().zip(b).all(|(a, b)| !a || *b);
    let is_needless = |at: usize| {
        groups.iter().enumerate().any(|(other, group)| {
            other != at && within(&groups[at], group) && (other < at || groups[at] != *group)
        })
    };
    let needed = (0..groups.len()).filter(|&at| !is_needless(at));
    needed.map(|at| groups[at].clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_randomisation_test_counts_every_change_of_signs() {
        // All of one sign: only that pattern and its mirror are as far.
        assert_eq!(sign_flip_p(&[1.0, 2.0, 0.5, 3.0, 1.5]), Some(2.0 / 32.0));
        assert_eq!(sign_flip_p(&[1.0, -1.0]), Some(1.0));
        // scipy.stats.permutation_test, permutation_type="samples": 0.21875 (14 of 64).
        let p = sign_flip_p(&[0.3, -0.1, 0.4, 0.2, -0.2, 0.35]).unwrap();
        assert!((p - 0.21875).abs() < 1e-12, "{p}");
        assert_eq!(sign_flip_p(&[0.7]), None);
    }

    #[test]
    fn drawn_signs_agree_with_counted_ones() {
        let few: Vec<f64> = (0..20).map(|i| f64::from(i % 7) - 2.3).collect();
        let counted = sign_flip_p(&few).unwrap();
        // A difference of 0 changes nothing, whatever its sign.
        let more = [few, vec![0.0]].concat();
        assert!((sign_flip_p(&more).unwrap() - counted).abs() < 0.005);
    }

    #[test]
    fn holm_is_stricter_the_more_is_looked_at_and_keeps_the_order() {
        let adjusted = holm(&[Some(0.01), Some(0.04), Some(0.03), Some(0.005)]);
        let near = |got: &[Option<f64>], want: &[f64]| {
            got.iter().zip(want).all(|(got, want)| (got.unwrap() - want).abs() < 1e-12)
        };
        // statsmodels.stats.multitest.multipletests(method="holm").
        assert!(near(&adjusted, &[0.03, 0.06, 0.06, 0.02]), "{adjusted:?}");
        assert_eq!(holm(&[Some(0.02), None]), [Some(0.04), None]);
    }

    #[test]
    fn more_seeds_find_smaller_differences_and_more_comparisons_larger_ones() {
        let few: Vec<f64> = (0..10).map(|i| f64::from(i % 2)).collect();
        let many = few.repeat(4);
        let of = |differences: &[f64], m| detectable(differences, m).unwrap();
        assert!(of(&many, 1) < 0.6 * of(&few, 1) && of(&few, 6) > of(&few, 1));
        // t(0.975; 9) = 2.262157, t(0.8; 9) = 0.883404, sd = 0.527046.
        assert!((of(&few, 1) - (2.262_157 + 0.883_404) * 0.527_046 / 10f64.sqrt()).abs() < 1e-5);
        assert_eq!(detectable(&[1.0], 1), None);
    }

    #[test]
    fn few_seeds_cannot_reject_one_of_many_comparisons() {
        // 2^-4 = 0.0625 for one, at 5 seeds; 3 x 2^-6 = 0.047 at 7; 28 x 2^-10 = 0.027 at 11.
        assert_eq!([1, 3, 6, 28].map(seeds_to_reject), [6, 7, 8, 11]);
        assert!(!can_reject(5, 1) && can_reject(6, 1) && !can_reject(10, 28));
        let clear = [1.0; 6];
        let adjusted = |m: usize| holm(&vec![sign_flip_p(&clear); m])[0].unwrap();
        assert!(adjusted(1) < ALPHA && adjusted(2) >= ALPHA, "as the test itself has it");
        assert_eq!(sign_flip_p(&[0.1, f64::NAN, 0.3]), None);
    }

    #[test]
    fn who_is_not_told_apart_shares_a_letter() {
        assert_eq!(letters(3, &[]), ["a", "a", "a"]);
        assert_eq!(letters(3, &[(0, 1), (0, 2), (1, 2)]), ["a", "b", "c"]);
        assert_eq!(letters(3, &[(0, 2)]), ["a", "ab", "b"]);
        assert_eq!(letters(4, &[(0, 2), (0, 3), (1, 3)]), ["a", "ab", "bc", "c"]);
    }
}
