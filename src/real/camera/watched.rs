use std::time::{Duration, Instant, SystemTime};

use super::{Camera, CameraError, Grey, Taken};

/// A camera whose frames are looked at before anybody uses them.
pub struct Watched<C> {
    camera: C,
    bounds: Bounds,
    last: Option<Taken>,
}

/// What a frame must be like.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bounds {
    /// Of a frame whose camera tells when it was taken, ms.
    pub max_age_ms: f64,
    /// Share of its contrast by which its steepest edges change within two pixels.
    pub min_sharpness: f64,
}

/// A camera's clock may be so far ahead, ms.
const AHEAD_MS: f64 = 200.0;
/// Brightest pixels (99th percentile) of a frame that shows something.
const LEAST_LIGHT: u8 = 60;
/// Largest share of pixels at the upper end.
const WHITE_SHARE: f64 = 0.2;
const WHITE: u8 = 253;

impl<C: Camera> Watched<C> {
    pub fn new(camera: C, bounds: Bounds) -> Self {
        Self { camera, bounds, last: None }
    }

    fn check(&self, taken: &Taken, now: SystemTime) -> Result<(), CameraError> {
        if let Some(at) = taken.at {
            let ms = |d: std::time::Duration| d.as_secs_f64() * 1e3;
            let max_ms = self.bounds.max_age_ms;
            match now.duration_since(at) {
                Ok(age) if ms(age) > max_ms => {
                    return Err(CameraError::Stale { age_ms: ms(age), max_ms });
                }
                Err(ahead) if ms(ahead.duration()) > AHEAD_MS => {
                    return Err(CameraError::Ahead { ahead_ms: ms(ahead.duration()) });
                }
                _ => {}
            }
        }
        if self.came_before(taken) {
            return Err(CameraError::Frozen);
        }
        lit(&taken.picture)?;
        let (sharpness, least) = (sharpness(&taken.picture), self.bounds.min_sharpness);
        match sharpness >= least {
            true => Ok(()),
            false => Err(CameraError::Blurred { sharpness, least }),
        }
    }
}

/// A camera that works gives another frame within this, and is asked for it so often.
const ANOTHER: Duration = Duration::from_millis(500);
const ASK_AGAIN: Duration = Duration::from_millis(40);

impl<C: Camera> Watched<C> {
    /// A frame that was taken after it was asked for: by its time stamp, or because it came after another one. What lay
    /// ready may show what has changed since.
    fn fresh(&mut self) -> Result<Taken, CameraError> {
        let (asked, begun) = (SystemTime::now(), Instant::now());
        let mut taken = self.camera.frame()?;
        if taken.at.is_some_and(|at| at >= asked) || !self.camera.is_live() {
            return Ok(taken);
        }
        self.last = Some(taken);
        loop {
            taken = self.camera.frame()?;
            // A clock that is behind ours never says so: then the next frame has to do.
            let late = begun.elapsed() > ANOTHER;
            let told = taken.at.is_none_or(|at| at >= asked);
            if late || told && !self.came_before(&taken) {
                return Ok(taken);
            }
            if !self.came_before(&taken) {
                self.last = Some(taken);
            }
            std::thread::sleep(ASK_AGAIN);
        }
    }

    /// Noise makes every frame of a sensor that works another one.
    fn came_before(&self, taken: &Taken) -> bool {
        self.last.as_ref().is_some_and(|last| {
            let counted = taken.number.is_some() && taken.number == last.number;
            counted || taken.picture == last.picture
        })
    }
}

impl<C: Camera> Camera for Watched<C> {
    fn frame(&mut self) -> Result<Taken, CameraError> {
        let taken = self.fresh()?;
        self.checked(taken, SystemTime::now())
    }
}

impl<C: Camera> Watched<C> {
    /// The same at another time.
    #[cfg(test)]
    fn frame_at(&mut self, now: SystemTime) -> Result<Taken, CameraError> {
        let taken = self.fresh()?;
        self.checked(taken, now)
    }

    fn checked(&mut self, taken: Taken, now: SystemTime) -> Result<Taken, CameraError> {
        let checked = self.check(&taken, now);
        self.last = Some(taken.clone());
        checked.map(|()| taken)
    }
}

/// The light below which this share of the pixels lies.
fn percentile(picture: &Grey, share: f64) -> u8 {
    let mut counts = [0usize; 256];
    picture.pixels.iter().for_each(|light| counts[usize::from(*light)] += 1);
    let wanted = (share * picture.pixels.len() as f64) as usize;
    let mut below = 0;
    let found = counts.iter().position(|count| {
        below += count;
        below > wanted
    });
    found.unwrap_or(255) as u8
}

fn lit(picture: &Grey) -> Result<(), CameraError> {
    let brightest = percentile(picture, 0.99);
    if brightest < LEAST_LIGHT {
        return Err(CameraError::Black { brightest });
    }
    let white = picture.pixels.iter().filter(|light| **light >= WHITE).count();
    let share = white as f64 / picture.pixels.len().max(1) as f64;
    match share <= WHITE_SHARE {
        true => Ok(()),
        false => Err(CameraError::Overexposed { share: share * 100.0 }),
    }
}

