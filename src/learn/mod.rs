//! The learner: policy network, role models, replay, and the methods that are compared.
//!
//! A method sees observations, its own actions and the signals it declared on its [`Card`]. It
//! never sees the simulator's truth, unless its card says so and its results are marked.

mod baseline;
mod dense;
mod heads;
#[cfg(test)]
mod identity;
mod initial_state;
mod learner;
mod method;
mod methods;
mod optimiser;
pub mod policy;
pub mod replay;
pub mod role_model;
mod settings;

pub use method::{
    BinProbabilities, Card, Decision, Experience, Label, LearnError, Method, Mode, Progress, View,
};
pub use methods::{build, card, names, resolved_settings, settings_as_pairs};
pub use optimiser::Adam;
pub use settings::Settings;
