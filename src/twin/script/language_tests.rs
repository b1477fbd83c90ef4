//! Expected values come from the URScript manual's own examples where it gives one.

use super::recorder::Recorder;
use super::{ScriptError, Status, Value, limits, parse};
use Value::{Bool, Float, Int, Str};
use std::f64::consts::PI;

/// Value of an expression.
fn value(expression: &str) -> Value {
    after(&format!("result({expression})"))
}

/// What a program passes to `result`.
fn after(program: &str) -> Value {
    let mut host = Recorder::default();
    assert_eq!(host.run(program, 100), Ok(Status::Finished), "{program}");
    host.results.remove(0)
}

fn error(program: &str) -> ScriptError {
    Recorder::default().run(program, 100).unwrap_err()
}

fn close(expression: &str, expected: &[f64]) {
    let numbers = match value(expression) {
        Value::Pose(numbers) => numbers.to_vec(),
        list @ Value::List(_) => list.as_numbers().unwrap(),
        number => vec![number.as_f64().unwrap()],
    };
    let near = numbers.iter().zip(expected).all(|(a, b)| (a - b).abs() < 2e-3);
    assert!(near && numbers.len() == expected.len(), "{expression} is {numbers:?}");
}

#[test]
fn arithmetic_follows_the_manuals_examples() {
    assert_eq!(value("1+2-3"), Int(0));
    close("4*5/6", &[20.0 / 6.0]);
    assert_eq!(value("(1+2)*3/(4-5)"), Float(-9.0));
    assert_eq!(value("\"Hello\" + \", \" + \"World!\""), Str("Hello, World!".into()));
    close("87-13/3.1415", &[82.862]);
    assert_eq!(value("-2 - -3"), Int(1));
    assert_eq!(value("7 % 3"), Int(1));
    assert_eq!(value("0x10 + .5e1"), Float(21.0));
}

#[test]
fn a_globals_value_may_stand_on_the_next_line_with_another_behind_it() {
    assert_eq!(after("global a = # float\n3 global b = # int\n4\nresult(a * b)"), Int(12));
}

#[test]
fn booleans_follow_the_manuals_examples() {
    assert_eq!(value("True or False and (1 == 2)"), Bool(true));
    // Comparisons first, then `and` and `xor`: (1 > 2) or ((3 != 4) xor (5 < -6)).
    assert_eq!(value("1 > 2 or 3 != 4 xor 5 < -6"), Bool(true));
    // not (42 >= 87), and 87 <= 42.
    assert_eq!(value("not 42 >= 87 and 87 <= 42"), Bool(false));
    assert_eq!(value("\"Hello\" != \"World!\" and \"abc\" == \"abc\""), Bool(true));
    assert_eq!(value("1 == 1.0"), Bool(true));
    assert_eq!(value("[1, 2] == [1.0, 2]"), Bool(true));
}

#[test]
fn the_right_side_is_left_alone_once_the_left_decides() {
    assert_eq!(value("False and 1/0 > 1"), Bool(false));
    assert_eq!(value("True or 1/0 > 1"), Bool(true));
}

#[test]
fn functions_of_urmath_follow_the_manuals_examples() {
    close("acos(0.707)", &[0.785]);
    close("atan2(.5, .5)", &[0.785]);
    close("log(10., 4.)", &[0.60206]);
    close("pow(5., 3)", &[125.0]);
    close("d2r(90)", &[PI / 2.0]);
    close("normalize([0, 1, 1])", &[0.0, 0.707, 0.707]);
    close("norm(p[-.2,.2,-.2,-1.57,0,3.14])", &[3.52768]);
    assert_eq!(value("norm(-8)"), Int(8));
    assert_eq!(value("ceil(1.43)"), Int(2));
    assert_eq!(value("floor(1.53)"), Int(1));
    assert_eq!(value("length(\"here I am\")"), Int(9));
    assert_eq!(value("get_list_length([1,3,3,6,2])"), Int(5));
    assert_eq!(value("binary_list_to_integer([True,False,False,True])"), Int(9));
    assert_eq!(value("binary_list_to_integer(integer_to_binary_list(-57))"), Int(-57));
}

#[test]
fn poses_follow_the_manuals_examples() {
    close(
        "pose_trans(p[.2,.5,.1,1.57,0,0], p[.2,.5,.6,1.57,0,0])",
        &[0.4, -0.0996, 0.60048, PI, 0.0, 0.0],
    );
    close(
        "pose_inv(p[.2,.5,.1,1.57,0,3.14])",
        &[0.19324, 0.41794, -0.29662, 1.23993, 0.0, 2.47985],
    );
    close("pose_add(p[.2,.5,.1,1.57,0,0], p[.2,.5,.6,1.57,0,0])", &[0.4, 1.0, 0.7, PI, 0.0, 0.0]);
    close("pose_sub(p[.2,.5,.1,1.57,0,0], p[.2,.5,.6,1.57,0,0])", &[0.0, 0.0, -0.5, 0.0, 0.0, 0.0]);
    close(
        "interpolate_pose(p[.2,.2,.4,0,0,0], p[.2,.2,.6,0,0,0], .5)",
        &[0.2, 0.2, 0.5, 0.0, 0.0, 0.0],
    );
    close("point_dist(p[.2,.5,.1,1.57,0,3.14], p[.2,.5,.6,0,1.57,3.14])", &[0.5]);
    close("rpy2rotvec([3.14,1.57,0])", &[2.22153, 0.00177, -2.21976]);
    close("rotvec2rpy([3.14,1.57,0])", &[-2.80856, -0.16202, 0.9]);
}

