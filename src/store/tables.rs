//! The tables of a run as they are, column by column, for whoever hands them on.

use std::collections::BTreeMap;

use rusqlite::types::ValueRef;

use super::error::at;
use super::{StoreError, TrialStore};

/// A table's columns, and its rows in order. What the columns mean: `docs/data.md`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    pub columns: Vec<Column>,
    /// Each as long as `columns`; a value is of its column's kind, or null.
    pub rows: Vec<Vec<Value>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    pub name: String,
    pub kind: Kind,
}

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Integer,
    Real,
    Text,
    /// 1 or 0: it happened, or not.
    Flag,
    Bytes,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Null,
    /// Of a flag too.
    Integer(i64),
    Real(f64),
    Text(String),
    Bytes(Vec<u8>),
}

/// Columns that are flags; SQLite knows integers only.
const FLAGS: [&str; 4] = ["seated", "jam", "dropped", "plate_hit"];

impl Column {
    pub fn new(name: &str, kind: Kind) -> Self {
        Self { name: name.to_owned(), kind }
    }
}

impl Value {
    pub fn real(&self) -> Option<f64> {
        match self {
            Self::Real(value) => Some(*value),
            Self::Integer(value) => Some(*value as f64),
            _ => None,
        }
    }

    pub fn integer(&self) -> Option<i64> {
        if let Self::Integer(value) = self { Some(*value) } else { None }
    }

    pub fn text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    /// Where there is one.
    pub fn of(value: Option<f64>) -> Self {
        value.map_or(Self::Null, Self::Real)
    }
}

impl Table {
    /// The place of a column.
    pub fn place(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.name == name)
    }

    /// The value of a row in a column; null where there is no such column.
    pub fn at<'a>(&self, row: &'a [Value], name: &str) -> &'a Value {
        self.place(name).and_then(|place| row.get(place)).unwrap_or(&Value::Null)
    }

    /// The same with a column before all others, which says the same in every row.
    pub fn led_by(mut self, name: &str, kind: Kind, value: &Value) -> Self {
        self.columns.insert(0, Column::new(name, kind));
        self.rows.iter_mut().for_each(|row| row.insert(0, value.clone()));
        self
    }

    /// Rows of another table below these. Columns that only one of the two has are null in the other's
    /// rows; those that come new stand last.
    pub fn append(&mut self, other: Self) {
        for column in &other.columns {
            if self.place(&column.name).is_none() {
                self.columns.push(column.clone());
                self.rows.iter_mut().for_each(|row| row.push(Value::Null));
            }
        }
        let places: Vec<Option<usize>> =
            self.columns.iter().map(|column| other.place(&column.name)).collect();
        for row in other.rows {
            let value = |place: &Option<usize>| place.map_or(Value::Null, |at| row[at].clone());
            self.rows.push(places.iter().map(value).collect());
        }
    }
}

impl TrialStore {
    /// A row a trial of any phase, in the order in which they were begun; without pictures.
    pub fn trial_table(&self) -> Result<Table, StoreError> {
        let mut table = self.table("trial", "id", &["image"])?;
        // Runs that were made before methods said it have no such columns.
        let after = table.place("log_prob_yaw").map_or(table.columns.len(), |at| at + 1);
        for (i, name) in ["spread_x_mm", "spread_y_mm", "spread_yaw_deg"].into_iter().enumerate() {
            if table.place(name).is_none() {
                table.columns.insert(after + i, Column::new(name, Kind::Real));
                table.rows.iter_mut().for_each(|row| row.insert(after + i, Value::Null));
            }
        }
        Ok(table)
    }

    /// A row a label that was new or had changed, with its trial and its role model.
    pub fn label_table(&self) -> Result<Table, StoreError> {
        self.table("role_model_history", "at_trial, trial", &[])
    }

    /// A row a round of learning: its loss, and what the learner says of it, a column a diagnostic.
    pub fn batch_table(&self) -> Result<Table, StoreError> {
        let mut table = self.table("batch", "at_trial", &[])?;
        let mut said: BTreeMap<String, BTreeMap<u64, f64>> = BTreeMap::new();
        for (round, key, value) in self.diagnostics()? {
            said.entry(key).or_default().insert(round, value);
        }
        for (key, values) in said {
            table.columns.push(Column::new(&key, Kind::Real));
            for row in &mut table.rows {
                let round = row[0].integer().and_then(|round| u64::try_from(round).ok());
                let value = round.and_then(|round| values.get(&round)).copied();
                row.push(Value::of(value.filter(|value| !value.is_nan())));
            }
        }
        Ok(table)
    }

