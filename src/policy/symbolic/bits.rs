//! Sets of small numbers, as words of bits.

/// A set of numbers below a length that all sets of one question share.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(in crate::policy) struct Bits {
    words: Vec<u64>,
}

impl Bits {
    pub(in crate::policy) fn none(length: usize) -> Self {
        Self { words: vec![0; length.div_ceil(64)] }
    }

    pub(in crate::policy) fn all(length: usize) -> Self {
        let mut bits = Self { words: vec![u64::MAX; length.div_ceil(64)] };
        if let Some(last) = bits.words.last_mut()
            && !length.is_multiple_of(64)
        {
            *last = (1 << (length % 64)) - 1;
        }
        bits
    }

    /// The words that an operation touches.
    pub(in crate::policy) fn cost(&self) -> usize {
        self.words.len() + 1
    }

    pub(in crate::policy) fn insert(&mut self, number: usize) {
        if let Some(word) = self.words.get_mut(number / 64) {
            *word |= 1 << (number % 64);
        }
    }

    pub(in crate::policy) fn contains(&self, number: usize) -> bool {
        self.words.get(number / 64).is_some_and(|word| word & (1 << (number % 64)) != 0)
    }

    pub(in crate::policy) fn is_empty(&self) -> bool {
        self.words.iter().all(|word| *word == 0)
    }

    pub(in crate::policy) fn add(&mut self, other: &Self) {
        self.words.iter_mut().zip(&other.words).for_each(|(word, other)| *word |= other);
    }

    pub(in crate::policy) fn keep(&mut self, other: &Self) {
        self.words.iter_mut().zip(&other.words).for_each(|(word, other)| *word &= other);
    }

    pub(in crate::policy) fn remove(&mut self, other: &Self) {
        self.words.iter_mut().zip(&other.words).for_each(|(word, other)| *word &= !other);
    }

    /// Every number moved up by one; the highest falls out.
    pub(in crate::policy) fn shifted_up(&self) -> Self {
        let mut carry = 0;
        let words = self.words.iter().map(|word| {
            let shifted = (word << 1) | carry;
            carry = word >> 63;
            shifted
        });
        Self { words: words.collect() }
    }

    pub(in crate::policy) fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        self.words.iter().enumerate().flat_map(|(index, word)| {
            let mut rest = *word;
            std::iter::from_fn(move || {
                let bit = rest.trailing_zeros() as usize;
                (rest != 0).then(|| {
                    rest &= rest - 1;
                    index * 64 + bit
                })
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_holds_every_number_below_the_length_and_no_other() {
        assert_eq!(Bits::all(70).iter().count(), 70);
        assert_eq!(Bits::all(64).iter().last(), Some(63));
        assert!(Bits::all(0).is_empty());
    }

    fn one(length: usize, number: usize) -> Bits {
        let mut bits = Bits::none(length);
        bits.insert(number);
        bits
    }

    #[test]
    fn shifting_carries_over_words() {
        let shifted = one(130, 63).shifted_up();
        assert_eq!(shifted.iter().collect::<Vec<_>>(), [64]);
    }

    #[test]
    fn sets_add_keep_and_remove() {
        let mut bits = one(100, 3);
        bits.add(&one(100, 99));
        assert!(bits.contains(99) && bits.contains(3));
        bits.remove(&one(100, 3));
        assert_eq!(bits, one(100, 99));
        bits.keep(&Bits::none(100));
        assert!(bits.is_empty());
    }
}
