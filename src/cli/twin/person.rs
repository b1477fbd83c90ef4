use std::time::Duration;

use serde_json::Value;

use super::super::out::say;
use crate::cli::Failure;
use crate::twin::{HTTP_PORT, VERBS};

/// What a person does at a running twin.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Move the arm by small steps, as a person does to teach a place; prints where the tool is
    #[command(after_help = "Examples:
  rmrl twin jog tool 10,0,-5          10 mm along the world's x and 5 mm down
  rmrl twin jog tool 0,0,0,0,0,2      turned by 2 deg about the world's z
  rmrl twin jog joint 6,-15           joint 6 by -15 deg
  rmrl twin jog to -54,0,67,0,0,0     straight to a pose in the world (mm, deg)

Refused while a program runs, and while the arm is stopped. Then: rmrl teach FILE pick.")]
    Jog {
        /// How: tool, joint or to
        #[arg(value_parser = ["tool", "joint", "to"])]
        how: String,
        /// Numbers with commas between them: mm and deg
        #[arg(allow_hyphen_values = true)]
        numbers: String,
        #[command(flatten)]
        at: At,
    },
    /// Do anything else that a person does there; "list" lists it
    Person {
        /// What the person does, as: unlock
        verb: String,
        /// Its numbers with commas between them, as in: plate 2,0,0
        #[arg(allow_hyphen_values = true)]
        numbers: Option<String>,
        #[command(flatten)]
        at: At,
    },
}

#[derive(Debug, clap::Args)]
pub struct At {
    /// Address of the twin's control page, without a path
    #[arg(long, value_name = "URL")]
    at: Option<String>,
}

/// The twin answers at once.
const PATIENCE: Duration = Duration::from_secs(5);
/// A step is over in this time, or the arm does not move at all; of the clock on the wall.
const LONGEST: Duration = Duration::from_secs(120);

pub fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::Jog { how, numbers, at } => {
            let page = Page::new(at);
            page.person(&format!("jog {how} {numbers}"))?;
            let status = page.rest()?;
            say!("world_from_tool: {}", status["world_from_tool"])?;
            Ok(())
        }
        Command::Person { verb, .. } if verb == "list" => {
            for (verb, what) in VERBS {
                say!("{verb:24} {what}")?;
            }
            Ok(())
        }
        Command::Person { verb, numbers, at } => {
            let does = numbers.map_or(verb.clone(), |numbers| format!("{verb} {numbers}"));
            Page::new(at).person(&does)
        }
    }
}

/// A running twin's control page.
struct Page {
    agent: ureq::Agent,
    url: String,
}

impl Page {
    fn new(at: At) -> Self {
        let config = ureq::Agent::config_builder()
            .timeout_global(Some(PATIENCE))
            .http_status_as_error(false)
            .build();
        let url = at.at.unwrap_or_else(|| format!("http://127.0.0.1:{HTTP_PORT}"));
        Self { agent: config.into(), url: url.trim_end_matches('/').to_owned() }
    }

    fn person(&self, does: &str) -> Result<(), Failure> {
        let url = format!("{}/person", self.url);
        let mut answer = self.agent.post(&url).send(does).map_err(|e| self.gone(&e))?;
        if answer.status().is_success() {
            return Ok(());
        }
        let said = answer.body_mut().read_to_string().map_err(|e| self.gone(&e))?;
        let said: Value = serde_json::from_str(&said).unwrap_or(Value::String(said));
        let why = said["error"].as_str().map_or_else(|| said.to_string(), str::to_owned);
        Err(Failure::Input(format!("{does}: {why}")))
    }

    /// Waits until nothing moves any more.
    fn rest(&self) -> Result<Value, Failure> {
        let begun = std::time::Instant::now();
        loop {
            let url = format!("{}/status", self.url);
            let mut answer = self.agent.get(&url).call().map_err(|e| self.gone(&e))?;
            let text = answer.body_mut().read_to_string().map_err(|e| self.gone(&e))?;
            let status: Value = serde_json::from_str(&text)
                .map_err(|e| Failure::Work(anyhow::anyhow!("{url}: {e}")))?;
            let moving = status["moving"].as_bool() == Some(true);
            let stopped = !matches!(status["safety_mode"].as_str(), Some("NORMAL" | "REDUCED"));
            if !moving && stopped {
                let mode = status["safety_mode"].as_str().unwrap_or_default();
                let events = status["events"].as_array().map(Vec::as_slice).unwrap_or_default();
                let why: Vec<&str> = events
                    .iter()
                    .rev()
                    .take(2)
                    .rev()
                    .filter_map(|event| event["what"].as_str())
                    .collect();
                let why = why.join(", ");
                return Err(Failure::Work(anyhow::anyhow!("the arm was stopped ({mode}): {why}")));
            }
            if !moving {
                return Ok(status);
            }
            if begun.elapsed() > LONGEST {
                return Err(Failure::Work(anyhow::anyhow!("the arm still moves")));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn gone(&self, error: &ureq::Error) -> Failure {
        let url = &self.url;
        Failure::Work(anyhow::anyhow!("{url}: {error}; is a twin running there? (rmrl twin)"))
    }
}
