use serde::Serialize;

/// Defines an enum of numbered states with the words that the dashboard uses for them.
macro_rules! numbered {
    ($(#[$doc:meta])* $name:ident { $($(#[$item:meta])* $variant:ident = $number:literal, $word:literal;)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
        pub enum $name { $($(#[$item])* $variant),* }

        impl $name {
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The number that RTDE sends; `None` for one that is not documented.
            pub fn from_number(number: i32) -> Option<Self> {
                match number { $($number => Some(Self::$variant),)* _ => None }
            }

            pub fn number(self) -> i32 {
                match self { $(Self::$variant => $number),* }
            }

            /// The dashboard's word.
            pub fn word(self) -> &'static str {
                match self { $(Self::$variant => $word),* }
            }

            pub fn from_word(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$variant),)* _ => None }
            }
        }
    };
}

numbered! {
    /// `robot_mode` of RTDE, `robotmode` of the dashboard.
    RobotMode {
        NoController = -1, "NO_CONTROLLER";
        Disconnected = 0, "DISCONNECTED";
        ConfirmSafety = 1, "CONFIRM_SAFETY";
        Booting = 2, "BOOTING";
        PowerOff = 3, "POWER_OFF";
        PowerOn = 4, "POWER_ON";
        Idle = 5, "IDLE";
        /// Freedrive: a person moves the arm by hand.
        Backdrive = 6, "BACKDRIVE";
        Running = 7, "RUNNING";
        UpdatingFirmware = 8, "UPDATING_FIRMWARE";
    }
}

numbered! {
    /// `safety_mode` of RTDE, `safetystatus` of the dashboard.
    SafetyMode {
        Normal = 1, "NORMAL";
        Reduced = 2, "REDUCED";
        ProtectiveStop = 3, "PROTECTIVE_STOP";
        Recovery = 4, "RECOVERY";
        SafeguardStop = 5, "SAFEGUARD_STOP";
        SystemEmergencyStop = 6, "SYSTEM_EMERGENCY_STOP";
        RobotEmergencyStop = 7, "ROBOT_EMERGENCY_STOP";
        Violation = 8, "VIOLATION";
        Fault = 9, "FAULT";
        AutomaticModeSafeguardStop = 10, "AUTOMATIC_MODE_SAFEGUARD_STOP";
        ThreePositionEnablingStop = 11, "SYSTEM_THREE_POSITION_ENABLING_STOP";
    }
}

numbered! {
    /// `runtime_state` of RTDE, the first word of the dashboard's `programState`.
    RuntimeState {
        Stopping = 0, "STOPPING";
        Stopped = 1, "STOPPED";
        Playing = 2, "PLAYING";
        Pausing = 3, "PAUSING";
        Paused = 4, "PAUSED";
        Resuming = 5, "RESUMING";
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_words_lead_back_to_the_state() {
        for mode in RobotMode::ALL {
            assert_eq!(RobotMode::from_number(mode.number()), Some(*mode));
            assert_eq!(RobotMode::from_word(mode.word()), Some(*mode));
        }
        for mode in SafetyMode::ALL {
            assert_eq!(SafetyMode::from_number(mode.number()), Some(*mode));
            assert_eq!(SafetyMode::from_word(mode.word()), Some(*mode));
        }
        assert_eq!(SafetyMode::from_number(0), None);
    }
}
