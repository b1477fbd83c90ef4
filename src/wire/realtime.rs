//! The real-time packet of TCP 30003, in each control cycle (500 Hz): 1220 bytes from software
//! 5.10 on. Source: Universal Robots, *Real-Time Client Interface*, the column of e-Series 5.10.

use super::WireError;
use super::bytes::{Number, Reader, Writer};

/// Port of the service, which takes programs too.
pub const PORT: u16 = 30003;
/// Length of a packet with its own size in front, bytes.
pub const SIZE: usize = 1220;

macro_rules! packet {
    ($($(#[$doc:meta])* $name:ident: $kind:ty,)*) => {
        /// One packet: doubles in this order. SI units, base frame; times in seconds.
        #[derive(Clone, Debug, PartialEq)]
        pub struct RealTime { $($(#[$doc])* pub $name: $kind,)* }

        impl RealTime {
            /// With its size in front.
            pub fn encode(&self) -> Vec<u8> {
                let mut bytes = Writer::default();
                bytes.put(SIZE as u32);
                $(bytes.put(self.$name);)*
                bytes.0
            }

            fn read(reader: &mut Reader<'_>) -> Result<Self, WireError> {
                Ok(Self { $($name: Number::take(reader)?,)* })
            }
        }

        impl Default for RealTime {
            fn default() -> Self {
                Self { $($name: Zero::ZERO,)* }
            }
        }
    };
}

trait Zero {
    const ZERO: Self;
}

impl Zero for f64 {
    const ZERO: Self = 0.0;
}

impl<const COUNT: usize> Zero for [f64; COUNT] {
    const ZERO: Self = [0.0; COUNT];
}

packet! {
    time: f64,
    target_q: [f64; 6],
    target_qd: [f64; 6],
    target_qdd: [f64; 6],
    target_current: [f64; 6],
    target_moment: [f64; 6],
    actual_q: [f64; 6],
    actual_qd: [f64; 6],
    actual_current: [f64; 6],
    control_current: [f64; 6],
    /// Of the tool: metres, rotation vector in rad.
    actual_pose: [f64; 6],
    actual_tool_speed: [f64; 6],
    /// N and Nm.
    tool_force: [f64; 6],
    target_pose: [f64; 6],
    target_tool_speed: [f64; 6],
    /// Bits, as a whole number.
    digital_in: f64,
    motor_temperatures: [f64; 6],
    controller_timer: f64,
    test_value: f64,
    robot_mode: f64,
    joint_modes: [f64; 6],
    safety_mode: f64,
    reserved_1: [f64; 6],
    tool_accelerometer: [f64; 3],
    reserved_2: [f64; 6],
    speed_scaling: f64,
    linear_momentum_norm: f64,
    reserved_3: [f64; 2],
    main_voltage: f64,
    robot_voltage: f64,
    robot_current: f64,
    joint_voltages: [f64; 6],
    digital_out: f64,
    program_state: f64,
    elbow_position: [f64; 3],
    elbow_velocity: [f64; 3],
    safety_status: f64,
    reserved_4: [f64; 3],
    /// kg.
    payload: f64,
    payload_cog: [f64; 3],
    payload_inertia: [f64; 6],
}

impl RealTime {
    /// The first packet of these bytes, or nothing yet.
    ///
    /// # Errors
    /// A size that is not that of this version: nothing after it can be understood.
    pub fn first(bytes: &[u8]) -> Result<Option<Self>, WireError> {
        let Some(size) = bytes.first_chunk() else { return Ok(None) };
        let size = u32::from_be_bytes(*size) as usize;
        if size != SIZE {
            let allowed = SIZE.to_string();
            return Err(WireError::Size { what: "real-time packet", size, allowed });
        }
        let Some(body) = bytes.get(4..SIZE) else { return Ok(None) };
        Self::read(&mut Reader::new("real-time packet", body)).map(Some)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_packet_is_1220_bytes_and_its_fields_stand_where_the_table_has_them() {
        let packet = RealTime {
            time: 1.0,
            actual_q: [2.0; 6],
            actual_pose: [3.0; 6],
            tool_force: [4.0; 6],
            robot_mode: 7.0,
            safety_mode: 1.0,
            digital_out: 5.0,
            program_state: 2.0,
            safety_status: 9.0,
            payload: 1.5,
            ..RealTime::default()
        };
        let bytes = packet.encode();
        assert_eq!(bytes.len(), SIZE);
        // Places in the maker's table, which counts doubles from the time on.
        let at = |place: usize| {
            let at = 4 + 8 * (place - 1);
            f64::from_be_bytes(*bytes[at..].first_chunk().unwrap())
        };
        assert_eq!((at(1), at(32), at(56), at(68)), (1.0, 2.0, 3.0, 4.0));
        assert_eq!((at(95), at(102), at(131), at(132)), (7.0, 1.0, 5.0, 2.0));
        assert_eq!((at(139), at(143)), (9.0, 1.5));
        assert_eq!(RealTime::first(&bytes), Ok(Some(packet)));
    }

    #[test]
    fn a_packet_of_another_version_is_refused() {
        assert!(RealTime::first(&1108_u32.to_be_bytes()).unwrap_err().to_string().contains("1220"));
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_parser_panic(
            mut bytes in prop::collection::vec(any::<u8>(), 0..1300),
            sized in any::<bool>(),
        ) {
            if sized && bytes.len() > 3 {
                bytes[..4].copy_from_slice(&(SIZE as u32).to_be_bytes());
            }
            let _ = RealTime::first(&bytes);
        }
    }
}
