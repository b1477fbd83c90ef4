use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fs::File;
use std::io;

use super::checkpoints::checkpoints;
use super::{Source, Unborn};
use crate::cli::Failure;
use crate::cli::cells::{Bench, SimCells};
use crate::lab::{LabError, Pictures};
use crate::store::{Column, Intent, Kind, Table, TrialStore, Value};
use crate::task::Phase;

/// A table in a file, written row by row.
pub trait Sheet: Sized {
    /// How its file's name ends.
    const END: &'static str;

    fn begin(file: File, columns: &[Column]) -> io::Result<Self>;
    /// More rows with the same columns.
    fn add(&mut self, table: &Table) -> io::Result<()>;
    fn finish(self) -> io::Result<()>;
}

/// Writes the tables of these runs, each led by the columns `method` and `seed`. Returns how many runs
/// there were. Trials and labels are written run by run: not all of them are in memory at a time.
pub fn write<S: Sheet>(
    sources: &[Source],
    unborn: &mut Unborn,
    images: bool,
) -> Result<usize, Failure> {
    let mut trials: Growing<S> = Growing::new("trials");
    let mut labels: Growing<S> = Growing::new("labels");
    let (mut at_checkpoints, mut batches) = (Table::default(), Table::default());
    for (at, source) in sources.iter().enumerate() {
        let store = source.store()?;
        let mut table = store.trial_table()?;
        eprintln!("{}/{}: {}: {} trials", at + 1, sources.len(), source.name(), table.rows.len());
        let own = |table: Table| {
            let seed = Value::Integer(source.info.seed as i64);
            let method = Value::Text(source.info.method.clone());
            table.led_by("seed", Kind::Integer, &seed).led_by("method", Kind::Text, &method)
        };
        at_checkpoints.append(own(checkpoints(source, &store, &table)?));
        batches.append(own(store.batch_table()?));
        if images {
            add_pictures(source, &store, &mut table)?;
        }
        trials.add(&own(table), unborn)?;
        labels.add(&own(store.label_table()?), unborn)?;
    }
    trials.finish(unborn)?;
    labels.finish(unborn)?;
    for (name, table) in [("checkpoints", at_checkpoints), ("batches", batches)] {
        let mut whole: Growing<S> = Growing::new(name);
        whole.add(&table, unborn)?;
        whole.finish(unborn)?;
    }
    Ok(sources.len())
}

/// A sheet that begins with its first rows, which say what its columns are.
struct Growing<S> {
    file: String,
    sheet: Option<S>,
    rows: u64,
}

impl<S: Sheet> Growing<S> {
    fn new(name: &str) -> Self {
        Self { file: format!("{name}.{}", S::END), sheet: None, rows: 0 }
    }

    fn add(&mut self, table: &Table, unborn: &Unborn) -> Result<(), Failure> {
        let sheet = match &mut self.sheet {
            Some(sheet) => sheet,
            none => {
                let file = unborn.create(&self.file)?;
                let begun = S::begin(file, &table.columns).map_err(|error| unborn.failed(error))?;
                none.insert(begun)
            }
        };
        self.rows += table.rows.len() as u64;
        sheet.add(table).map_err(|error| unborn.failed(error))
    }

    fn finish(self, unborn: &mut Unborn) -> Result<(), Failure> {
        if let Some(sheet) = self.sheet {
            sheet.finish().map_err(|error| unborn.failed(error))?;
            unborn.wrote(&self.file, self.rows);
        }
        Ok(())
    }
}

/// Adds a column with the picture that each trial began with.
fn add_pictures(source: &Source, store: &TrialStore, table: &mut Table) -> Result<(), Failure> {
    let experiment = source.experiment()?;
    // Made for pictures that are not stored: those of an arm need no robot file.
    let cells = |scene: &str| {
        let cells = SimCells::new(&Bench::from(&experiment)).and_then(|all| all.cell(scene));
        cells.map(Some).map_err(LabError::from)
    };
    let file = source.path.display().to_string();
    let mut pictures = Pictures::new(&file, &experiment, &source.info, &cells)?;
    let mut known: BTreeMap<(Phase, u64), BTreeMap<u64, Intent>> = BTreeMap::new();
    let mut all = Vec::with_capacity(table.rows.len());
    for row in &table.rows {
        let phase = table.at(row, "phase").text().and_then(Phase::from_name);
        let number = |name: &str| {
            table.at(row, name).integer().and_then(|number| u64::try_from(number).ok())
        };
        let (Some(phase), Some(checkpoint), Some(index)) =
            (phase, number("checkpoint"), number("number"))
        else {
            let what = format!("{file}: the run file is damaged (a trial has no name)");
            return Err(Failure::Input(what));
        };
        let intents = match known.entry((phase, checkpoint)) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(unknown) => {
                let rows = store.trials(phase, checkpoint)?;
                let intents = rows.into_iter().map(|row| (row.intent.key.index, row.intent));
                unknown.insert(intents.collect())
            }
        };
        let intent = intents.get(&index);
        let image = intent.map(|intent| pictures.of(intent)).transpose()?.flatten();
        all.push(image.map_or(Value::Null, |image| Value::Bytes(image.pixels().to_vec())));
    }
    table.columns.push(Column::new("image", Kind::Bytes));
    table.rows.iter_mut().zip(all).for_each(|(row, image)| row.push(image));
    Ok(())
}
