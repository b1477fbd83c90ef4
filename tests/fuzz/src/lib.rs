//! The parsers under test, by their sources: they know nothing of the rest of rmrl, and rmrl as a
//! whole takes minutes to build with instruments.

#[path = "../../../src/twin/script/mod.rs"]
pub mod script;
#[path = "../../../src/wire/mod.rs"]
pub mod wire;
pub mod arm;
