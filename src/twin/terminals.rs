//! Registers and terminals as programs see them.

use super::asked::{Answer, Asked, done, nothing};
use super::controller::Controller;
use super::registers::Bank;
use super::script::{Call, Value};

impl Controller {
    pub(super) fn register(&mut self, name: &str, call: &Asked<'_>) -> Answer {
        let input = name.contains("_input_");
        let bank = if input { &mut self.registers.input } else { &mut self.registers.output };
        let (ints, bits) = (Bank::NUMBERS, Bank::BITS);
        match name {
            "read_input_integer_register" | "read_output_integer_register" => {
                done(Value::Int(bank.ints[call.index(0, "address", ints)?]))
            }
            "read_input_float_register" | "read_output_float_register" => {
                done(Value::Float(bank.doubles[call.index(0, "address", ints)?]))
            }
            "read_input_boolean_register" | "read_output_boolean_register" => {
                done(Value::Bool(bank.bit(call.index(0, "address", bits)?)))
            }
            "write_output_integer_register" => {
                let number = call.number(1, "value")?;
                // A float is cut, as the manual's integer registers do; too large ones stay at the end.
                bank.ints[call.index(0, "address", ints)?] = number as i32;
                nothing()
            }
            "write_output_float_register" => {
                bank.doubles[call.index(0, "address", ints)?] = call.number(1, "value")?;
                nothing()
            }
            "write_output_boolean_register" => {
                bank.set_bit(call.index(0, "address", bits)?, call.flag(1, "value")?);
                nothing()
            }
            _ => Ok(Call::Unknown),
        }
    }

    /// Inputs and outputs on the terminals, and settings that nothing here has a model for.
    pub(super) fn terminal(&mut self, name: &str, call: &Asked<'_>) -> Answer {
        let output = |first: u64, count: usize| -> Result<u64, String> {
            Ok(1 << (first + call.index(0, "n", count)? as u64))
        };
        let bit = match name {
            "set_standard_digital_out"
            | "set_digital_out"
            | "get_standard_digital_out"
            | "get_digital_out" => output(0, 8)?,
            "set_configurable_digital_out" | "get_configurable_digital_out" => output(8, 8)?,
            "set_tool_digital_out" | "get_tool_digital_out" => output(16, 2)?,
            "get_standard_digital_in"
            | "get_digital_in"
            | "get_configurable_digital_in"
            | "get_tool_digital_in" => return done(Value::Bool(false)),
            "set_standard_analog_out" | "set_analog_out" => {
                let at = call.index(0, "n", 2)?;
                self.terminals.analog[at] = call.number(1, "f")?;
                return nothing();
            }
            "get_standard_analog_in" | "get_analog_in" => return done(Value::Float(0.0)),
            "set_gravity"
            | "set_tool_voltage"
            | "set_tool_communication"
            | "set_standard_analog_input_domain"
            | "set_tool_analog_input_domain"
            | "set_analog_outputdomain"
            | "reset_revolution_counter"
            | "force_mode_set_gain_scaling"
            | "force_mode_set_damping"
            | "end_force_mode"
            | "end_freedrive_mode"
            | "end_teach_mode" => return nothing(),
            "get_freedrive_status" => return done(Value::Int(0)),
            _ => return Ok(Call::Unknown),
        };
        if name.starts_with("get_") {
            return done(Value::Bool(self.terminals.digital & bit != 0));
        }
        let on = call.flag(1, "b")?;
        let digital = &mut self.terminals.digital;
        *digital = if on { *digital | bit } else { *digital & !bit };
        nothing()
    }
}
