//! What RTDE clients may write, and what it does.

use super::registers::Bank;
use crate::wire::rtde::Value;

/// A documented input field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Input {
    Int(u8),
    Double(u8),
    Bit(u8),
    Word(u8),
    SpeedSliderMask,
    SpeedSliderFraction,
    /// Standard, configurable, tool.
    DigitalMask(u8),
    Digital(u8),
    AnalogMask,
    Analog(u8),
    /// Documented, and without a consequence here.
    Ignored(u8),
}

impl Input {
    /// `None` for a field that is not documented.
    pub fn of(name: &str) -> Option<Self> {
        crate::wire::rtde::input(name)?;
        let number = |prefix: &str| name.strip_prefix(prefix)?.parse::<u8>().ok();
        let named = match name {
            "input_bit_registers0_to_31" => Self::Word(0),
            "input_bit_registers32_to_63" => Self::Word(1),
            "speed_slider_mask" => Self::SpeedSliderMask,
            "speed_slider_fraction" => Self::SpeedSliderFraction,
            "standard_digital_output_mask" => Self::DigitalMask(0),
            "configurable_digital_output_mask" => Self::DigitalMask(1),
            "tool_digital_output_mask" => Self::DigitalMask(2),
            "standard_digital_output" => Self::Digital(0),
            "configurable_digital_output" => Self::Digital(1),
            "tool_digital_output" => Self::Digital(2),
            "standard_analog_output_mask" => Self::AnalogMask,
            "standard_analog_output_0" => Self::Analog(0),
            "standard_analog_output_1" => Self::Analog(1),
            "standard_analog_output_type" => Self::Ignored(0),
            "external_force_torque" => Self::Ignored(1),
            _ => {
                return number("input_int_register_")
                    .map(Self::Int)
                    .or_else(|| number("input_double_register_").map(Self::Double))
                    .or_else(|| number("input_bit_register_").map(Self::Bit));
            }
        };
        Some(named)
    }
}

/// The outputs on the controller's terminals.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Terminals {
    /// Bits 0-7 standard, 8-15 configurable, 16-17 tool.
    pub digital: u64,
    pub analog: [f64; 2],
}

/// Writes one data package. `slider` is the speed slider.
pub fn write(
    fields: &[Input],
    values: &[Value],
    bank: &mut Bank,
    slider: &mut f64,
    terminals: &mut Terminals,
) {
    let pairs = || fields.iter().zip(values);
    let number = |wanted: Input| {
        pairs().find(|(field, _)| **field == wanted).and_then(|(_, value)| match value {
            Value::UInt8(v) => Some(u64::from(*v)),
            Value::UInt32(v) => Some(u64::from(*v)),
            _ => None,
        })
    };
    for (field, value) in pairs() {
        match (*field, *value) {
            (Input::Int(i), Value::Int32(v)) => bank.ints[usize::from(i)] = v,
            (Input::Double(i), Value::Double(v)) => bank.doubles[usize::from(i)] = v,
            (Input::Bit(i), Value::Bool(v)) => bank.set_bit(usize::from(i), v),
            (Input::Word(half), Value::UInt32(v)) => bank.set_word(u32::from(half), v),
            // NaN leaves it as it is.
            (Input::SpeedSliderFraction, Value::Double(v))
                if number(Input::SpeedSliderMask) == Some(1) && (0.0..=1.0).contains(&v) =>
            {
                *slider = v;
            }
            (Input::Digital(group), Value::UInt8(v)) => {
                let mask = number(Input::DigitalMask(group)).unwrap_or(0) << (8 * group);
                let bits = u64::from(v) << (8 * group);
                terminals.digital = terminals.digital & !mask | bits & mask;
            }
            (Input::Analog(i), Value::Double(v))
                if number(Input::AnalogMask).unwrap_or(0) >> i & 1 == 1 =>
            {
                terminals.analog[usize::from(i)] = v;
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_documented_input_is_known() {
        for (name, _) in crate::wire::rtde::inputs() {
            assert!(Input::of(&name).is_some(), "{name}");
        }
        assert_eq!(Input::of("actual_q"), None);
    }

    #[test]
    fn masks_say_what_is_written() {
        let (mut bank, mut slider) = (Bank::default(), 1.0);
        let mut terminals = Terminals { digital: 0b1000, analog: [0.0; 2] };
        let fields = [Input::DigitalMask(0), Input::Digital(0), Input::SpeedSliderFraction];
        let values = [Value::UInt8(0b11), Value::UInt8(0b101), Value::Double(0.2)];
        write(&fields, &values, &mut bank, &mut slider, &mut terminals);
        assert_eq!(terminals.digital, 0b1001);
        assert_eq!(slider, 1.0, "without its mask the slider stays");
    }
}
