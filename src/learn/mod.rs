//! The learner: policy network, role models, replay, and the methods that are compared.
//!
//! A method sees observations, its own actions and the signals it declared on its [`Card`]. It
//! never sees the simulator's truth, unless its card says so and its results are marked.

mod method;

pub use method::{Card, Decision, Experience, Label, LearnError, Method, Mode, Progress, View};
