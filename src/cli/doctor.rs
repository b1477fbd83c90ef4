use serde_json::json;

use super::out::say;
use crate::cli::Failure;
use crate::config::Robot;
use crate::real::{Finding, Site, Verdict, examine};

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  rmrl doctor --robot my-arm.toml
  rmrl doctor --robot robots/ur5e-twin.toml --json

Only looks: nothing is powered, unlocked, uploaded or moved. Exit code 1 if a check fails.")]
pub struct Args {
    /// Robot file with the sections [arm] and [real]
    #[arg(long, value_name = "FILE")]
    robot: String,
    /// One JSON object on stdout
    #[arg(long)]
    json: bool,
}

pub fn run(args: Args) -> Result<(), Failure> {
    let site = Site::to_examine(&Robot::to_examine(&args.robot)?)?;
    let findings = examine(&site);
    if args.json {
        let list: Vec<_> = findings.iter().map(as_json).collect();
        say!("{}", json!({ "robot": site.robot().name, "checks": list }))?;
    } else {
        for finding in &findings {
            say!("{}", line(finding))?;
        }
    }
    let failed = findings.iter().filter(|f| matches!(f.verdict, Verdict::Wrong(_))).count();
    if failed == 0 {
        return Ok(());
    }
    let (of, s) = (findings.len(), if failed == 1 { "" } else { "s" });
    Err(Failure::Work(anyhow::anyhow!("{failed} of {of} check{s} failed")))
}

fn line(finding: &Finding) -> String {
    let Finding { check, reading, verdict } = finding;
    match verdict {
        Verdict::Right => format!("ok    {check:18} {reading}"),
        Verdict::Doubtful(advice) => format!("warn  {check:18} {reading}: {advice}"),
        Verdict::Wrong(advice) => format!("WRONG {check:18} {reading}: {advice}"),
        Verdict::Skipped => format!("-     {check:18} {reading}"),
    }
}

fn as_json(finding: &Finding) -> serde_json::Value {
    let (ok, advice) = match &finding.verdict {
        Verdict::Right => (Some(true), None),
        Verdict::Doubtful(advice) => (Some(true), Some(advice)),
        Verdict::Wrong(advice) => (Some(false), Some(advice)),
        Verdict::Skipped => (None, None),
    };
    json!({ "check": finding.check, "reading": finding.reading, "ok": ok, "advice": advice })
}
