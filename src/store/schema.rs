use rusqlite::Connection;

/// Marks our files in SQLite's own header: "rmrl".
pub(super) const APPLICATION_ID: i32 = 0x726d_726c;
/// 2: harm has jam, drop and plate hit. 3: labels name trials by their id, diagnostics, times,
/// sessions.
pub(super) const FORMAT: i32 = 3;

/// Every column, with its unit and frame, is described in `docs/data.md`.
pub(super) const SCHEMA: &str = "
CREATE TABLE run (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE trial (
    id INTEGER PRIMARY KEY,
    phase TEXT NOT NULL,
    checkpoint INTEGER NOT NULL,
    number INTEGER NOT NULL,
    instance INTEGER NOT NULL,
    offset_x_mm REAL NOT NULL, offset_y_mm REAL NOT NULL, offset_yaw_deg REAL NOT NULL,
    seen_x_mm REAL, seen_y_mm REAL, seen_yaw_deg REAL,
    commanded_x_mm REAL NOT NULL, commanded_y_mm REAL NOT NULL, commanded_yaw_deg REAL NOT NULL,
    bin_x INTEGER, bin_y INTEGER, bin_yaw INTEGER,
    log_prob_x REAL, log_prob_y REAL, log_prob_yaw REAL,
    spread_x_mm REAL, spread_y_mm REAL, spread_yaw_deg REAL,
    image BLOB,
    executed_x_mm REAL, executed_y_mm REAL, executed_yaw_deg REAL,
    in_hand_x_mm REAL, in_hand_y_mm REAL, in_hand_yaw_deg REAL,
    outcome TEXT,
    seated INTEGER,
    measured_x_mm REAL, measured_y_mm REAL, measured_yaw_deg REAL, measured_z_mm REAL, measured_tilt_deg REAL,
    truth_x_mm REAL, truth_y_mm REAL, truth_yaw_deg REAL, truth_z_mm REAL, truth_tilt_deg REAL,
    reward REAL,
    robot_time_s REAL,
    peak_force_n REAL, jam INTEGER, dropped INTEGER, plate_hit INTEGER,
    intended_unix_s REAL, recorded_unix_s REAL,
    UNIQUE (phase, checkpoint, number)
);
CREATE TABLE picture_after (
    phase TEXT NOT NULL,
    checkpoint INTEGER NOT NULL,
    number INTEGER NOT NULL,
    image BLOB NOT NULL,
    PRIMARY KEY (phase, checkpoint, number)
) WITHOUT ROWID;
CREATE TABLE pause (
    id INTEGER PRIMARY KEY,
    unix_s INTEGER NOT NULL,
    reason TEXT NOT NULL,
    resumed INTEGER NOT NULL
);
CREATE TABLE batch (at_trial INTEGER PRIMARY KEY, loss REAL, committed_unix_s REAL);
CREATE TABLE learner (
    id INTEGER PRIMARY KEY CHECK (id = 0),
    at_trial INTEGER NOT NULL,
    state BLOB NOT NULL
);";

/// The tables that format 3 brought.
const SINCE_3: &str = "
CREATE TABLE label (
    at_trial INTEGER NOT NULL REFERENCES batch (at_trial),
    trial INTEGER NOT NULL REFERENCES trial (id),
    role_model INTEGER NOT NULL REFERENCES trial (id),
    peers INTEGER NOT NULL,
    x_mm REAL NOT NULL, y_mm REAL NOT NULL, yaw_deg REAL NOT NULL,
    PRIMARY KEY (at_trial, trial)
) WITHOUT ROWID;
CREATE TABLE diagnostic (
    at_trial INTEGER NOT NULL REFERENCES batch (at_trial),
    key TEXT NOT NULL,
    value REAL,
    PRIMARY KEY (at_trial, key)
) WITHOUT ROWID;
CREATE TABLE session (
    id INTEGER PRIMARY KEY,
    begun_unix_s REAL NOT NULL,
    host TEXT NOT NULL,
    cpu TEXT NOT NULL,
    program TEXT NOT NULL,
    command TEXT NOT NULL,
    arm TEXT
);
CREATE VIEW role_model_history AS
SELECT label.at_trial, own.instance,
    own.id AS trial, own.phase, own.number, own.reward,
    model.id AS role_model, model.phase AS role_model_phase, model.number AS role_model_number,
    model.reward AS role_model_reward,
    label.peers, label.x_mm, label.y_mm, label.yaw_deg
FROM label JOIN trial AS own ON own.id = label.trial JOIN trial AS model ON model.id = label.role_model
ORDER BY label.at_trial, label.trial;
";

/// Makes an empty database one of ours.
pub(super) fn lay_out(db: &Connection) -> Result<(), rusqlite::Error> {
    db.execute_batch(SCHEMA)?;
    db.execute_batch(SINCE_3)?;
    db.pragma_update(None, "application_id", APPLICATION_ID)?;
    db.pragma_update(None, "user_version", FORMAT)
}

/// Columns that came without another format: who reads takes their absence for nothing said.
const ADDED: [&str; 3] = ["spread_x_mm", "spread_y_mm", "spread_yaw_deg"];

/// Adds the columns that an earlier version of this format did not have.
pub(super) fn add_columns(db: &Connection) -> Result<(), rusqlite::Error> {
    let sql = "SELECT COUNT(*) FROM pragma_table_info('trial') WHERE name = ?";
    for column in ADDED {
        if db.query_row(sql, [column], |row| row.get::<_, i64>(0))? == 0 {
            db.execute_batch(&format!("ALTER TABLE trial ADD COLUMN {column} REAL"))?;
        }
    }
    Ok(())
}

/// Makes format 3 of format 2, whose labels named trials by their place among prior and training
/// trials.
pub(super) fn migrate_from_2(db: &mut Connection) -> Result<(), rusqlite::Error> {
    let tx = db.transaction()?;
    tx.execute_batch(
        "ALTER TABLE label RENAME TO label_2;
         ALTER TABLE trial ADD COLUMN intended_unix_s REAL;
         ALTER TABLE trial ADD COLUMN recorded_unix_s REAL;
         ALTER TABLE batch ADD COLUMN committed_unix_s REAL;",
    )?;
    tx.execute_batch(SINCE_3)?;
    tx.execute_batch(&format!(
        "WITH {HISTORY}
         INSERT INTO label
         SELECT at_trial, own.id, model.id, peers, x_mm, y_mm, yaw_deg FROM label_2
         JOIN history AS own ON own.place = label_2.trial
         JOIN history AS model ON model.place = label_2.role_model;
         DROP TABLE label_2;"
    ))?;
    tx.pragma_update(None, "user_version", FORMAT)?;
    tx.commit()
}

/// The trials that are learned from, prior ones first, with their place from 0 on: a common table
/// expression.
pub(super) const HISTORY: &str = "history AS MATERIALIZED (
    SELECT id, ROW_NUMBER() OVER (ORDER BY phase = 'train', number) - 1 AS place
    FROM trial WHERE phase IN ('prior', 'train')
)";
