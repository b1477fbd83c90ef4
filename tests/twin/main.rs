//! A real twin over TCP: what a driver meets on the wires.

mod client;
mod faults;
mod services;
mod soak;
mod work;
