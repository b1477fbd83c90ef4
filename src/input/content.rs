use sha2::{Digest, Sha256};
use toml::{Table, Value};

/// SHA-256 of what files say: whoever has the same content has the same hash, wherever the files lie
/// and however they are laid out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Content(String);

impl Content {
    /// Of texts in order: where one ends matters.
    pub fn of<T: AsRef<[u8]>>(texts: impl IntoIterator<Item = T>) -> Self {
        let mut hash = Sha256::new();
        for text in texts {
            let text = text.as_ref();
            hash.update((text.len() as u64).to_le_bytes());
            hash.update(text);
        }
        Self(hex(hash))
    }

    /// 64 hex digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for Content {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// SHA-256 of a text as it is, as `sha256sum` says it of a file.
pub fn sha256(text: impl AsRef<[u8]>) -> String {
    hex(Sha256::new().chain_update(text))
}

fn hex(hash: Sha256) -> String {
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A TOML text without comments, layout and order of its keys. A text that is no TOML stays as it is.
pub fn canonical(text: &str) -> String {
    text.parse::<Table>().map_or_else(|_| text.to_owned(), |table| sorted(&table).to_string())
}

/// Tables are laid onto each other key by key; everything else is replaced.
pub fn lay_onto(base: &mut Table, own: Table) {
    for (key, value) in own {
        match (base.get_mut(&key), value) {
            (Some(Value::Table(base)), Value::Table(own)) => lay_onto(base, own),
            (_, value) => drop(base.insert(key, value)),
        }
    }
}

/// `toml` may keep the order in which keys were read.
fn sorted(table: &Table) -> Table {
    let mut keys: Vec<_> = table.iter().collect();
    keys.sort_by_key(|(key, _)| key.as_str());
    keys.into_iter().map(|(key, value)| (key.clone(), sorted_within(value))).collect()
}

fn sorted_within(value: &Value) -> Value {
    match value {
        Value::Table(table) => Value::Table(sorted(table)),
        Value::Array(all) => Value::Array(all.iter().map(sorted_within).collect()),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layout_comments_and_order_do_not_change_content_and_values_do() {
        let of = |text: &str| Content::of([canonical(text)]);
        let one = of("a = 1.0 # mm\n[b]\nx = 'y'\nc = [1, 2]\n");
        assert_eq!(one, of("b = { c = [ 1, 2 ], x = \"y\" }\na = 1.0\n"));
        assert_ne!(one, of("b = { c = [ 2, 1 ], x = \"y\" }\na = 1.0\n"));
        assert_ne!(Content::of(["ab", "c"]), Content::of(["a", "bc"]));
    }

    #[test]
    fn the_hash_is_the_one_that_other_programs_compute() {
        // Of eight bytes of length and the text, as `printf '\3\0\0\0\0\0\0\0abc' | sha256sum` has it.
        let known = "ce91dc5eec0139adf091900d225971d6ad246a845bad791b5693a9d0d55dd391";
        assert_eq!(Content::of(["abc"]).as_str(), known);
    }
}
