//! The general purpose registers that programs and RTDE clients share.

/// One direction of registers.
#[derive(Clone, Debug, PartialEq)]
pub struct Bank {
    pub ints: [i32; Self::NUMBERS],
    pub doubles: [f64; Self::NUMBERS],
    /// 128 bits: 0-63 are also written in two words of 32.
    pub bits: u128,
}

impl Bank {
    /// Of integers, and of doubles.
    pub const NUMBERS: usize = 48;
    pub const BITS: usize = 128;

    pub fn bit(&self, index: usize) -> bool {
        index < Self::BITS && self.bits >> index & 1 == 1
    }

    pub fn set_bit(&mut self, index: usize, on: bool) {
        if index < Self::BITS {
            self.bits = self.bits & !(1 << index) | u128::from(on) << index;
        }
    }

    /// The lower (0) or the upper (1) 32 of the first 64 bits.
    pub fn word(&self, half: u32) -> u32 {
        (self.bits >> (32 * half)) as u32
    }

    pub fn set_word(&mut self, half: u32, word: u32) {
        let at = 32 * half;
        self.bits = self.bits & !(u128::from(u32::MAX) << at) | u128::from(word) << at;
    }
}

impl Default for Bank {
    fn default() -> Self {
        Self { ints: [0; Self::NUMBERS], doubles: [0.0; Self::NUMBERS], bits: 0 }
    }
}

/// What clients write and programs read (`input`), and the other way round (`output`).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Registers {
    pub input: Bank,
    pub output: Bank,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_word_is_its_bits(word: u32, half in 0..2u32, bit in 0..32usize, before: u128) {
            let mut bank = Bank { bits: before, ..Bank::default() };
            bank.set_word(half, word);
            prop_assert_eq!(bank.bit(half as usize * 32 + bit), word >> bit & 1 == 1);
            bank.set_bit(half as usize * 32 + bit, false);
            prop_assert_eq!(bank.word(half), word & !(1 << bit));
            prop_assert_eq!(bank.bits >> 64, before >> 64, "the rest stays");
        }
    }
}
