//! The learner: policy network, role models, replay, and the methods that are compared.
//!
//! A method sees observations, its own actions and the signals it declared on its [`Card`]. It
//! never sees the simulator's truth, unless its card says so and its results are marked.

mod baseline;
mod belief;
mod clipped;
mod common;
mod components;
mod critic;
mod dense;
mod encoder;
mod free;
mod gaussian_process;
mod groups;
pub mod heads;
mod initial_state;
mod label_rule;
mod learner;
mod linear;
mod method;
mod methods;
mod network;
mod objective;
mod optimiser;
mod plus_bias;
pub mod policy;
mod recommended;
mod registrar;
mod registry;
pub mod replay;
mod reward_form;
pub mod role_model;
mod rule;
#[cfg(test)]
mod samples;
mod saved;
mod scene_choice;
mod scenes;
mod settings;
mod space;

pub use common::{Advantages, BaselineKind, Common, NoSettings, Prior, PriorPolicy, Shared};
pub use learner::Learner;
pub use method::{
    BinProbabilities, Card, Decision, Experience, Label, LearnError, Method, Mode, Progress, Role,
    View,
};
pub use network::Network;
pub use objective::{Loss, Objective, Round, Seen};
pub use optimiser::Adam;
pub use recommended::{Recommended, recommended};
pub use registry::{Built, Entry, Recipe, add, entries, find, names};
pub use rule::{Rule, fixed};
pub use scene_choice::SceneChoice;
pub use settings::{Choice, Key, Setting, Settings};
pub use space::{Number, Scale, Space};
