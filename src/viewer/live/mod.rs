//! Training as it happens. The training is a process of its own that the viewer starts: it goes
//! on, and is resumed, like any other run of `rmrl train`, whatever becomes of the viewer. The two
//! talk over a socket of this machine: moments come, newest only; speed, pause and stop go.

mod client;
mod feed;
mod wire;

pub use client::{Live, LiveRun, Pace, follow};
pub use feed::Feed;
pub use wire::{Met, Order, Which};
