use rmrl::report::{Better, Kind, Metric, Shown};

/// The larger of the two position errors: what has to pass between two guides.
pub fn metric() -> Metric {
    Metric {
        key: "worst_axis_mm",
        title: "larger position error",
        short: "axis mm",
        unit: "mm",
        better: Better::Lower,
        kind: Kind::Mean,
        of: |trial| trial.error.x_mm.abs().max(trial.error.y_mm.abs()),
        decimals: 2,
        // The reward does not know it.
        cost: 0.0,
        shown: Shown::Curves,
    }
}
