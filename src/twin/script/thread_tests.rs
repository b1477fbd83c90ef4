use super::recorder::Recorder;
use super::{Status, ThreadId, Value};

fn mover() -> Recorder {
    Recorder::with(&[
        ("movel", Value::None, 3),
        ("note", Value::None, 0),
        ("stopl", Value::None, 2),
    ])
}

fn run(program: &str, cycles: usize) -> (Recorder, Status) {
    let mut host = mover();
    let status = host.run(program, cycles).unwrap();
    (host, status)
}

#[test]
fn a_call_that_takes_robot_time_holds_its_own_thread_only() {
    let program = "
def f():
  thread t():
    movel(1)
    note(\"moved\")
  end
  run t()
  i = 0
  while i < 6:
    note(i)
    i = i + 1
    sync()
  end
end";
    let (host, status) = run(program, 20);
    assert_eq!(status, Status::Finished);
    let cycle_of = |call: &str| host.calls.iter().find(|(_, _, c)| c == call).unwrap().0;
    // Begun in cycle 1, asked again in 2 and 3, done in 4.
    assert_eq!(cycle_of("movel(1)"), 4);
    assert_eq!(cycle_of("note(moved)"), 4);
    assert_eq!(cycle_of("note(5)"), 6);
}

#[test]
fn join_waits_for_the_thread() {
    let program = "
def f():
  thread t():
    movel(1)
  end
  h = run t()
  join h
  note(\"after\")
  join h
  note(\"at once\")
end";
    let (host, _) = run(program, 20);
    assert_eq!(host.names(), ["movel(1)", "note(after)", "note(at once)"]);
    assert!(host.calls.iter().all(|(cycle, _, _)| *cycle == 4), "no cycle is lost");
}

#[test]
fn kill_ends_a_thread_with_the_threads_that_it_started() {
    let program = "
def f():
  thread outer():
    thread inner():
      movel(2)
    end
    run inner()
    movel(1)
  end
  h = run outer()
  sync()
  kill h
  kill h
  kill 0
  sleep(0.05)
  note(\"end\")
end";
    let (host, status) = run(program, 40);
    assert_eq!(status, Status::Finished);
    assert_eq!(host.names(), ["note(end)"]);
    assert_eq!(host.killed, [ThreadId(1), ThreadId(2)]);
    assert_eq!(host.calls[0].0, 2 + 25, "0.05 s are 25 cycles");
}

#[test]
fn the_end_of_the_program_and_halt_end_its_threads() {
    for last in ["", "halt\n  note(\"never\")"] {
        let program = format!("def f():\nthread t():\nmovel(1)\nend\nrun t()\nsync()\n{last}\nend");
        let (host, status) = run(&program, 9);
        assert_eq!((status, host.names().len()), (Status::Finished, 0));
        assert!(host.killed.contains(&ThreadId(1)));
    }
}

#[test]
fn a_thread_that_only_computes_leaves_the_others_their_time() {
    let program = "
def f():
  thread busy():
    while True:
      x = 1
    end
  end
  run busy()
  i = 0
  while i < 3:
    note(i)
    i = i + 1
    sync()
  end
end";
    let (host, _) = run(program, 20);
    let cycles: Vec<usize> = host.calls.iter().map(|(cycle, _, _)| *cycle).collect();
    assert_eq!(cycles, [1, 2, 3]);
}

#[test]
fn a_critical_section_keeps_the_others_out_until_it_takes_robot_time() {
    // 3,000 rounds of several instructions take more than one cycle's slice.
    let program = |inside: &str| {
        format!(
            "def f():
  thread other():
    while True:
      note(\"other\")
      sync()
    end
  end
  run other()
  sync()
  enter_critical
  note(\"in\")
  i = 0
  while i < 3000:
    i = i + 1
    {inside}
  end
  note(\"out\")
  exit_critical
  sync()
end"
        )
    };
    let (host, status) = run(&program(""), 100);
    assert_eq!(status, Status::Finished);
    let names = host.names();
    let of = |name: &str| names.iter().position(|n| *n == name).unwrap();
    assert_eq!(of("note(in)") + 1, of("note(out)"), "{names:?}");
    let (host, _) = run(&program("sync()").replace("3000", "3"), 100);
    let names = host.names();
    let inside = &names[names.iter().position(|n| *n == "note(in)").unwrap()..];
    assert!(inside[..inside.len() - 2].contains(&"note(other)"), "{names:?}");
}

#[test]
fn named_arguments_reach_the_host() {
    let (host, _) = run("movel([1, 2], a=1.5, v=.25)", 9);
    assert_eq!(host.names(), ["movel([1, 2], a=1.5, v=0.25)"]);
}

#[test]
fn threads_that_start_threads_end_within_a_cycles_work() {
    let program = "
def f():
  thread a():
    run b()
  end
  thread b():
    run a()
  end
  run a()
  while True:
    sync()
  end
end";
    let (_, status) = run(program, 50);
    assert_eq!(status, Status::Running);
}
