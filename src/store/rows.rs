use rusqlite::{OptionalExtension, Row, params};

use super::error::at;
use super::schema::HISTORY;
use super::{StoreError, TrialStore};
use crate::cell::{Attempt, Harm, RobotTime};
use crate::learn::{Decision, Label, Progress};
use crate::task::{Image, ImageSize, Outcome, Phase, Placement, Pose2, TrialKey};

/// A trial about to be made.
#[derive(Clone, Debug, PartialEq)]
pub struct Intent {
    pub key: TrialKey,
    /// Which evaluation it belongs to, by training trials made before it; 0 for other phases.
    pub checkpoint: u64,
    pub instance: usize,
    pub offset: Pose2,
    /// The initial pose as measured, where the cell can.
    pub seen: Option<Pose2>,
    pub decision: Decision,
    /// Kept where the picture cannot be rendered again.
    pub image: Option<Image>,
}

/// A trial as stored.
#[derive(Clone, Debug, PartialEq)]
pub struct TrialRow {
    pub intent: Intent,
    /// `None` if the run was cut off before the result.
    pub result: Option<Stored>,
}

/// The stored part of what happened.
#[derive(Clone, Debug, PartialEq)]
pub struct Stored {
    pub executed: Pose2,
    pub in_hand: Option<Pose2>,
    pub outcome: Outcome,
    pub seated: bool,
    pub measured: Option<Placement>,
    pub truth: Option<Placement>,
    pub reward: f64,
    pub duration: RobotTime,
    pub harm: Harm,
}

impl Stored {
    /// A trial that was cut off: nothing is known but what was commanded.
    pub fn interrupted(commanded: Pose2, reward: f64) -> Self {
        Self {
            executed: commanded,
            in_hand: None,
            outcome: Outcome::Interrupted,
            seated: false,
            measured: None,
            truth: None,
            reward,
            duration: RobotTime::default(),
            harm: Harm::default(),
        }
    }

    pub fn new(attempt: &Attempt, reward: f64) -> Self {
        Self {
            executed: attempt.executed,
            in_hand: attempt.in_hand,
            outcome: attempt.outcome,
            seated: attempt.seated,
            measured: attempt.measured,
            truth: attempt.truth,
            reward,
            duration: attempt.duration,
            harm: attempt.harm,
        }
    }
}

/// The end of a round of learning.
#[derive(Debug)]
pub struct BatchEnd<'a> {
    /// Trials made so far, prior ones included.
    pub at_trial: u64,
    pub progress: &'a Progress,
    /// The method's saved state.
    pub state: &'a [u8],
}

const INTENT: &str = "INSERT INTO trial (phase, checkpoint, number, instance, \
    offset_x_mm, offset_y_mm, offset_yaw_deg, seen_x_mm, seen_y_mm, seen_yaw_deg, \
    commanded_x_mm, commanded_y_mm, commanded_yaw_deg, bin_x, bin_y, bin_yaw, \
    log_prob_x, log_prob_y, log_prob_yaw, spread_x_mm, spread_y_mm, spread_yaw_deg, image, \
    intended_unix_s) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,unixepoch('subsec')) \
    ON CONFLICT (phase, checkpoint, number) DO UPDATE SET outcome = NULL, \
    instance = excluded.instance, offset_x_mm = excluded.offset_x_mm, \
    offset_y_mm = excluded.offset_y_mm, offset_yaw_deg = excluded.offset_yaw_deg, \
    seen_x_mm = excluded.seen_x_mm, seen_y_mm = excluded.seen_y_mm, \
    seen_yaw_deg = excluded.seen_yaw_deg, commanded_x_mm = excluded.commanded_x_mm, \
    commanded_y_mm = excluded.commanded_y_mm, commanded_yaw_deg = excluded.commanded_yaw_deg, \
    bin_x = excluded.bin_x, bin_y = excluded.bin_y, bin_yaw = excluded.bin_yaw, \
    log_prob_x = excluded.log_prob_x, log_prob_y = excluded.log_prob_y, \
    log_prob_yaw = excluded.log_prob_yaw, spread_x_mm = excluded.spread_x_mm, \
    spread_y_mm = excluded.spread_y_mm, spread_yaw_deg = excluded.spread_yaw_deg, \
    image = excluded.image, intended_unix_s = excluded.intended_unix_s";

