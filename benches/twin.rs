//! How soon a command that a driver writes moves the arm, over real sockets on loopback at life's
//! speed: a control cycle is 2 ms.

#[path = "../tests/twin/client.rs"]
#[allow(dead_code)]
mod client;

use std::time::{Duration, Instant};

use client::{Rtde, twin, upload};
use criterion::{Criterion, criterion_group, criterion_main};
use rmrl::wire::rtde::Value;

const ECHO: &str = "def echo():\n  q = get_target_joint_positions()\n  done = 0\n  while True:\n    \
    number = read_input_integer_register(25)\n    if number != done:\n      done = number\n      \
    movej([q[0]+0.02*(number % 2),q[1],q[2],q[3],q[4],q[5]], a=10, v=3)\n      \
    write_output_integer_register(25, done)\n    end\n    sync()\n  end\nend\n";

fn command_to_motion(criterion: &mut Criterion) {
    let twin = twin(1.0);
    let outputs = ["target_qd", "output_int_register_25"];
    let mut rtde = Rtde::stream(twin.ports(), 500.0, &outputs, &["input_int_register_25"]);
    upload(twin.ports(), ECHO);
    rtde.until_told("started");
    let mut number = 0;
    criterion.bench_function("command to motion", |bencher| {
        bencher.iter_custom(|times| {
            let mut waited = Duration::ZERO;
            for _ in 0..times {
                number += 1;
                rtde.state();
                let sent = Instant::now();
                rtde.write(&[Value::Int32(number)]);
                rtde.until("motion", |s| s.six("target_qd")[0] != 0.0);
                waited += sent.elapsed();
                rtde.until("the end", |s| s.int("output_int_register_25") == number);
            }
            waited
        });
    });
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20);
    targets = command_to_motion
}
criterion_main!(benches);