    /// All rows of a table or view, in this order, but for these columns.
    fn table(&self, name: &str, order: &str, without: &[&str]) -> Result<Table, StoreError> {
        let columns = self.columns(name, without).map_err(at(&self.path))?;
        if columns.is_empty() {
            return Err(StoreError::foreign(&self.path, format!("it holds no table '{name}'")));
        }
        let list: Vec<String> = columns.iter().map(|c| format!("\"{}\"", c.name)).collect();
        let sql = format!("SELECT {} FROM {name} ORDER BY {order}", list.join(", "));
        let read = || -> Result<Vec<Vec<Result<Value, String>>>, rusqlite::Error> {
            let mut statement = self.db.prepare(&sql)?;
            let rows = statement.query_map([], |row| {
                let value = |(at, column): (usize, &Column)| Ok(typed(column, row.get_ref(at)?));
                columns.iter().enumerate().map(value).collect()
            })?;
            rows.collect()
        };
        let rows = read().map_err(at(&self.path))?;
        let whole =
            |row: Vec<Result<Value, String>>| row.into_iter().collect::<Result<Vec<_>, _>>();
        let rows = rows.into_iter().map(whole).collect::<Result<_, _>>();
        let damaged = |why| {
            StoreError::foreign(&self.path, format!("the run file is damaged ({name}.{why})"))
        };
        Ok(Table { columns, rows: rows.map_err(damaged)? })
    }

    fn columns(&self, table: &str, without: &[&str]) -> Result<Vec<Column>, rusqlite::Error> {
        let mut statement = self.db.prepare("SELECT name, type FROM pragma_table_info(?)")?;
        let column = |row: &rusqlite::Row<'_>| -> Result<Column, rusqlite::Error> {
            let (name, said): (String, String) = (row.get(0)?, row.get(1)?);
            let kind = match said.to_uppercase().as_str() {
                _ if FLAGS.contains(&name.as_str()) => Kind::Flag,
                "INTEGER" | "INT" => Kind::Integer,
                "REAL" => Kind::Real,
                "BLOB" => Kind::Bytes,
                _ => Kind::Text,
            };
            Ok(Column { name, kind })
        };
        let all = statement.query_map([table], column)?.collect::<Result<Vec<_>, _>>()?;
        Ok(all.into_iter().filter(|c| !without.contains(&c.name.as_str())).collect())
    }
}

/// A value as its column has it, or what is wrong with it.
fn typed(column: &Column, value: ValueRef<'_>) -> Result<Value, String> {
    match (column.kind, value) {
        (_, ValueRef::Null) => Ok(Value::Null),
        (Kind::Integer, ValueRef::Integer(value)) => Ok(Value::Integer(value)),
        (Kind::Flag, ValueRef::Integer(value @ 0..=1)) => Ok(Value::Integer(value)),
        (Kind::Real, ValueRef::Real(value)) => Ok(Value::Real(value)),
        (Kind::Real, ValueRef::Integer(value)) => Ok(Value::Real(value as f64)),
        (Kind::Bytes, ValueRef::Blob(bytes)) => Ok(Value::Bytes(bytes.to_vec())),
        (Kind::Text, ValueRef::Text(text)) => match std::str::from_utf8(text) {
            Ok(text) => Ok(Value::Text(text.to_owned())),
            Err(_) => Err(format!("{} is no text", column.name)),
        },
        (kind, other) => {
            Err(format!("{} holds {}, must be {kind:?}", column.name, other.data_type()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(columns: &[&str], row: &[f64]) -> Table {
        Table {
            columns: columns.iter().map(|name| Column::new(name, Kind::Real)).collect(),
            rows: vec![row.iter().map(|value| Value::Real(*value)).collect()],
        }
    }

    #[test]
    fn rows_that_are_appended_keep_their_columns_and_lack_those_of_others() {
        let mut all = table(&["a", "b"], &[1.0, 2.0]);
        all.append(table(&["c", "a"], &[3.0, 4.0]));
        let names: Vec<_> = all.columns.iter().map(|column| column.name.as_str()).collect();
        assert_eq!(names, ["a", "b", "c"]);
        assert_eq!(all.rows[0], [Value::Real(1.0), Value::Real(2.0), Value::Null]);
        assert_eq!(all.rows[1], [Value::Real(4.0), Value::Null, Value::Real(3.0)]);
    }

    #[test]
    fn a_value_of_another_kind_is_named_with_its_column() {
        let reward = Column::new("reward", Kind::Real);
        assert_eq!(typed(&reward, ValueRef::Integer(-1)), Ok(Value::Real(-1.0)));
        let said = typed(&reward, ValueRef::Text(b"no")).unwrap_err();
        assert_eq!(said, "reward holds Text, must be Real");
        let seated = Column::new("seated", Kind::Flag);
        assert!(typed(&seated, ValueRef::Integer(7)).is_err());
        let outcome = Column::new("outcome", Kind::Text);
        assert_eq!(typed(&outcome, ValueRef::Text(b"\xff")).unwrap_err(), "outcome is no text");
    }
}
