//! Batches of vacant slots, beside the magazine of a thread.
//!
//! A thread that has filled its magazine lays half of it here, and takes it up again when the
//! magazine is empty, by three locked instructions and not by one for each word of a bitmap.
//! Nothing here is held back: tokens count these slots as they do bits, and where the bitmaps have
//! none, any thread takes them. (Full magazines in a depot are Bonwick and Adams, "Magazines and
//! Vmem", USENIX 2001.)
#![forbid(unsafe_code)]

use alloc::vec::Vec;
use core::array;
use core::iter::Rev;
use core::ptr::{self, NonNull};
use core::slice;
use core::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use crate::atomic::{AtomicPtr, AtomicUsize};
use crate::error::PoolError;
use crate::geometry::MAGAZINE_SLOTS;

/// The number of batches that a shelf has room for.
pub(super) const BATCHES: usize = if cfg!(all(test, loom)) { 2 } else { 14 };

/// What a slot adds to the state of a batch while it is read.
const READING: usize = 1 << 16;

const _: () = assert!(MAGAZINE_SLOTS < READING && READING * MAGAZINE_SLOTS <= u32::MAX as usize);

/// A place of a batch. It holds a slot, one that it has held before, or null.
type Place = AtomicPtr<u8>;

/// Room for some batches of slots. One thread puts batches on, its owner; any thread takes.
///
/// # Invariants
///
/// 1. Each of `states` is that of the batch whose places begin at `room` times its index: the
///    number of slots there, and [`READING`] for each slot that a thread has taken and not read
///    yet.
/// 2. The places of those slots hold them. Nobody writes to a place unless the state is 0.
/// 3. Who lowers the number of slots in a batch has taken those from there on, and nobody else has.
#[derive(Debug)]
pub(super) struct Shelf {
    states: [AtomicUsize; BATCHES],
    places: Vec<Place>,
    room: usize,
}

impl Shelf {
    /// A shelf without slots, whose batches have room for `room` slots each.
    ///
    /// # Errors
    ///
    /// [`PoolError::OutOfMemory`].
    pub(super) fn new(room: usize) -> Result<Self, PoolError> {
        assert!(room <= MAGAZINE_SLOTS);
        let count = BATCHES * room;
        let mut places = Vec::new();
        places
            .try_reserve_exact(count)
            .map_err(|_| PoolError::OutOfMemory { bytes: count * size_of::<Place>() })?;
        places.resize_with(count, || Place::new(ptr::null_mut()));
        // INVARIANT: 1. to 3. there are no slots.
        let states = array::from_fn(|_| AtomicUsize::new(0));
        Ok(Self { states, places, room })
    }

    /// Puts a batch on, which is got by `slots` and for which there is room; returns whether it
    /// was, for the owner alone. The slots are the caller's.
    pub(super) fn put<I>(&self, slots: impl FnOnce() -> I) -> bool
    where
        I: ExactSizeIterator<Item = NonNull<u8>>,
    {
        // Acquire, with the Release of `Handful`: who took the slots from there has read them.
        let Some(index) = self.states.iter().position(|state| state.load(Acquire) == 0) else {
            return false;
        };
        let slots = slots();
        let count = slots.len();
        for (place, slot) in self.batch(index)[..count].iter().zip(slots) {
            place.store(slot.as_ptr(), Relaxed);
        }
        // Release, with the Acquire of `take` and `iter`: the places hold the slots.
        // INVARIANT: 1. and 2. by the lines above: nobody changes a state of 0 but the owner.
        self.states[index].store(count, Release);
        true
    }

    /// Takes at most `most` slots of one batch, the one with the highest number that has some.
    pub(super) fn take(&self, most: usize) -> Option<Handful<'_>> {
        self.states.iter().enumerate().rev().find_map(|(index, state)| {
            let mut seen = state.load(Relaxed);
            loop {
                let slots = seen % READING;
                let taken = slots.min(most);
                if taken == 0 {
                    return None;
                }
                let then = seen - taken + taken * READING;
                // Acquire, with the Release of `put`: the places hold the slots.
                // INVARIANT: 1. and 3. here.
                match state.compare_exchange_weak(seen, then, Acquire, Relaxed) {
                    Ok(_) => {
                        let places = self.batch(index)[slots - taken..slots].iter().rev();
                        return Some(Handful { state, taken, places });
                    }
                    Err(now) => seen = now,
                }
            }
        })
    }

    /// The places of a batch.
    fn batch(&self, index: usize) -> &[Place] {
        &self.places[index * self.room..][..self.room]
    }

    /// The slots, whoever looks. While others put some on or take some, these are some that were
    /// there, and none that the caller knows to have left.
    pub(super) fn iter(&self) -> impl Iterator<Item = NonNull<u8>> {
        self.states.iter().enumerate().flat_map(|(index, state)| {
            // Acquire, with the Release of `put`.
            let slots = state.load(Acquire) % READING;
            self.batch(index)[..slots].iter().filter_map(|place| NonNull::new(place.load(Relaxed)))
        })
    }
}

/// Slots that were taken from a shelf, the one that was put in last in front. They are the
/// caller's, who gets all of them.
#[derive(Debug)]
pub(super) struct Handful<'s> {
    state: &'s AtomicUsize,
    taken: usize,
    places: Rev<slice::Iter<'s, Place>>,
}

impl Iterator for Handful<'_> {
    type Item = NonNull<u8>;

    fn next(&mut self) -> Option<NonNull<u8>> {
        let slot = self.places.next()?.load(Relaxed);
        Some(NonNull::new(slot).expect("Shelf invariant 2"))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.places.size_hint()
    }
}

impl ExactSizeIterator for Handful<'_> {}

impl Drop for Handful<'_> {
    fn drop(&mut self) {
        // Release, with the Acquire of `put`: the places have been read.
        // INVARIANT: `Shelf` 1. as many were added when they were taken.
        self.state.fetch_sub(self.taken * READING, Release);
    }
}

#[cfg(all(test, not(loom)))]
mod tests;
