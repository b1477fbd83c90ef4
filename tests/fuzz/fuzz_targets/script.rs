//! Program text: parsed, checked, and run for some cycles with a host that answers something to everything.
#![no_main]

use libfuzzer_sys::fuzz_target;
use rmrl_fuzz::script::{Args, Call, Host, Status, ThreadId, Value, Vm, check, first_program, parse};

struct Anything(u32);

impl Host for Anything {
    fn call(&mut self, _: ThreadId, name: &str, args: Args<'_>) -> Call {
        self.0 += 1;
        let _ = args.get(1, "a");
        match self.0 % 5 {
            0 => Call::Pending,
            1 => Call::Done(Value::Int(name.len() as i32)),
            2 => Call::Done(Value::Pose([0.1; 6])),
            3 => Call::Done(args.positional.first().cloned().unwrap_or(Value::None)),
            _ => Call::Done(Value::Bool(self.0 % 2 == 0)),
        }
    }

    fn killed(&mut self, _: ThreadId) {}
}

fuzz_target!(|data: &[u8]| {
    let text = String::from_utf8_lossy(data);
    if let Some(end) = first_program(&text) {
        assert!(end <= text.len());
    }
    let Ok(program) = parse(&text) else { return };
    let checked = check(&program);
    if let Ok(checked) = &checked {
        assert!(checked.stops_at.is_sorted_by_key(|at| at.line));
    }
    let mut vm = Vm::new(program);
    let mut host = Anything(0);
    for _ in 0..4 {
        if !matches!(vm.tick(&mut host), Ok(Status::Running)) {
            break;
        }
    }
});
