use std::fmt::Write;

use super::ExperimentResult;

/// `curves.csv`: every evaluation of every run, one line for each of the two phases. Errors are
/// means over the evaluation trials.
pub fn curves_csv(result: &ExperimentResult) -> String {
    let mut csv =
        String::from("method,seed,trial,robot_hours,phase,translation_mm,yaw_deg,success_rate\n");
    for method in &result.methods {
        for run in &method.runs {
            for c in &run.checkpoints {
                for (phase, scores) in [("in-scene", &c.in_scene), ("held-out", &c.held_out)] {
                    let rate = match scores.of {
                        0 => String::new(),
                        of => (scores.successes as f64 / of as f64).to_string(),
                    };
                    // Writing to a String cannot fail.
                    let _ = writeln!(
                        csv,
                        "{},{},{},{},{phase},{},{},{rate}",
                        method.card.name,
                        run.seed,
                        c.trial,
                        c.robot_hours,
                        scores.translation_mm,
                        scores.yaw_deg,
                    );
                }
            }
        }
    }
    csv
}
