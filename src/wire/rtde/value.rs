use crate::wire::WireError;

/// The type of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    Bool,
    UInt8,
    UInt32,
    UInt64,
    Int32,
    Double,
    Vector3,
    Vector6,
    Vector6Int32,
    Vector6UInt32,
}

impl Kind {
    pub const ALL: [Self; 10] = [
        Self::Bool,
        Self::UInt8,
        Self::UInt32,
        Self::UInt64,
        Self::Int32,
        Self::Double,
        Self::Vector3,
        Self::Vector6,
        Self::Vector6Int32,
        Self::Vector6UInt32,
    ];

    /// The name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Bool => "BOOL",
            Self::UInt8 => "UINT8",
            Self::UInt32 => "UINT32",
            Self::UInt64 => "UINT64",
            Self::Int32 => "INT32",
            Self::Double => "DOUBLE",
            Self::Vector3 => "VECTOR3D",
            Self::Vector6 => "VECTOR6D",
            Self::Vector6Int32 => "VECTOR6INT32",
            Self::Vector6UInt32 => "VECTOR6UINT32",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Packed size, bytes.
    pub fn size(self) -> usize {
        match self {
            Self::Bool | Self::UInt8 => 1,
            Self::UInt32 | Self::Int32 => 4,
            Self::UInt64 | Self::Double => 8,
            Self::Vector3 | Self::Vector6Int32 | Self::Vector6UInt32 => 24,
            Self::Vector6 => 48,
        }
    }

    /// Zero of this type.
    pub fn zero(self) -> Value {
        match self {
            Self::Bool => Value::Bool(false),
            Self::UInt8 => Value::UInt8(0),
            Self::UInt32 => Value::UInt32(0),
            Self::UInt64 => Value::UInt64(0),
            Self::Int32 => Value::Int32(0),
            Self::Double => Value::Double(0.0),
            Self::Vector3 => Value::Vector3([0.0; 3]),
            Self::Vector6 => Value::Vector6([0.0; 6]),
            Self::Vector6Int32 => Value::Vector6Int32([0; 6]),
            Self::Vector6UInt32 => Value::Vector6UInt32([0; 6]),
        }
    }
}

/// A field's value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value {
    Bool(bool),
    UInt8(u8),
    UInt32(u32),
    UInt64(u64),
    Int32(i32),
    Double(f64),
    Vector3([f64; 3]),
    Vector6([f64; 6]),
    Vector6Int32([i32; 6]),
    Vector6UInt32([u32; 6]),
}

impl Value {
    pub fn kind(&self) -> Kind {
        match self {
            Self::Bool(_) => Kind::Bool,
            Self::UInt8(_) => Kind::UInt8,
            Self::UInt32(_) => Kind::UInt32,
            Self::UInt64(_) => Kind::UInt64,
            Self::Int32(_) => Kind::Int32,
            Self::Double(_) => Kind::Double,
            Self::Vector3(_) => Kind::Vector3,
            Self::Vector6(_) => Kind::Vector6,
            Self::Vector6Int32(_) => Kind::Vector6Int32,
            Self::Vector6UInt32(_) => Kind::Vector6UInt32,
        }
    }

    fn pack(&self, bytes: &mut Vec<u8>) {
        match self {
            Self::Bool(v) => bytes.push(u8::from(*v)),
            Self::UInt8(v) => bytes.push(*v),
            Self::UInt32(v) => bytes.extend(v.to_be_bytes()),
            Self::UInt64(v) => bytes.extend(v.to_be_bytes()),
            Self::Int32(v) => bytes.extend(v.to_be_bytes()),
            Self::Double(v) => bytes.extend(v.to_be_bytes()),
            Self::Vector3(v) => bytes.extend(v.iter().flat_map(|x| x.to_be_bytes())),
            Self::Vector6(v) => bytes.extend(v.iter().flat_map(|x| x.to_be_bytes())),
            Self::Vector6Int32(v) => bytes.extend(v.iter().flat_map(|x| x.to_be_bytes())),
            Self::Vector6UInt32(v) => bytes.extend(v.iter().flat_map(|x| x.to_be_bytes())),
        }
    }

    fn unpack(kind: Kind, bytes: &mut Reader<'_>) -> Result<Self, WireError> {
        Ok(match kind {
            Kind::Bool => Self::Bool(bytes.take::<1>()?[0] != 0),
            Kind::UInt8 => Self::UInt8(bytes.take::<1>()?[0]),
            Kind::UInt32 => Self::UInt32(u32::from_be_bytes(bytes.take()?)),
            Kind::UInt64 => Self::UInt64(u64::from_be_bytes(bytes.take()?)),
            Kind::Int32 => Self::Int32(i32::from_be_bytes(bytes.take()?)),
            Kind::Double => Self::Double(bytes.double()?),
            Kind::Vector3 => Self::Vector3(bytes.doubles()?),
            Kind::Vector6 => Self::Vector6(bytes.doubles()?),
            Kind::Vector6Int32 => {
                let mut v = [0; 6];
                for x in &mut v {
                    *x = i32::from_be_bytes(bytes.take()?);
                }
                Self::Vector6Int32(v)
            }
            Kind::Vector6UInt32 => {
                let mut v = [0; 6];
                for x in &mut v {
                    *x = u32::from_be_bytes(bytes.take()?);
                }
                Self::Vector6UInt32(v)
            }
        })
    }
}

