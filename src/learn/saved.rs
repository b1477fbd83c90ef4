//! Lists of numbers as a method's saved state: safetensors, as that of a network.

use nalgebra::DMatrix;
use safetensors::{Dtype, SafeTensors, tensor::TensorView};

use super::LearnError;
use super::reward_form::RewardFit;

/// Lists by name.
pub fn save(method: &str, lists: &[(&str, &[f64])]) -> Result<Vec<u8>, LearnError> {
    let bytes = |numbers: &[f64]| numbers.iter().flat_map(|n| n.to_le_bytes()).collect::<Vec<_>>();
    let bytes: Vec<_> = lists.iter().map(|(_, numbers)| bytes(numbers)).collect();
    let mut views = Vec::new();
    for ((name, numbers), bytes) in lists.iter().zip(&bytes) {
        let view = TensorView::new(Dtype::F64, vec![numbers.len()], bytes);
        views.push((*name, view.map_err(|error| unusable(method, error))?));
    }
    safetensors::serialize(views, None).map_err(|error| unusable(method, error))
}

/// The lists of these names.
///
/// # Errors
/// The state is cut, or of another kind.
pub fn load<const N: usize>(
    method: &str,
    state: &[u8],
    names: [&str; N],
) -> Result<[Vec<f64>; N], LearnError> {
    let saved = SafeTensors::deserialize(state).map_err(|error| unusable(method, error))?;
    let mut lists = [const { Vec::new() }; N];
    for (list, name) in lists.iter_mut().zip(names) {
        let view = saved.tensor(name).map_err(|error| unusable(method, error))?;
        let (words, _) = view.data().as_chunks::<8>();
        *list = words.iter().map(|word| f64::from_le_bytes(*word)).collect();
    }
    Ok(lists)
}

/// Values and spread of a fit of the reward; two empty lists before the first one.
pub fn save_fit(method: &str, fit: Option<&RewardFit>) -> Result<Vec<u8>, LearnError> {
    let values = fit.map_or(&[][..], |fit| &fit.values);
    let spread = fit.map_or(&[][..], |fit| fit.spread.as_slice());
    save(method, &[("values", values), ("spread", spread)])
}

/// A fit whose optimum is linear in `k` numbers; its cost is not kept.
pub fn load_fit(method: &str, state: &[u8], k: usize) -> Result<Option<RewardFit>, LearnError> {
    let [values, spread] = load(method, state, ["values", "spread"])?;
    match (values.len(), spread.len()) {
        (0, 0) => Ok(None),
        (n, m) if n == 3 * k + 4 && m == 9 * k * k => {
            let spread = DMatrix::from_vec(3 * k, 3 * k, spread);
            Ok(Some(RewardFit { values, spread, cost: f64::NAN }))
        }
        _ => Err(unusable(method, "it is of another number of components")),
    }
}

pub fn unusable(method: &str, why: impl ToString) -> LearnError {
    LearnError::State { method: method.to_owned(), why: why.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back_as_they_were_and_what_is_cut_or_foreign_is_refused() {
        let state = save("m", &[("a", &[1.5, -0.1]), ("b", &[])]).unwrap();
        assert_eq!(load("m", &state, ["b", "a"]).unwrap(), [vec![], vec![1.5, -0.1]]);
        for refused in [
            load("m", &state[..state.len() - 3], ["a"]),
            load("m", &state, ["c"]),
            load("m", b"nonsense", ["a"]),
        ] {
            let said = refused.unwrap_err().to_string();
            assert!(said.contains("the saved state of method 'm' cannot be used"), "{said}");
        }
    }

    #[test]
    fn a_fit_of_another_size_is_refused() {
        let values = [RewardFit::start(2, [1.0, 2.0, 3.0]), vec![0.0; 36]];
        let state = save("m", &[("values", &values[0]), ("spread", &values[1])]).unwrap();
        let fit = load_fit("m", &state, 2).unwrap().unwrap();
        assert_eq!(fit.optimum(&[1.0, 0.0]), [1.0, 2.0, 3.0]);
        assert!(load_fit("m", &state, 3).is_err());
        let none = save_fit("m", None).unwrap();
        assert!(load_fit("m", &none, 3).unwrap().is_none());
    }
}
