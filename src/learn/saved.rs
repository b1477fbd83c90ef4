//! Lists of numbers as a method's saved state: safetensors, as that of a network.

use safetensors::{Dtype, SafeTensors, tensor::TensorView};

use super::LearnError;

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
}
