//! Numbers one after another, as the client interfaces have them: big-endian, without any padding.

use super::WireError;

/// Appends numbers.
#[derive(Clone, Debug, Default)]
pub struct Writer(pub Vec<u8>);

/// Takes numbers from the front of some bytes.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
    what: &'static str,
}

/// A number of a fixed size on the wire.
pub trait Number: Sized {
    fn put(self, bytes: &mut Vec<u8>);
    fn take(reader: &mut Reader<'_>) -> Result<Self, WireError>;
}

macro_rules! numbers {
    ($($number:ty),*) => {$(
        impl Number for $number {
            fn put(self, bytes: &mut Vec<u8>) {
                bytes.extend(self.to_be_bytes());
            }

            fn take(reader: &mut Reader<'_>) -> Result<Self, WireError> {
                reader.bytes().map(Self::from_be_bytes)
            }
        }
    )*};
}
numbers!(u8, i32, u32, u64, f32, f64);

impl Number for bool {
    fn put(self, bytes: &mut Vec<u8>) {
        bytes.push(self.into());
    }

    fn take(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        reader.bytes::<1>().map(|[byte]| byte != 0)
    }
}

impl<N: Number + Copy + Default, const COUNT: usize> Number for [N; COUNT] {
    fn put(self, bytes: &mut Vec<u8>) {
        self.into_iter().for_each(|number| number.put(bytes));
    }

    fn take(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        let mut numbers = [N::default(); COUNT];
        for number in &mut numbers {
            *number = N::take(reader)?;
        }
        Ok(numbers)
    }
}

impl Writer {
    pub fn put(&mut self, number: impl Number) -> &mut Self {
        number.put(&mut self.0);
        self
    }
}

impl<'a> Reader<'a> {
    /// `what` is named where bytes are missing.
    pub fn new(what: &'static str, bytes: &'a [u8]) -> Self {
        Self { rest: bytes, what }
    }

    pub fn take<N: Number>(&mut self) -> Result<N, WireError> {
        N::take(self)
    }

    /// Bytes that nobody here reads.
    pub fn skip(&mut self, count: usize) -> Result<(), WireError> {
        self.rest = self.rest.get(count..).ok_or_else(|| self.too_short())?;
        Ok(())
    }

    fn bytes<const COUNT: usize>(&mut self) -> Result<[u8; COUNT], WireError> {
        let (first, rest) = self.rest.split_first_chunk().ok_or_else(|| self.too_short())?;
        self.rest = rest;
        Ok(*first)
    }

    fn too_short(&self) -> WireError {
        WireError::malformed(self.what, "ends too soon")
    }
}
