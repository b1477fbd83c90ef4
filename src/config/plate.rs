use nalgebra::Vector3;
use serde::Deserialize;
use toml::Value;

use crate::input::{Check, ConfigError};

/// A cell plate as a box.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Plate {
    /// Sides along x, y, z, metres.
    pub size: Vector3<f64>,
    pub mass_kg: f64,
}

/// A plate that is no preset.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Measured {
    length_mm: f64,
    width_mm: f64,
    height_mm: f64,
    mass_g: f64,
}

impl Plate {
    /// Name, height (mm) and mass (g). The footprint is that of ANSI/SLAS 1-2004; the height of a
    /// plate without lid that of ANSI/SLAS 2-2004. The other figures are typical, from memory.
    const TABLE: [(&'static str, f64, f64); 4] = [
        ("96-well", 14.35, 100.0),
        ("deep-well", 44.0, 150.0),
        ("lidded", 17.0, 115.0),
        ("filled", 14.35, 120.0),
    ];

    /// The names that a scene file can give.
    pub fn presets() -> impl Iterator<Item = &'static str> {
        Self::TABLE.into_iter().map(|(name, ..)| name)
    }

    /// From the key `plate` of a scene file: a preset's name, or a table of sides and mass.
    pub(super) fn read(check: Check<'_>, key: &Value) -> Result<Self, ConfigError> {
        let known = Self::presets().collect::<Vec<_>>().join(", ");
        let wrong = |why: &str| {
            let valid = format!(
                "{why}must be one of {known}, or a table {{ length_mm, width_mm, height_mm, mass_g }}"
            );
            check.error("plate", key, valid)
        };
        let Measured { length_mm, width_mm, height_mm, mass_g } = match key {
            Value::String(name) => {
                let preset = Self::TABLE.iter().find(|(preset, ..)| preset == name);
                let (_, height_mm, mass_g) = *preset.ok_or_else(|| wrong(""))?;
                Measured { length_mm: 127.76, width_mm: 85.48, height_mm, mass_g }
            }
            Value::Table(_) => {
                key.clone().try_into().map_err(|e| wrong(&format!("{}; ", e.message())))?
            }
            _ => return Err(wrong("")),
        };
        check.within("plate.length_mm", length_mm, 20.0, 300.0)?;
        check.within("plate.width_mm", width_mm, 20.0, 300.0)?;
        check.within("plate.height_mm", height_mm, 2.0, 150.0)?;
        check.within("plate.mass_g", mass_g, 5.0, 5e3)?;
        let size = [length_mm, width_mm, height_mm].map(|side| side / 1e3);
        Ok(Self { size: Vector3::from(size), mass_kg: mass_g / 1e3 })
    }
}