#[test]
fn strings_show_values_as_the_controller_does() {
    assert_eq!(value("to_str(2.123456123456)"), Str("2.123456".into()));
    assert_eq!(value("to_str(p[1.0, 2.0, 3.0, 4.0, 5.0, 6.0])"), Str("p[1, 2, 3, 4, 5, 6]".into()));
    assert_eq!(value("to_str([True, False])"), Str("[True, False]".into()));
    assert_eq!(value("str_cat(\"n = \", 5)"), Str("n = 5".into()));
    assert_eq!(value("to_num(\"-3\") + to_num(\"0.5\")"), Float(-2.5));
}

#[test]
fn p_is_a_pose_or_a_variable() {
    let program = "p = p[1,2,3,4,5,6]\np[0] = p[1] * 10\nresult(p)";
    assert_eq!(after(program), Value::Pose([20.0, 2.0, 3.0, 4.0, 5.0, 6.0]));
}

#[test]
fn lists_of_lists_are_read_and_written_by_two_indices() {
    let program = "m = [[1,2],[3,4]]\nm[1][0] = 7\nresult(m[1, 0] + m[0][1])";
    assert_eq!(after(program), Int(9));
}

#[test]
fn loops_and_branches() {
    let program = "
def f():
  sum = 0
  i = 0
  while True:
    i = i + 1
    if i > 10:
      break
    elif i % 2 == 0:
      continue
    else:
      sum = sum + i
    end
  end
  result(sum)
end";
    assert_eq!(after(program), Int(1 + 3 + 5 + 7 + 9));
}

#[test]
fn arguments_are_passed_by_value() {
    let program = "
def myProg():
  a = [50, 100]
  fun(a)
  def fun(p1):
    p1[0] = 25
    assert(p1[0] == 25)
  end
  result(a[0])
end";
    assert_eq!(after(program), Int(50));
}

#[test]
fn arguments_by_name_and_by_default() {
    let program = |call| {
        format!("def f():\ndef g(a, b=-2, c=[3]):\nreturn [a, b, c]\nend\nresult({call})\nend")
    };
    let list = |a, b, c| Value::List(vec![Int(a), Int(b), Value::List(vec![Int(c)])]);
    assert_eq!(after(&program("g(1)")), list(1, -2, 3));
    assert_eq!(after(&program("g(1, c=[9])")), list(1, -2, 9));
    assert_eq!(after(&program("g(b=5, a=4)")), list(4, 5, 3));
    for (call, message) in [
        ("g()", "'g' needs 'a'"),
        ("g(1, d=2)", "'g' takes no further 'd'"),
        ("g(1, a=2)", "'g' takes no further 'a'"),
        ("g(1, 2, 3, 4)", "'g' takes 3 arguments"),
    ] {
        assert_eq!(error(&program(call)).message, message);
    }
}

/// The manual's chapter on scoping, its examples in order.
#[test]
fn a_name_is_global_unless_local_says_otherwise() {
    let program = |first: &str, inside: &str| {
        format!("def myProg():\n{first}\ndef myFun():\n{inside}\nend\nmyFun()\nresult(a)\nend")
    };
    assert_eq!(after(&program("global a = 0", "local a = 1")), Int(0));
    assert_eq!(after(&program("global a = 0", "a = 1")), Int(1));
    let nested = "local a = 1\ndef myFun2():\na = 2\nend\nmyFun2()\nassert(a == 1)";
    assert_eq!(after(&program("global a = 0", nested)), Int(2));
    assert_eq!(after(&program("a = 0", "a = 1")), Int(1), "the first level is global");
    assert_eq!(after(&program("sync()", "global a = 4")), Int(4));
}

#[test]
fn locals_of_a_call_are_its_own() {
    let program = "
def f():
  def g(n):
    mine = n
    if n > 0:
      g(n - 1)
    end
    return mine
  end
  result(g(3))
end";
    assert_eq!(after(program), Int(3));
}

#[test]
fn comments_labels_and_lines_within_brackets_are_no_statements() {
    let program = "$ 1 \"Robot Program\"\n# a comment\nx = [1, # one\n  2]\nresult(x[1]) # two\r\n";
    assert_eq!(after(program), Int(2));
}

