//! Functions of the language itself: numbers, strings, lists, poses (the manual's `urmath`).

use super::{Value, limits, pose};

/// A function that needs nothing but its arguments.
#[derive(Debug)]
pub struct BuiltIn {
    name: &'static str,
    pub parameters: &'static [&'static str],
    /// Called with as many values as there are parameters.
    pub function: fn(&[Value]) -> Result<Value, String>,
}

pub fn find(name: &str) -> Option<&'static BuiltIn> {
    ALL.iter().find(|built_in| built_in.name == name)
}

const ALL: [BuiltIn; 35] = [
    of("acos", &["f"], |a| in_unit(number(a, 0)?).map(|f| float(f.acos()))),
    of("asin", &["f"], |a| in_unit(number(a, 0)?).map(|f| float(f.asin()))),
    of("atan", &["f"], |a| Ok(float(number(a, 0)?.atan()))),
    of("atan2", &["x", "y"], |a| Ok(float(number(a, 0)?.atan2(number(a, 1)?)))),
    of("cos", &["f"], |a| Ok(float(number(a, 0)?.cos()))),
    of("sin", &["f"], |a| Ok(float(number(a, 0)?.sin()))),
    of("tan", &["f"], |a| Ok(float(number(a, 0)?.tan()))),
    of("d2r", &["d"], |a| Ok(float(number(a, 0)?.to_radians()))),
    of("r2d", &["r"], |a| Ok(float(number(a, 0)?.to_degrees()))),
    of("ceil", &["f"], |a| whole(number(a, 0)?.ceil())),
    of("floor", &["f"], |a| whole(number(a, 0)?.floor())),
    of("sqrt", &["f"], |a| finite(number(a, 0)?.sqrt(), "the root of a negative number")),
    of("pow", &["base", "exponent"], |a| {
        finite(number(a, 0)?.powf(number(a, 1)?), "this power is not defined")
    }),
    of("log", &["b", "f"], |a| {
        let (base, number) = (number(a, 0)?, number(a, 1)?);
        if base <= 0.0 || base == 1.0 || number <= 0.0 {
            return Err("this logarithm is not defined".into());
        }
        Ok(float(number.ln() / base.ln()))
    }),
    of("norm", &["a"], |a| match value(a, 0)? {
        Value::Int(number) => Ok(number.checked_abs().map_or(Value::None, Value::Int)),
        Value::Float(number) => Ok(float(number.abs())),
        other => Ok(float(length_of(&numbers(other)?))),
    }),
    of("normalize", &["v"], |a| {
        let numbers = numbers(value(a, 0)?)?;
        let length = length_of(&numbers);
        if length == 0.0 {
            return Err("a vector of zeros has no direction".into());
        }
        Ok(Value::List(numbers.iter().map(|n| float(n / length)).collect()))
    }),
    of("length", &["v"], |a| length(value(a, 0)?)),
    of("get_list_length", &["v"], |a| length(value(a, 0)?)),
    of("make_list", &["length", "initial_value"], |a| {
        let length = usize::try_from(integer(a, 0)?).unwrap_or(0);
        if length > limits::ELEMENTS {
            return Err("a list is too long".into());
        }
        Value::List(vec![value(a, 1)?.clone(); length]).bounded()
    }),
    of("binary_list_to_integer", &["l"], |a| match value(a, 0)? {
        Value::List(bits) => {
            let mut number = 0_u32;
            for (bit, value) in bits.iter().take(32).enumerate() {
                match value {
                    Value::Bool(set) => number |= u32::from(*set) << bit,
                    other => return Err(format!("a list of bools holds {}", other.kind())),
                }
            }
            Ok(Value::Int(number.cast_signed()))
        }
        other => Err(format!("a list of bools is needed, not {}", other.kind())),
    }),
    of("integer_to_binary_list", &["x"], |a| {
        let number = integer(a, 0)?;
        Ok(Value::List((0..32).map(|bit| Value::Bool(number >> bit & 1 == 1)).collect()))
    }),
    of("to_str", &["val"], |a| Value::Str(value(a, 0)?.to_string()).bounded()),
    of("to_num", &["str"], |a| {
        let text = string(a, 0)?.trim();
        let number = text.parse().map(Value::Int).or_else(|_| text.parse().map(Value::Float));
        number.map_err(|_| format!("'{text}' is no number"))
    }),
    of("str_cat", &["op1", "op2"], |a| {
        Value::Str(value(a, 0)?.to_string() + &value(a, 1)?.to_string()).bounded()
    }),
    of("str_len", &["str"], |a| {
        string(a, 0)?;
        length(value(a, 0)?)
    }),
    of("pose_trans", &["p_from", "p_from_to"], |a| Ok(posed(pose::trans(six(a, 0)?, six(a, 1)?)))),
    of("pose_inv", &["p_from"], |a| Ok(posed(pose::inverse(six(a, 0)?)))),
    of("pose_add", &["p_1", "p_2"], |a| Ok(posed(pose::add(six(a, 0)?, six(a, 1)?)))),
    of("pose_sub", &["p_to", "p_from"], |a| Ok(posed(pose::subtract(six(a, 0)?, six(a, 1)?)))),
    of("interpolate_pose", &["p_from", "p_to", "alpha"], |a| {
        Ok(posed(pose::interpolate(six(a, 0)?, six(a, 1)?, number(a, 2)?)))
    }),
    of("point_dist", &["p_from", "p_to"], |a| {
        Ok(float(pose::point_distance(six(a, 0)?, six(a, 1)?)))
    }),
    of("rpy2rotvec", &["rpy_vector"], |a| Ok(list(pose::rotation_vector(three(a)?)))),
    of("rotvec2rpy", &["rotation_vector"], |a| Ok(list(pose::roll_pitch_yaw(three(a)?)))),
    of("str_empty", &["str"], |a| Ok(Value::Bool(string(a, 0)?.is_empty()))),
    of("assert", &["condition"], |a| match value(a, 0)? {
        Value::Bool(true) => Ok(Value::None),
        _ => Err("an assertion does not hold".into()),
    }),
];