const RESULT: &str = "UPDATE trial SET executed_x_mm=?, executed_y_mm=?, executed_yaw_deg=?, \
    in_hand_x_mm=?, in_hand_y_mm=?, in_hand_yaw_deg=?, outcome=?, seated=?, \
    measured_x_mm=?, measured_y_mm=?, measured_yaw_deg=?, measured_z_mm=?, measured_tilt_deg=?, \
    truth_x_mm=?, truth_y_mm=?, truth_yaw_deg=?, truth_z_mm=?, truth_tilt_deg=?, \
    reward=?, robot_time_s=?, peak_force_n=?, jam=?, dropped=?, plate_hit=?, \
    recorded_unix_s=unixepoch('subsec') WHERE phase=? AND checkpoint=? AND number=?";

const LABEL: &str = "INSERT INTO label VALUES (?, \
    (SELECT id FROM trial WHERE phase=? AND checkpoint=0 AND number=?), \
    (SELECT id FROM trial WHERE phase=? AND checkpoint=0 AND number=?), ?, ?, ?, ?)";

const SELECT: &str = "SELECT * FROM trial";

impl TrialStore {
    /// Commits what is about to be tried: before any motion.
    pub fn intend(&self, intent: &Intent) -> Result<(), StoreError> {
        let (seen, bins) = (axes(intent.seen), intent.decision.bins);
        let bin = |axis: usize| bins.map(|b| b[axis] as i64);
        let log_prob = |axis: usize| intent.decision.log_prob.map(|p| f64::from(p[axis]));
        let spread = |axis: usize| intent.decision.spread.map(|spread| spread[axis]);
        let (offset, commanded) = (intent.offset, intent.decision.correction);
        self.db
            .prepare_cached(INTENT)
            .and_then(|mut statement| {
                statement.execute(params![
                    intent.key.phase.name(),
                    intent.checkpoint as i64,
                    intent.key.index as i64,
                    intent.instance as i64,
                    offset.x_mm,
                    offset.y_mm,
                    offset.yaw_deg,
                    seen[0],
                    seen[1],
                    seen[2],
                    commanded.x_mm,
                    commanded.y_mm,
                    commanded.yaw_deg,
                    bin(0),
                    bin(1),
                    bin(2),
                    log_prob(0),
                    log_prob(1),
                    log_prob(2),
                    spread(0),
                    spread(1),
                    spread(2),
                    intent.image.as_ref().map(Image::pixels),
                ])
            })
            .map(drop)
            .map_err(at(&self.path))
    }

    /// Commits what happened: before the next motion.
    pub fn record(
        &self,
        key: TrialKey,
        checkpoint: u64,
        result: &Stored,
    ) -> Result<(), StoreError> {
        let in_hand = axes(result.in_hand);
        let (measured, truth) = (placement(result.measured), placement(result.truth));
        self.db
            .prepare_cached(RESULT)
            .and_then(|mut statement| {
                statement.execute(params![
                    result.executed.x_mm,
                    result.executed.y_mm,
                    result.executed.yaw_deg,
                    in_hand[0],
                    in_hand[1],
                    in_hand[2],
                    result.outcome.name(),
                    result.seated,
                    measured[0],
                    measured[1],
                    measured[2],
                    measured[3],
                    measured[4],
                    truth[0],
                    truth[1],
                    truth[2],
                    truth[3],
                    truth[4],
                    result.reward,
                    result.duration.seconds,
                    result.harm.peak_force_n,
                    result.harm.jam,
                    result.harm.drop,
                    result.harm.plate_hit,
                    key.phase.name(),
                    checkpoint as i64,
                    key.index as i64,
                ])
            })
            .map(drop)
            .map_err(at(&self.path))
    }

