use std::fs::File;
use std::io;
use std::sync::Arc;

use parquet::basic::{LogicalType, Repetition, Type as Physical};
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DoubleType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use parquet::schema::types::Type;

use super::sheets::Sheet;
use crate::store::{Column, Kind, Table, Value};

/// Apache Parquet: a row group a table that is added, every column optional, not compressed.
pub struct Parquet {
    writer: SerializedFileWriter<File>,
    columns: Vec<Column>,
}

impl Sheet for Parquet {
    const END: &'static str = "parquet";

    fn begin(file: File, columns: &[Column]) -> io::Result<Self> {
        let program = concat!("rmrl ", env!("CARGO_PKG_VERSION")).to_owned();
        let properties = WriterProperties::builder().set_created_by(program).build();
        let schema = schema(columns).map_err(io_error)?;
        let writer = SerializedFileWriter::new(file, Arc::new(schema), Arc::new(properties));
        Ok(Self { writer: writer.map_err(io_error)?, columns: columns.to_vec() })
    }

    fn add(&mut self, table: &Table) -> io::Result<()> {
        if table.rows.is_empty() {
            return Ok(());
        }
        let mut add = || -> Result<(), ParquetError> {
            let mut group = self.writer.next_row_group()?;
            for (place, column) in self.columns.iter().enumerate() {
                let values = || table.rows.iter().map(|row| &row[place]);
                if let Some(mut writer) = group.next_column()? {
                    write(&mut writer, column.kind, values)?;
                    writer.close()?;
                }
            }
            group.close().map(drop)
        };
        add().map_err(io_error)
    }

    fn finish(self) -> io::Result<()> {
        self.writer.close().map(drop).map_err(io_error)
    }
}

fn schema(columns: &[Column]) -> Result<Type, ParquetError> {
    let field = |column: &Column| {
        let (physical, logical) = match column.kind {
            Kind::Integer => (Physical::INT64, None),
            Kind::Real => (Physical::DOUBLE, None),
            Kind::Flag => (Physical::BOOLEAN, None),
            Kind::Text => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
            Kind::Bytes => (Physical::BYTE_ARRAY, None),
        };
        let field = Type::primitive_type_builder(&column.name, physical)
            .with_repetition(Repetition::OPTIONAL)
            .with_logical_type(logical);
        field.build().map(Arc::new)
    };
    let fields = columns.iter().map(field).collect::<Result<_, _>>()?;
    Type::group_type_builder("rmrl").with_fields(fields).build()
}

fn write<'v, I: Iterator<Item = &'v Value>>(
    writer: &mut SerializedColumnWriter<'_>,
    kind: Kind,
    values: impl Fn() -> I,
) -> Result<(), ParquetError> {
    // 1 where there is a value, 0 where it is null.
    let there: Vec<i16> = values().map(|value| i16::from(*value != Value::Null)).collect();
    let there = Some(&there[..]);
    let bytes = |value: &Value| match value {
        Value::Text(text) => Some(ByteArray::from(text.as_bytes().to_vec())),
        Value::Bytes(bytes) => Some(ByteArray::from(bytes.clone())),
        _ => None,
    };
    let written = match kind {
        Kind::Integer => {
            let all: Vec<i64> = values().filter_map(Value::integer).collect();
            writer.typed::<Int64Type>().write_batch(&all, there, None)
        }
        Kind::Real => {
            let all: Vec<f64> = values().filter_map(Value::real).collect();
            writer.typed::<DoubleType>().write_batch(&all, there, None)
        }
        Kind::Flag => {
            let all: Vec<bool> =
                values().filter_map(Value::integer).map(|flag| flag != 0).collect();
            writer.typed::<BoolType>().write_batch(&all, there, None)
        }
        Kind::Text | Kind::Bytes => {
            let all: Vec<ByteArray> = values().filter_map(bytes).collect();
            writer.typed::<ByteArrayType>().write_batch(&all, there, None)
        }
    };
    written.map(drop)
}

fn io_error(error: ParquetError) -> io::Error {
    match error {
        ParquetError::External(inner) => match inner.downcast::<io::Error>() {
            Ok(error) => *error,
            Err(other) => io::Error::other(other),
        },
        other => io::Error::other(other),
    }
}