const fn of(
    name: &'static str,
    parameters: &'static [&'static str],
    function: fn(&[Value]) -> Result<Value, String>,
) -> BuiltIn {
    BuiltIn { name, parameters, function }
}

fn value(arguments: &[Value], at: usize) -> Result<&Value, String> {
    arguments.get(at).ok_or_else(|| "an argument is missing".into())
}

fn number(arguments: &[Value], at: usize) -> Result<f64, String> {
    let value = value(arguments, at)?;
    value.as_f64().ok_or_else(|| format!("a number is needed, not {}", value.kind()))
}

fn integer(arguments: &[Value], at: usize) -> Result<i32, String> {
    match value(arguments, at)? {
        Value::Int(number) => Ok(*number),
        other => Err(format!("an int is needed, not {}", other.kind())),
    }
}

fn string(arguments: &[Value], at: usize) -> Result<&str, String> {
    match value(arguments, at)? {
        Value::Str(text) => Ok(text),
        other => Err(format!("a string is needed, not {}", other.kind())),
    }
}

/// A pose; as everywhere in URScript, a list of six numbers will do.
fn six(arguments: &[Value], at: usize) -> Result<[f64; 6], String> {
    let value = value(arguments, at)?;
    value.as_six().ok_or_else(|| format!("a pose is needed, not {}", value.kind()))
}

fn three(arguments: &[Value]) -> Result<[f64; 3], String> {
    let numbers = numbers(value(arguments, 0)?)?;
    numbers.try_into().map_err(|_| "a list of three numbers is needed".into())
}

fn numbers(value: &Value) -> Result<Vec<f64>, String> {
    match value {
        Value::Pose(numbers) => Ok(numbers.to_vec()),
        other => other
            .as_numbers()
            .ok_or_else(|| format!("a list of numbers is needed, not {}", other.kind())),
    }
}

fn length(value: &Value) -> Result<Value, String> {
    let length = match value {
        Value::Str(text) => text.chars().count(),
        Value::List(list) => list.len(),
        Value::Pose(numbers) => numbers.len(),
        other => return Err(format!("{} has no length", other.kind())),
    };
    Ok(Value::Int(i32::try_from(length).unwrap_or(i32::MAX)))
}

fn length_of(numbers: &[f64]) -> f64 {
    numbers.iter().map(|n| n * n).sum::<f64>().sqrt()
}

fn in_unit(number: f64) -> Result<f64, String> {
    if (-1.0..=1.0).contains(&number) { Ok(number) } else { Err("outside of -1 to 1".into()) }
}

fn finite(number: f64, otherwise: &str) -> Result<Value, String> {
    if number.is_finite() { Ok(float(number)) } else { Err(otherwise.into()) }
}

fn whole(number: f64) -> Result<Value, String> {
    if number >= f64::from(i32::MIN) && number <= f64::from(i32::MAX) {
        #[expect(clippy::cast_possible_truncation, reason = "a whole number within the range")]
        return Ok(Value::Int(number as i32));
    }
    Err("an integer left the range of 32 bits".into())
}

fn float(number: f64) -> Value {
    Value::Float(number)
}

fn list(numbers: [f64; 3]) -> Value {
    Value::List(numbers.map(Value::Float).to_vec())
}

fn posed(numbers: [f64; 6]) -> Value {
    Value::Pose(numbers)
}
