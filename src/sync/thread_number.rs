//! Dense numbers of threads, for tables with a place for each.
//!
//! A thread has its number from the first time it needs one until it ends; then another may have
//! it, and sees all that was done under it. Numbers are few: a thread may go without.

use core::cell::Cell;
use core::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use crate::atomic::AtomicUsize;
use crate::bit_tree::{WORD_BITS, mask_of};
use crate::fault::point;

#[cfg(all(test, loom))]
use loom::{lazy_static, thread_local};
#[cfg(not(all(test, loom)))]
use std::thread_local;

/// The number of threads that can have a number at a time: a power of two.
pub(super) const THREADS: usize = if cfg!(all(test, loom)) { 2 } else { 4 * WORD_BITS };

/// What a thread has that has never asked for a number.
const UNASKED: usize = usize::MAX - 1;

/// What a thread has that is ending.
#[cfg(not(all(test, loom)))]
const ENDING: usize = usize::MAX;

/// Declares thread-local values that are there from the start; those of loom are made when needed.
macro_rules! thread_locals {
    ($($(#[$doc:meta])* $name:ident: $type:ty = $value:expr;)*) => {
        #[cfg(not(all(test, loom)))]
        thread_local! { $($(#[$doc])* static $name: $type = const { $value };)* }
        #[cfg(all(test, loom))]
        thread_local! { $($(#[$doc])* static $name: $type = $value;)* }
    };
}

thread_locals! {
    /// The number of this thread, or none where it is not below [`THREADS`]. Nothing is dropped
    /// with it, so it can be reached as long as any code runs on the thread; where such values are
    /// found by keys, it may be a new one by then.
    NUMBER: Cell<usize> = Cell::new(UNASKED);

    /// What gives the number back.
    GUARD: Guard = Guard(Cell::new(UNASKED));
}

#[cfg(not(all(test, loom)))]
static NUMBERS: Numbers =
    Numbers { words: [const { AtomicUsize::new(0) }; THREADS.div_ceil(WORD_BITS)] };

#[cfg(all(test, loom))]
lazy_static! {
    static ref NUMBERS: Numbers = Numbers { words: [AtomicUsize::new(0)] };
}

/// The number of this thread, or none where it is not below [`THREADS`].
#[inline]
pub(super) fn get() -> usize {
    NUMBER.with(Cell::get)
}

/// The number of this thread, which gets one if there is one left and the thread is not ending.
#[cold]
pub(super) fn assign() -> usize {
    if get() == UNASKED {
        // A guard that cannot be reached has been dropped: nobody would give the number back.
        let _ = GUARD.try_with(|guard| {
            // To reach it may have taken memory, and the upstream allocator may have asked.
            if guard.0.get() == UNASKED {
                point();
                let number = NUMBERS.take().unwrap_or(UNASKED);
                guard.0.set(number);
                point();
                NUMBER.with(|own| own.set(number));
            }
        });
    }
    get()
}

/// What has the number of a thread, dropped when that ends.
#[derive(Debug)]
struct Guard(Cell<usize>);

// Loom drops what is local to a thread when the model has ended; there threads keep their numbers.
#[cfg(not(all(test, loom)))]
impl Drop for Guard {
    fn drop(&mut self) {
        // First the number is gone, then it is another's: destructors that run on this thread from
        // here on do without.
        NUMBER.with(|own| own.set(ENDING));
        let number = self.0.get();
        if number < THREADS {
            NUMBERS.give_back(number);
        }
    }
}

/// The set of numbers that threads have.
#[derive(Debug)]
pub(super) struct Numbers {
    words: [AtomicUsize; THREADS.div_ceil(WORD_BITS)],
}

impl Numbers {
    /// A set in which all numbers are taken but one.
    #[cfg(all(test, loom))]
    pub(super) fn all_but(number: usize) -> Self {
        Self { words: [AtomicUsize::new(!(1 << number))] }
    }

    /// Takes the lowest number that nobody has.
    pub(super) fn take(&self) -> Option<usize> {
        for (index, word) in self.words.iter().enumerate() {
            let mut taken = word.load(Relaxed);
            loop {
                let bit = taken.trailing_ones() as usize;
                let number = index * WORD_BITS + bit;
                if bit == WORD_BITS || number >= THREADS {
                    break;
                }
                // Acquire, with the Release of `give_back`: what the thread that had the number
                // before did under it is to be seen.
                match word.compare_exchange_weak(taken, taken | 1 << bit, Acquire, Relaxed) {
                    Ok(_) => return Some(number),
                    Err(now) => taken = now,
                }
            }
        }
        None
    }

    /// Gives a number back that is not used any more.
    pub(super) fn give_back(&self, number: usize) {
        // Release, with the Acquire of `take`.
        self.words[number / WORD_BITS].fetch_and(!mask_of(number), Release);
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::{Barrier, Mutex};
    use std::thread;
    use std::vec::Vec;

    use super::*;

    #[test]
    fn a_thread_keeps_its_number_and_no_other_has_it() {
        let threads = if cfg!(miri) { 4 } else { 40 };
        let numbers = Mutex::new(Vec::new());
        let all = Barrier::new(threads);
        thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| {
                    let number = assign();
                    assert_eq!((get(), assign()), (number, number));
                    numbers.lock().unwrap().push(number);
                    all.wait();
                });
            }
        });
        let numbers = numbers.into_inner().unwrap();
        assert_eq!(numbers.iter().collect::<BTreeSet<_>>().len(), threads);
    }

    #[test]
    fn numbers_come_back_from_threads_that_end() {
        for _ in 0..if cfg!(miri) { 4 } else { 2 * THREADS } {
            let number = thread::spawn(assign).join().unwrap();
            assert!(number < THREADS, "other tests have a few of them");
        }
    }

    #[test]
    fn the_lowest_number_is_taken_and_none_when_all_are() {
        let numbers = Numbers { words: Default::default() };
        assert!((0..THREADS).map(Some).eq((0..THREADS).map(|_| numbers.take())));
        assert_eq!(numbers.take(), None);
        for number in [THREADS - 1, 3, 0, WORD_BITS] {
            numbers.give_back(number);
            assert_eq!(numbers.take(), Some(number));
        }
    }
}
