use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A comparison that an experiment names in advance: a method over a rival.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contrast {
    pub method: String,
    pub over: String,
    /// What was published of it, as text, by the key of a metric or `demonstration`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub published: BTreeMap<String, String>,
}