#[test]
fn a_definition_may_be_followed_by_run_program() {
    assert_eq!(after("def a():\n  result(1)\nend\nrun program\n"), Int(1));
}

#[test]
fn faults_of_the_text_are_named_with_their_line() {
    for (program, line, message) in [
        ("x = 1\ny = = 2", 2, "expected an expression, found '='"),
        ("def f():\n  x = 1\n", 2, "the text ends before 'end'"),
        ("if True:\n  x = 1\nend end", 3, "expected the end of the line, found 'end'"),
        ("x = \"abc", 1, "a string is not closed"),
        ("x = 1 ? 2", 1, "unexpected character '?'"),
        ("x = 99999999999", 1, "99999999999 exceeds 32 bits"),
        ("x = p[1, 2]", 1, "a pose has six elements"),
        ("result(nowhere)", 1, "the variable 'nowhere' has no value"),
        ("sync()\nbreak", 2, "'break' outside of a loop"),
        ("f(1) = 2", 1, "only a variable can be assigned to"),
        ("def f():\ndef g():\nend\ndef g():\nend\nend", 4, "'g' is defined twice"),
        ("thread t(a):\nend", 1, "a thread takes no parameters"),
        ("def f():\nthread t():\nend\nt()\nend", 4, "'t' is a thread: start it with 'run'"),
        ("x = run t()", 1, "there is no thread 't'"),
    ] {
        let found = parse(program).unwrap_err();
        assert_eq!((found.line, found.message.as_str()), (line, message), "{program}");
    }
}

#[test]
fn faults_of_a_run_stop_the_program_with_their_line() {
    for (program, line, message) in [
        ("sync()\nmovez(1)", 2, "there is no function 'movez'"),
        ("x = [1, 2]\nx[2] = 1", 2, "index 2 is outside of 0 to 1"),
        ("x = [1, 2]\nx[0.5] = 1", 2, "an index must be an int, not a float"),
        ("x = 1 / 0", 1, "division by zero"),
        ("x = 2147483647\nx = x + 1", 2, "an integer left the range of 32 bits"),
        ("if 1:\nend", 1, "a condition must be a bool, not an int"),
        ("x = \"a\" + 1", 1, "'+' does not apply to a string and an int"),
        ("x = sqrt(-1)", 1, "the root of a negative number"),
        ("x = acos(1.1)", 1, "outside of -1 to 1"),
        ("def f():\ng()\ndef g():\nx = x + 1\nend\nend", 4, "'x' has no value yet"),
        ("assert(1 == 2)", 1, "an assertion does not hold"),
    ] {
        let found = error(program);
        assert_eq!((found.line, found.message.as_str()), (line, message), "{program}");
    }
}

#[test]
fn a_program_has_bounds() {
    let deep = |open: &str, close: &str, n| format!("x = {}1{}", open.repeat(n), close.repeat(n));
    assert!(parse(&deep("(", ")", 30)).is_ok());
    for (program, message) in [
        (deep("(", ")", 100_000), "an expression is nested too deeply"),
        (deep("[", "]", 100_000), "an expression is nested too deeply"),
        (deep("-", "", 100_000), "an expression is nested too deeply"),
        (deep("not ", "", 100_000), "an expression is nested too deeply"),
        (deep("1 + ", "", 100_000), "an expression has too many operators"),
        ("if True:\n".repeat(100_000), "blocks are nested too deeply"),
        (format!("x = [{}]", "1,".repeat(100_000)), "a list is too long"),
        ("#".repeat(limits::PROGRAM_BYTES + 1), "the program is larger than 1048576 bytes"),
    ] {
        assert_eq!(parse(&program).unwrap_err().message, message);
    }
}

#[test]
fn a_run_has_bounds() {
    for (program, message) in [
        ("def f():\ndef g():\ng()\nend\ng()\nend", "functions call one another too deeply"),
        ("x = \"0123456789abcdef\"\nwhile True:\nx = x + x\nend", "a string or list is too large"),
        ("x = [1]\nwhile True:\nx = [x, x]\nend", "a string or list is too large"),
        ("x = [1]\nwhile True:\nx[0] = x\nend", "a string or list is too large"),
        (
            "thread t():\nwhile True:\nsync()\nend\nend\nwhile True:\nrun t()\nend",
            "too many threads",
        ),
        ("x = make_list(2001, 0)", "a list is too long"),
        ("sleep(-1)", "cannot sleep for -1 s"),
    ] {
        assert_eq!(error(program).message, message, "{program}");
    }
}

#[test]
fn data_that_is_held_in_many_places_is_bounded_too() {
    // 90 calls deep, each with 20 lists of 2,000 numbers: 3.6 million.
    let locals: String = (0..20).map(|i| format!("v{i} = make_list(2000, 0)\n")).collect();
    let program = format!("def f():\ndef g(n):\n{locals}if n > 0:\ng(n - 1)\nend\nend\ng(90)\nend");
    assert_eq!(error(&program).message, "the program holds too much data");
}