    /// Commits a round of learning in one transaction: labels, loss, weights, counters.
    pub fn commit_batch(&mut self, end: &BatchEnd<'_>) -> Result<(), StoreError> {
        let path = self.path.clone();
        let mut commit = || -> Result<(), rusqlite::Error> {
            let tx = self.db.transaction()?;
            let now = end.at_trial as i64;
            tx.prepare_cached("INSERT INTO batch VALUES (?, ?, unixepoch('subsec'))")?
                .execute(params![now, end.progress.loss])?;
            {
                let prior: i64 = tx
                    .prepare_cached("SELECT COUNT(*) FROM trial WHERE phase = 'prior'")?
                    .query_row([], |row| row.get(0))?;
                let place = |place: u64| match place as i64 - prior {
                    number @ 0.. => (Phase::Train.name(), number),
                    _ => (Phase::Prior.name(), place as i64),
                };
                let mut label = tx.prepare_cached(LABEL)?;
                for l in &end.progress.labels {
                    let (own, model, c) = (place(l.trial), place(l.role_model), l.correction);
                    label.execute(params![
                        now, own.0, own.1, model.0, model.1, l.peers, c.x_mm, c.y_mm, c.yaw_deg
                    ])?;
                }
                let mut diagnostic =
                    tx.prepare_cached("INSERT INTO diagnostic VALUES (?, ?, ?)")?;
                for (key, value) in &end.progress.diagnostics {
                    diagnostic.execute(params![now, key, value])?;
                }
            }
            tx.prepare_cached("INSERT OR REPLACE INTO learner VALUES (0, ?, ?)")?
                .execute(params![now, end.state])?;
            tx.commit()
        };
        commit().map_err(at(&path))
    }

    /// The method's last saved state and the number of trials it had learned from.
    pub fn learner(&self) -> Result<Option<(u64, Vec<u8>)>, StoreError> {
        self.db
            .query_row("SELECT at_trial, state FROM learner", [], |row| {
                Ok((row.get::<_, i64>(0)? as u64, row.get(1)?))
            })
            .optional()
            .map_err(at(&self.path))
    }

    /// All trials of a phase (and checkpoint), by number.
    pub fn trials(&self, phase: Phase, checkpoint: u64) -> Result<Vec<TrialRow>, StoreError> {
        let sql = format!("{SELECT} WHERE phase = ? AND checkpoint = ? ORDER BY number");
        let size = self.image_size()?;
        let read = || -> Result<Vec<TrialRow>, rusqlite::Error> {
            let mut statement = self.db.prepare_cached(&sql)?;
            let rows = statement
                .query_map(params![phase.name(), checkpoint as i64], |row| read_row(row, size))?;
            rows.collect()
        };
        read().map_err(at(&self.path))
    }

    /// The newest trial of any phase that has a result.
    pub fn newest(&self) -> Result<Option<TrialRow>, StoreError> {
        use rusqlite::OptionalExtension;
        let sql = format!("{SELECT} WHERE outcome IS NOT NULL ORDER BY id DESC LIMIT 1");
        let size = self.image_size()?;
        self.db.query_row(&sql, [], |row| read_row(row, size)).optional().map_err(at(&self.path))
    }

    /// Keeps a picture of the cell after a trial, where it cannot be rendered again.
    pub fn picture_after(
        &self,
        key: TrialKey,
        checkpoint: u64,
        image: &Image,
    ) -> Result<(), StoreError> {
        let sql = "INSERT OR REPLACE INTO picture_after VALUES (?, ?, ?, ?)";
        let (phase, number) = (key.phase.name(), key.index as i64);
        self.db
            .execute(sql, params![phase, checkpoint as i64, number, image.pixels()])
            .map(drop)
            .map_err(at(&self.path))
    }

