use crate::real::Fault;
use crate::wire::{RobotMode, SafetyMode};

/// What the controller's own state forbids, if anything.
pub(super) fn forbidden(robot: i32, safety: i32, allow_reduced: bool) -> Option<Fault> {
    match SafetyMode::from_number(safety) {
        Some(SafetyMode::Normal) => {}
        Some(SafetyMode::Reduced) if allow_reduced => {}
        Some(SafetyMode::Reduced) => return Some(Fault::Reduced),
        Some(SafetyMode::ProtectiveStop) => return Some(Fault::ProtectiveStop),
        Some(SafetyMode::RobotEmergencyStop | SafetyMode::SystemEmergencyStop) => {
            return Some(Fault::EmergencyStop);
        }
        Some(
            SafetyMode::SafeguardStop
            | SafetyMode::AutomaticModeSafeguardStop
            | SafetyMode::ThreePositionEnablingStop,
        ) => return Some(Fault::SafeguardStop),
        Some(other) => return Some(Fault::SafetyFault(other.word())),
        None => return Some(Fault::SafetyFault(SafetyMode::Fault.word())),
    }
    match RobotMode::from_number(robot) {
        Some(RobotMode::Running) => None,
        other => Some(Fault::NotRunning(other.map(RobotMode::word))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_running_and_normal_is_no_fault_and_reduced_where_it_is_allowed() {
        for robot in RobotMode::ALL {
            for safety in SafetyMode::ALL {
                let good = *robot == RobotMode::Running;
                let of = |allow| forbidden(robot.number(), safety.number(), allow);
                let normal = *safety == SafetyMode::Normal;
                let reduced = *safety == SafetyMode::Reduced;
                assert_eq!(of(false).is_none(), good && normal, "{robot:?} {safety:?}");
                assert_eq!(of(true).is_none(), good && (normal || reduced), "{robot:?} {safety:?}");
            }
        }
        assert!(forbidden(7, 0, true).is_some(), "an undocumented safety mode");
    }
}