/// Change of light within two pixels along the rows at the steepest places (99.5th percentile), as a
/// share of the contrast from the 1st to the 99th percentile.
fn sharpness(picture: &Grey) -> f64 {
    let contrast = percentile(picture, 0.99).saturating_sub(percentile(picture, 0.01)).max(1);
    let mut steps = Vec::with_capacity(picture.pixels.len());
    for row in picture.pixels.chunks_exact(picture.width.max(1)) {
        steps.extend(row.iter().zip(row.iter().skip(2)).map(|(a, b)| a.abs_diff(*b)));
    }
    let width = picture.width.saturating_sub(2).max(1);
    f64::from(percentile(&Grey { pixels: steps, width }, 0.995)) / f64::from(contrast)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Frames that stand ready.
    struct Ready(std::vec::IntoIter<Taken>);

    impl Camera for Ready {
        fn is_live(&self) -> bool {
            false
        }

        fn frame(&mut self) -> Result<Taken, CameraError> {
            let none =
                CameraError::NoPicture { at: "test".to_owned(), why: "none left".to_owned() };
            self.0.next().ok_or(none)
        }
    }

    /// Whatever the time is.
    const NOW: SystemTime = SystemTime::UNIX_EPOCH;

    /// Bright squares whose edges are `soft` pixels wide, times `gain`.
    fn taken(number: u64, soft: f64, gain: f64) -> Taken {
        let pixel = |i: usize| {
            let off = ((i % 64) as f64 - 31.5).abs() - 16.0;
            let light = 200.0 - 160.0 * (0.5 + off / soft).clamp(0.0, 1.0);
            (light * gain + (i as u64 * 7 + number) as f64 % 3.0) as u8
        };
        let picture = Grey { pixels: (0..64 * 64).map(pixel).collect(), width: 64 };
        Taken { picture, number: Some(number), at: Some(NOW) }
    }

    /// Frames that are looked at at this moment.
    fn look(now: SystemTime, frames: Vec<Taken>) -> Vec<Result<(), CameraError>> {
        let bounds = Bounds { max_age_ms: 500.0, min_sharpness: 0.3 };
        let count = frames.len();
        let mut camera = Watched::new(Ready(frames.into_iter()), bounds);
        (0..count).map(|_| camera.frame_at(now).map(drop)).collect()
    }

    #[test]
    fn fresh_frames_pass() {
        assert_eq!(look(NOW, vec![taken(1, 1.0, 1.0), taken(2, 1.0, 1.0)]), [Ok(()), Ok(())]);
    }

    #[test]
    fn what_is_no_fresh_frame_is_an_error() {
        let one = |taken: Taken| look(NOW, vec![taken]).remove(0);
        let aged = |at: SystemTime| one(Taken { at: Some(at), ..taken(1, 1.0, 1.0) });
        let ms = Duration::from_millis;
        assert_eq!(aged(NOW - ms(499)), Ok(()));
        assert!(matches!(aged(NOW - ms(501)), Err(CameraError::Stale { .. })));
        assert_eq!(aged(NOW + ms(199)), Ok(()));
        assert!(matches!(aged(NOW + ms(201)), Err(CameraError::Ahead { .. })));
        assert!(matches!(one(taken(1, 1.0, 0.1)), Err(CameraError::Black { .. })));
        assert!(matches!(one(taken(1, 1.0, 9.0)), Err(CameraError::Overexposed { .. })));
        assert!(matches!(one(taken(1, 14.0, 1.0)), Err(CameraError::Blurred { .. })));
    }

    /// One frame for ever, or a new one at every request, without a time stamp.
    struct Asked {
        frozen: bool,
        number: u64,
    }

    impl Camera for Asked {
        fn frame(&mut self) -> Result<Taken, CameraError> {
            self.number += u64::from(!self.frozen);
            Ok(Taken { at: None, ..taken(self.number, 1.0, 1.0) })
        }
    }

    #[test]
    fn a_first_frame_without_a_time_stamp_counts_only_once_another_one_has_come() {
        let bounds = Bounds { max_age_ms: 500.0, min_sharpness: 0.3 };
        let mut works = Watched::new(Asked { frozen: false, number: 0 }, bounds);
        assert_eq!(works.frame().unwrap().number, Some(2));
        let mut frozen = Watched::new(Asked { frozen: true, number: 1 }, bounds);
        assert_eq!(frozen.frame(), Err(CameraError::Frozen));
    }

    #[test]
    fn a_frame_that_comes_twice_is_frozen_by_number_or_by_its_pixels() {
        let again = Taken { number: Some(1), ..taken(2, 1.0, 1.0) };
        assert_eq!(look(NOW, vec![taken(1, 1.0, 1.0), again])[1], Err(CameraError::Frozen));
        let uncounted = Taken { number: None, ..taken(1, 1.0, 1.0) };
        assert_eq!(look(NOW, vec![uncounted.clone(), uncounted])[1], Err(CameraError::Frozen));
    }
}
