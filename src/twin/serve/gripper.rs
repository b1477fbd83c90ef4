//! The socket of Robotiq's URCap.

use std::net::TcpStream;

use super::lines;
use crate::twin::link::Link;
use crate::wire::gripper::{Reply, Request};

pub fn serve(stream: TcpStream, link: &Link, _: u64) {
    lines::serve(&stream, None, |line| {
        let Ok(request) = Request::parse(line) else { return Some(("?".to_owned(), false)) };
        let reply = link.ask(move |controller| {
            let gripper = &mut controller.body.gripper;
            match request {
                Request::Get(variable) => Reply::Is(variable, gripper.get(variable)),
                Request::Set(pairs) => {
                    for (variable, number) in pairs {
                        gripper.set(variable, number);
                    }
                    Reply::Ack
                }
            }
        })?;
        Some((reply.line(), false))
    });
}
