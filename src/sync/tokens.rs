//! How many slots there are in the bitmaps and on the shelves of a core, for those who want some.
#![forbid(unsafe_code)]

use core::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use crate::atomic::AtomicUsize;

/// A count of slots that may be claimed. Whoever has taken a token will find a slot.
///
/// # Invariants
///
/// 1. Tokens that are here or were taken and not used yet are no more than the bits set in the
///    bitmaps and the slots on shelves.
#[derive(Debug)]
pub(super) struct Tokens(AtomicUsize);

impl Tokens {
    /// No tokens.
    pub(super) fn none() -> Self {
        Self(AtomicUsize::new(0))
    }

    /// Takes `most` tokens, or as many as there are.
    pub(super) fn take(&self, most: usize) -> usize {
        let mut count = self.0.load(Relaxed);
        loop {
            let taken = count.min(most);
            if taken == 0 {
                return 0;
            }
            // Acquire, with the Release of `give`: what these tokens stand for is to be seen.
            match self.0.compare_exchange_weak(count, count - taken, Acquire, Relaxed) {
                Ok(_) => return taken,
                Err(now) => count = now,
            }
        }
    }

    /// Gives tokens for bits that have been set or slots that were laid by, or back for what was
    /// not looked for.
    pub(super) fn give(&self, count: usize) {
        // Release, with the Acquire of `take`: the slots were put there before.
        self.0.fetch_add(count, Release);
    }

    /// The number of tokens at some moment. No slot is to be seen by way of it.
    pub(super) fn count(&self) -> usize {
        self.0.load(Relaxed)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn no_more_is_taken_than_was_given() {
        let mut rng = fastrand::Rng::with_seed(1);
        let tokens = Tokens::none();
        let mut model = 0;
        for _ in 0..if cfg!(miri) { 50 } else { 1000 } {
            let count = rng.usize(..20);
            if rng.bool() {
                tokens.give(count);
                model += count;
            } else {
                assert_eq!(tokens.take(count), count.min(model));
                model -= count.min(model);
            }
            assert_eq!(tokens.count(), model);
        }
    }
}
