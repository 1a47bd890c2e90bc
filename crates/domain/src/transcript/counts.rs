//! Sets of numbers of posted messages.

/// How many posted messages may be matched by now: each number of them, from 0 to all, may be among the possibilities.
/// It takes a bit for each, so that a step costs little also where thousands of posted messages are equal.
#[derive(Debug, Clone)]
pub(super) struct Counts(Box<[u64]>);

const BITS: usize = u64::BITS as usize;

impl Counts {
    /// The empty set of numbers from 0 to `max`.
    pub(super) fn none(max: usize) -> Self {
        Self(vec![0; max / BITS + 1].into())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.iter().all(|word| *word == 0)
    }

    pub(super) fn insert(&mut self, count: usize) {
        if let Some(word) = self.0.get_mut(count / BITS) {
            *word |= 1 << (count % BITS);
        }
    }

    pub(super) fn remove(&mut self, count: usize) {
        if let Some(word) = self.0.get_mut(count / BITS) {
            *word &= !(1 << (count % BITS));
        }
    }

    pub(super) fn clear(&mut self) {
        self.0.fill(0);
    }

    pub(super) fn extend(&mut self, other: &Self) {
        for (word, other) in self.0.iter_mut().zip(&other.0) {
            *word |= other;
        }
    }

    /// The largest number.
    pub(super) fn last(&self) -> Option<usize> {
        let (at, word) = self.0.iter().enumerate().rfind(|(_, word)| **word != 0)?;
        Some(at * BITS + word.ilog2() as usize)
    }

    /// The numbers that are in both sets, each plus one. The largest possible number must not be in both.
    pub(super) fn next_of_both(&self, other: &Self) -> Self {
        let mut carried = 0;
        let words = self.0.iter().zip(&other.0).map(|(word, other)| {
            let both = word & other;
            let moved = (both << 1) | carried;
            carried = both >> (BITS - 1);
            moved
        });
        Self(words.collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(numbers: &[usize]) -> Counts {
        let mut counts = Counts::none(200);
        for number in numbers {
            counts.insert(*number);
        }
        counts
    }

    #[test]
    fn the_largest_number_is_found() {
        for numbers in [&[0][..], &[63], &[64], &[3, 64, 127], &[0, 200]] {
            assert_eq!(counts(numbers).last(), numbers.last().copied());
        }
        assert_eq!(counts(&[]).last(), None);
        assert!(counts(&[]).is_empty() && !counts(&[200]).is_empty());
    }

    #[test]
    fn numbers_are_advanced_across_words() {
        let both = counts(&[0, 5, 63, 127, 140]).next_of_both(&counts(&[0, 6, 63, 127, 199]));
        assert_eq!(both.0, counts(&[1, 64, 128]).0);
    }

    #[test]
    fn numbers_are_added_and_removed() {
        let mut set = counts(&[1, 64]);
        set.extend(&counts(&[2, 64, 199]));
        set.remove(199);
        assert_eq!(set.0, counts(&[1, 2, 64]).0);
        set.clear();
        assert!(set.is_empty());
    }
}
