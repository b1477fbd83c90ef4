//! What the run's file says of its trials: none lost, none made twice, none changed afterwards.

use std::path::Path;

use rusqlite::{Connection, OpenFlags};

/// A trial as stored. `outcome` is `None` while nobody knows.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    pub phase: String,
    pub checkpoint: i64,
    pub number: i64,
    pub commanded: [f64; 3],
    pub outcome: Option<String>,
    pub reward: Option<f64>,
    /// x, y (mm) and yaw (deg) of the placement.
    pub measured: Option<[f64; 3]>,
}

/// Every trial of a run, in the order in which they were begun.
#[derive(Clone, Debug, Default)]
pub struct Ledger(pub Vec<Entry>);

impl Ledger {
    pub fn read(path: &Path) -> Self {
        if !path.exists() {
            return Self::default();
        }
        let db = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
        db.busy_timeout(std::time::Duration::from_secs(5)).unwrap();
        let sql = "SELECT phase, checkpoint, number, commanded_x_mm, commanded_y_mm, \
                   commanded_yaw_deg, outcome, reward, measured_x_mm, measured_y_mm, \
                   measured_yaw_deg FROM trial ORDER BY id";
        let mut statement = db.prepare(sql).unwrap();
        let rows = statement.query_map([], |row| {
            Ok(Entry {
                phase: row.get(0)?,
                checkpoint: row.get(1)?,
                number: row.get(2)?,
                commanded: [row.get(3)?, row.get(4)?, row.get(5)?],
                outcome: row.get(6)?,
                reward: row.get(7)?,
                measured: match row.get::<_, Option<f64>>(8)? {
                    Some(x) => Some([x, row.get(9)?, row.get(10)?]),
                    None => None,
                },
            })
        });
        Self(rows.unwrap().collect::<Result<_, _>>().unwrap())
    }

    pub fn finished(&self) -> usize {
        self.0.iter().filter(|entry| entry.outcome.is_some()).count()
    }

    pub fn interrupted(&self) -> usize {
        self.0.iter().filter(|e| e.outcome.as_deref() == Some("interrupted")).count()
    }

    /// What is wrong with what came after `before`, if anything. `lives`: the driver that made the
    /// last trial of `before` went on.
    pub fn fault_since(&self, before: &Self, lives: bool) -> Option<String> {
        for (at, old) in before.0.iter().enumerate() {
            let Some(new) = self.0.get(at) else {
                return Some(format!("trial {} of {} is lost", old.number, old.phase));
            };
            let same = if old.outcome.is_some() {
                new == old
            } else {
                // Begun and cut off: it stays where it was, and nobody may know better later.
                let interrupted = new.outcome.as_deref() == Some("interrupted");
                let still_open = new.outcome.is_none() && self.0.len() == before.0.len();
                new.commanded == old.commanded && (interrupted || still_open || lives)
            };
            if !same {
                return Some(format!("a trial changed from {old:?} to {new:?}"));
            }
        }
        for (at, entry) in self.0.iter().enumerate() {
            let of_its_kind =
                |e: &&Entry| (&e.phase, e.checkpoint) == (&entry.phase, entry.checkpoint);
            let earlier = self.0[..at].iter().filter(of_its_kind).count();
            if entry.number != earlier as i64 {
                return Some(format!("{entry:?} comes after {earlier} others"));
            }
            if entry.outcome.is_none() && at + 1 < self.0.len() {
                return Some(format!("{entry:?} was left open"));
            }
        }
        None
    }
}
