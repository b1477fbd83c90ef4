use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::{Camera, CameraError, Taken, decode};

/// A camera that answers each request with a JPEG or a PNG. `X-Timestamp` (seconds since 1970, as
/// mjpg-streamer has it) and `X-Frame` are read where they are there.
#[derive(Debug)]
pub struct Snapshot {
    agent: ureq::Agent,
    url: String,
}

/// Longest wait for a frame.
const PATIENCE: Duration = Duration::from_secs(5);
/// Longest picture that is read, bytes.
const LONGEST: u64 = 16 * 1024 * 1024;

impl Snapshot {
    pub fn new(url: &str) -> Self {
        let config = ureq::Agent::config_builder().timeout_global(Some(PATIENCE)).build();
        Self { agent: config.into(), url: url.to_owned() }
    }
}

impl Camera for Snapshot {
    fn frame(&mut self) -> Result<Taken, CameraError> {
        let failed = |error: ureq::Error| CameraError::Unreachable {
            at: self.url.clone(),
            why: error.to_string(),
        };
        let mut response = self.agent.get(&self.url).call().map_err(failed)?;
        let header = |name: &str| {
            let value = response.headers().get(name)?;
            value.to_str().ok().map(str::to_owned)
        };
        let (number, at) = (header("X-Frame"), header("X-Timestamp"));
        let body = response.body_mut().with_config().limit(LONGEST);
        let bytes = body.read_to_vec().map_err(failed)?;
        let picture = decode(&self.url, &bytes)?;
        Ok(Taken { picture, number: counted(number.as_deref()), at: told(at.as_deref()) })
    }
}

pub(super) fn counted(header: Option<&str>) -> Option<u64> {
    header?.trim().parse().ok()
}

/// Seconds since 1970; what is no such number is not told.
pub(super) fn told(header: Option<&str>) -> Option<SystemTime> {
    let seconds: f64 = header?.trim().parse().ok()?;
    // Later than that no clock goes.
    let sane = (0.0..1e11).contains(&seconds);
    sane.then(|| UNIX_EPOCH + Duration::from_secs_f64(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_header_makes_it_panic(text in "\\PC{0,20}|-?[0-9]{0,25}(\\.[0-9]{0,9})?(e[0-9]{1,4})?") {
            let _ = (counted(Some(&text)), told(Some(&text)));
        }
    }

    #[test]
    fn a_time_is_seconds_since_1970() {
        let at = told(Some("1764369000.250000")).unwrap();
        assert_eq!(at.duration_since(UNIX_EPOCH).unwrap().as_millis(), 1_764_369_000_250);
        assert!(told(Some("yesterday")).is_none() && told(None).is_none());
    }
}