    /// The picture that was kept of a trial's end.
    pub fn look_after(&self, row: &TrialRow) -> Result<Option<Image>, StoreError> {
        let TrialKey { phase, index } = row.intent.key;
        let sql = "SELECT image FROM picture_after WHERE phase=? AND checkpoint=? AND number=?";
        let place = params![phase.name(), row.intent.checkpoint as i64, index as i64];
        let pixels = self.db.query_row(sql, place, |row| row.get::<_, Vec<u8>>(0)).optional();
        let size = self.image_size()?;
        let image = |pixels| Image::new(size, pixels).ok_or_else(|| bad("image"));
        pixels.and_then(|p| p.map(image).transpose()).map_err(at(&self.path))
    }

    /// Trials made before each checkpoint that has been evaluated, in order.
    pub fn checkpoints(&self) -> Result<Vec<u64>, StoreError> {
        let sql = "SELECT DISTINCT checkpoint FROM trial WHERE phase = ? ORDER BY checkpoint";
        let read = || -> Result<Vec<u64>, rusqlite::Error> {
            let mut statement = self.db.prepare(sql)?;
            let rows = statement
                .query_map([Phase::HeldOut.name()], |row| Ok(row.get::<_, i64>(0)? as u64))?;
            rows.collect()
        };
        read().map_err(at(&self.path))
    }

    /// The labels of one run, oldest first: when they were given, and what they are. Trials are
    /// named by their place among all that are learned from, prior ones first.
    pub fn labels(&self) -> Result<Vec<(u64, Label)>, StoreError> {
        let sql = format!(
            "WITH {HISTORY} \
             SELECT at_trial, own.place, model.place, peers, x_mm, y_mm, yaw_deg FROM label \
             JOIN history AS own ON own.id = label.trial \
             JOIN history AS model ON model.id = label.role_model ORDER BY at_trial, own.place"
        );
        let read = || -> Result<Vec<(u64, Label)>, rusqlite::Error> {
            let mut statement = self.db.prepare(&sql)?;
            let rows = statement.query_map([], |row| {
                let correction = Pose2::new(row.get(4)?, row.get(5)?, row.get(6)?);
                Ok((
                    row.get::<_, i64>(0)? as u64,
                    Label {
                        trial: row.get::<_, i64>(1)? as u64,
                        role_model: row.get::<_, i64>(2)? as u64,
                        peers: row.get(3)?,
                        correction,
                    },
                ))
            })?;
            rows.collect()
        };
        read().map_err(at(&self.path))
    }

    /// What the learner said of each round of learning: when, which diagnostic, its value.
    pub fn diagnostics(&self) -> Result<Vec<(u64, String, f64)>, StoreError> {
        let sql = "SELECT at_trial, key, value FROM diagnostic ORDER BY at_trial, key";
        let read = || -> Result<Vec<(u64, String, f64)>, rusqlite::Error> {
            let mut statement = self.db.prepare(sql)?;
            let rows = statement.query_map([], |row| {
                let value: Option<f64> = row.get(2)?;
                Ok((row.get::<_, i64>(0)? as u64, row.get(1)?, value.unwrap_or(f64::NAN)))
            })?;
            rows.collect()
        };
        read().map_err(at(&self.path))
    }
}

fn axes(pose: Option<Pose2>) -> [Option<f64>; 3] {
    pose.map_or([None; 3], |p| p.axes().map(Some))
}

fn placement(placement: Option<Placement>) -> [Option<f64>; 5] {
    placement.map_or([None; 5], |p| {
        [p.pose.x_mm, p.pose.y_mm, p.pose.yaw_deg, p.z_mm, p.tilt_deg].map(Some)
    })
}

