//! A real twin over TCP: what a driver meets on the wires.

mod cameras;
mod capture;
mod client;
mod faults;
mod person;
mod services;
mod soak;
mod states;
mod stops;
mod work;
