//! What a program may not say, found when it arrives and not when it gets there.

use super::ScriptError;
use super::code::{Op, Program, Step};
use super::functions::{self, Function, Unplayed};

/// What is to be told of a program that is taken.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Checked {
    /// Calls at which the program will stop, because nobody plays them here.
    pub stops_at: Vec<ScriptError>,
}

/// Every call of the controller's functions: is there such a function, is it played, and does it
/// take these arguments? A secondary program takes no robot time besides.
///
/// # Errors
/// The first call, by line, that no run could make.
pub fn check(program: &Program) -> Result<Checked, ScriptError> {
    let mut steps: Vec<&Step> = program.functions.iter().flat_map(|code| &code.steps).collect();
    steps.sort_by_key(|step| step.line);
    let mut checked = Checked::default();
    for step in steps {
        let fault = |message: String| ScriptError::new(step.line, message);
        let takes_time = match &step.op {
            Op::Ask { name, positional, named } => match functions::find(name) {
                Some(function) => {
                    arguments(&function, *positional, named).map_err(fault)?;
                    function.takes_time.then_some(name.as_str())
                }
                None => {
                    let known = unplayed(name).map_err(fault)?;
                    checked.stops_at.push(fault(known));
                    None
                }
            },
            Op::Sync => Some("sync"),
            Op::Sleep => Some("sleep"),
            Op::Run(_) => Some("run"),
            _ => None,
        };
        if let Some(name) = takes_time.filter(|_| program.is_secondary) {
            let message = format!("'{name}' takes robot time, and a secondary program may not");
            return Err(fault(message));
        }
    }
    Ok(checked)
}

fn unplayed(name: &str) -> Result<String, String> {
    match functions::unplayed(name) {
        Unplayed::StopsThere => Ok(format!("'{name}' is not played here")),
        Unplayed::Refused => Err(format!("'{name}' is not played here")),
        Unplayed::Unknown => Err(format!("there is no function '{name}'")),
    }
}

fn arguments(function: &Function, positional: usize, named: &[String]) -> Result<(), String> {
    let name = function.name;
    let parameters: Vec<(&str, bool)> = function.parameters().collect();
    if positional > parameters.len() {
        let takes = match parameters.len() {
            0 => "no arguments".to_owned(),
            1 => "1 argument".to_owned(),
            most => format!("{most} arguments at most"),
        };
        return Err(format!("'{name}' takes {takes}, not {positional}"));
    }
    // An older name of the same parameter; urx uses it.
    let given = |parameter: &str| {
        named.iter().any(|n| n == parameter || (parameter == "t" && n == "t_min"))
    };
    let (by_position, rest) = parameters.split_at(positional);
    if let Some((twice, _)) = by_position.iter().find(|(parameter, _)| given(parameter)) {
        return Err(format!("'{name}' takes no further '{twice}'"));
    }
    let known = |n: &str| rest.iter().any(|(p, _)| *p == n || (*p == "t" && n == "t_min"));
    if let Some(unknown) = named.iter().find(|n| !known(n)) {
        return Err(format!("'{name}' takes no '{unknown}'"));
    }
    match rest.iter().find(|(parameter, optional)| !optional && !given(parameter)) {
        Some((missing, _)) => Err(format!("'{name}' needs '{missing}'")),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::parse;
    use super::*;

    fn said(text: &str) -> String {
        check(&parse(text).unwrap()).unwrap_err().to_string()
    }

    fn program(line: &str) -> String {
        format!("def p():\n  if False:\n    {line}\n  end\nend\n")
    }

    #[test]
    fn what_is_not_there_is_named_with_its_line_though_it_is_never_reached() {
        let refused = |line: &str| said(&program(line));
        assert_eq!(refused("dance()"), "line 3: there is no function 'dance'");
        for line in
            ["socket_open(\"h\", 1)", "movec(p[0,0,0,0,0,0], p[0,0,0,0,0,0])", "struct(a=1)"]
        {
            assert!(refused(line).ends_with("is not played here"), "{line}");
        }
        assert_eq!(refused("movej()"), "line 3: 'movej' needs 'q'");
        assert!(refused("movej([0,0,0,0,0,0], speed=1)").contains("takes no 'speed'"));
        assert!(refused("sync(1)").contains("no arguments"));
        assert!(refused("movel(p[0,0,0,0,0,0], 1, 1, 1, 0, 7)").contains("5 arguments at most"));
        assert!(refused("movej([0,0,0,0,0,0], 1, a=2)").contains("no further 'a'"));
    }

    #[test]
    fn the_first_fault_by_line_is_told_and_threads_are_read_too() {
        let text = "def p():\n  thread t():\n    later()\n  end\n  run t()\n  sooner()\nend\n";
        assert!(said(text).starts_with("line 3"));
    }

    #[test]
    fn what_a_driver_may_never_ask_for_is_told_and_taken() {
        let text = program("force_mode(1)");
        let checked = check(&parse(&text).unwrap()).unwrap();
        assert_eq!(checked.stops_at.len(), 1);
        assert_eq!(checked.stops_at[0].line, 3);
    }

    #[test]
    fn a_secondary_program_takes_no_robot_time() {
        let sec = |line: &str| check(&parse(&format!("sec s():\n  {line}\nend\n")).unwrap());
        sec("set_digital_out(1, True)").unwrap();
        for line in ["movej([0,0,0,0,0,0])", "sleep(1)", "sync()"] {
            assert!(sec(line).unwrap_err().message.contains("robot time"), "{line}");
        }
    }

    #[test]
    fn the_drivers_own_program_passes() {
        let text = include_str!("../../real/ur/control.script");
        let names = [
            ("{tcp}", "p[0,0,0,0,0,0]"),
            ("{payload_kg}", "1"),
            ("{payload_cog}", "[0,0,0]"),
            ("{session}", "1"),
            ("{watchdog_hz}", "2"),
            ("{stop_m_s2}", "3"),
        ];
        let text =
            names.iter().fold(text.to_owned(), |text, (name, value)| text.replace(name, value));
        assert_eq!(check(&parse(&text).unwrap()), Ok(Checked::default()));
    }
}