/// The types of a data package's fields, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recipe {
    kinds: Vec<Kind>,
}

impl Recipe {
    pub fn new(kinds: Vec<Kind>) -> Self {
        Self { kinds }
    }

    pub fn kinds(&self) -> &[Kind] {
        &self.kinds
    }

    /// Packed size of all fields, bytes.
    pub fn size(&self) -> usize {
        self.kinds.iter().map(|kind| kind.size()).sum()
    }

    /// Packs values of just these types.
    pub fn pack(&self, values: &[Value]) -> Result<Vec<u8>, WireError> {
        if !values.iter().map(Value::kind).eq(self.kinds.iter().copied()) {
            let why = "the values are not of the recipe's types";
            return Err(WireError::malformed("RTDE data", why));
        }
        let mut bytes = Vec::with_capacity(self.size());
        for value in values {
            value.pack(&mut bytes);
        }
        Ok(bytes)
    }

    pub fn unpack(&self, bytes: &[u8]) -> Result<Vec<Value>, WireError> {
        if bytes.len() != self.size() {
            let allowed = format!("exactly {}", self.size());
            return Err(WireError::Size { what: "RTDE data", size: bytes.len(), allowed });
        }
        let mut reader = Reader(bytes);
        self.kinds.iter().map(|kind| Value::unpack(*kind, &mut reader)).collect()
    }
}

/// Reads big-endian numbers off the front.
pub(in crate::wire) struct Reader<'a>(pub &'a [u8]);

impl<'a> Reader<'a> {
    pub fn take<const N: usize>(&mut self) -> Result<[u8; N], WireError> {
        let (head, rest) = self
            .0
            .split_first_chunk::<N>()
            .ok_or_else(|| WireError::malformed("package", "ends too early"))?;
        self.0 = rest;
        Ok(*head)
    }

    pub fn double(&mut self) -> Result<f64, WireError> {
        Ok(f64::from_be_bytes(self.take()?))
    }

    pub fn doubles<const N: usize>(&mut self) -> Result<[f64; N], WireError> {
        let mut v = [0.0; N];
        for x in &mut v {
            *x = self.double()?;
        }
        Ok(v)
    }

    /// The next `count` bytes.
    pub fn slice(&mut self, count: usize) -> Result<&'a [u8], WireError> {
        let (head, rest) = self
            .0
            .split_at_checked(count)
            .ok_or_else(|| WireError::malformed("package", "ends too early"))?;
        self.0 = rest;
        Ok(head)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn value() -> impl Strategy<Value = Value> {
        prop_oneof![
            any::<bool>().prop_map(Value::Bool),
            any::<u8>().prop_map(Value::UInt8),
            any::<u32>().prop_map(Value::UInt32),
            any::<u64>().prop_map(Value::UInt64),
            any::<i32>().prop_map(Value::Int32),
            (-1e9..1e9f64).prop_map(Value::Double),
            prop::array::uniform3(-1e3..1e3f64).prop_map(Value::Vector3),
            prop::array::uniform6(-1e3..1e3f64).prop_map(Value::Vector6),
            prop::array::uniform6(any::<i32>()).prop_map(Value::Vector6Int32),
            prop::array::uniform6(any::<u32>()).prop_map(Value::Vector6UInt32),
        ]
    }

    proptest! {
        #[test]
        fn values_survive_the_wire(values in prop::collection::vec(value(), 0..12)) {
            let recipe = Recipe::new(values.iter().map(Value::kind).collect());
            let bytes = recipe.pack(&values).unwrap();
            prop_assert_eq!(bytes.len(), recipe.size());
            prop_assert_eq!(recipe.unpack(&bytes).unwrap(), values);
        }

        #[test]
        fn data_of_another_length_is_refused(
            kinds in prop::collection::vec(prop::sample::select(Kind::ALL.to_vec()), 0..6),
            bytes in prop::collection::vec(any::<u8>(), 0..200),
        ) {
            let recipe = Recipe::new(kinds);
            prop_assert_eq!(recipe.unpack(&bytes).is_ok(), bytes.len() == recipe.size());
        }
    }

    #[test]
    fn every_type_is_known_by_its_name_and_its_zero_has_its_size() {
        for kind in Kind::ALL {
            assert_eq!(Kind::from_name(kind.name()), Some(kind));
            assert_eq!(Recipe::new(vec![kind]).pack(&[kind.zero()]).unwrap().len(), kind.size());
        }
        assert_eq!(Kind::from_name("NOT_FOUND"), None);
    }
}