fn bad(column: &str) -> rusqlite::Error {
    rusqlite::Error::InvalidColumnName(column.to_owned())
}

fn read_row(row: &Row<'_>, size: ImageSize) -> Result<TrialRow, rusqlite::Error> {
    let phase = Phase::from_name(&row.get::<_, String>("phase")?).ok_or_else(|| bad("phase"))?;
    let image = row
        .get::<_, Option<Vec<u8>>>("image")?
        .map(|pixels| Image::new(size, pixels).ok_or_else(|| bad("image")))
        .transpose()?;
    let log_prob: Option<[f64; 3]> = triple(row, ["log_prob_x", "log_prob_y", "log_prob_yaw"])?;
    let bins: Option<[i64; 3]> = triple(row, ["bin_x", "bin_y", "bin_yaw"])?;
    let intent = Intent {
        key: TrialKey { phase, index: row.get::<_, i64>("number")? as u64 },
        checkpoint: row.get::<_, i64>("checkpoint")? as u64,
        instance: row.get::<_, i64>("instance")? as usize,
        offset: pose(row, "offset")?.ok_or_else(|| bad("offset"))?,
        seen: pose(row, "seen")?,
        decision: Decision {
            correction: pose(row, "commanded")?.ok_or_else(|| bad("commanded"))?,
            bins: bins.map(|b| b.map(|bin| bin as usize)),
            log_prob: log_prob.map(|p| p.map(|v| v as f32)),
            spread: spread(row)?,
        },
        image,
    };
    let result = match row.get::<_, Option<String>>("outcome")? {
        None => None,
        Some(name) => Some(Stored {
            executed: pose(row, "executed")?.ok_or_else(|| bad("executed"))?,
            in_hand: pose(row, "in_hand")?,
            outcome: Outcome::from_name(&name).ok_or_else(|| bad("outcome"))?,
            seated: row.get("seated")?,
            measured: read_placement(row, "measured")?,
            truth: read_placement(row, "truth")?,
            reward: row.get("reward")?,
            duration: RobotTime { seconds: row.get("robot_time_s")? },
            harm: Harm {
                peak_force_n: row.get("peak_force_n")?,
                jam: row.get("jam")?,
                drop: row.get("dropped")?,
                plate_hit: row.get("plate_hit")?,
            },
        }),
    };
    Ok(TrialRow { intent, result })
}

/// Runs that were made before methods said it have no such columns.
fn spread(row: &Row<'_>) -> Result<Option<[f64; 3]>, rusqlite::Error> {
    match row.as_ref().column_index("spread_x_mm") {
        Ok(_) => triple(row, ["spread_x_mm", "spread_y_mm", "spread_yaw_deg"]),
        Err(_) => Ok(None),
    }
}

fn triple<T: rusqlite::types::FromSql>(
    row: &Row<'_>,
    columns: [&str; 3],
) -> Result<Option<[T; 3]>, rusqlite::Error> {
    let [x, y, yaw] = columns;
    let first: Option<T> = row.get(x)?;
    match first {
        None => Ok(None),
        Some(first) => Ok(Some([first, row.get(y)?, row.get(yaw)?])),
    }
}

fn pose(row: &Row<'_>, prefix: &str) -> Result<Option<Pose2>, rusqlite::Error> {
    let columns = ["x_mm", "y_mm", "yaw_deg"].map(|unit| format!("{prefix}_{unit}"));
    Ok(triple(row, columns.each_ref().map(String::as_str))?.map(Pose2::from_axes))
}

fn read_placement(row: &Row<'_>, prefix: &str) -> Result<Option<Placement>, rusqlite::Error> {
    let Some(pose) = pose(row, prefix)? else { return Ok(None) };
    Ok(Some(Placement {
        pose,
        z_mm: row.get(format!("{prefix}_z_mm").as_str())?,
        tilt_deg: row.get(format!("{prefix}_tilt_deg").as_str())?,
    }))
}
