//! The chunks of a core, where threads find them without a lock.

use alloc::boxed::Box;
use alloc::collections::TryReserveError;
use alloc::vec::Vec;
use core::ptr::{self, NonNull};
use core::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};
use std::sync::OnceLock;

use super::padded::Padded;
use crate::atomic::{AtomicPtr, AtomicUsize, null_pointers};
use crate::bit_tree::{WORD_BITS, bits_in, mask_of};
use crate::chunk::Chunk;
use crate::fault::point;

/// The number of segments: enough for the 2^32 chunks that can have a number.
const SEGMENTS: usize = (u32::BITS - WORD_BITS.ilog2()) as usize + 1;

/// A table that grows and never moves: segment `n` holds 2^`n` groups.
///
/// # Invariants
///
/// 1. An entry that is not null is the header of a chunk that has been entered and whose
///    reservation is not released as long as the entry is there.
#[derive(Debug, Default)]
pub(super) struct ChunkTable {
    segments: [OnceLock<Box<[Group]>>; SEGMENTS],
}

/// As many chunks as a word has bits.
#[derive(Debug)]
struct Group {
    /// Which of the chunks may have a vacant slot. A bit may be set over one that has none for
    /// long, but lacks over another only while somebody is about to set it.
    hints: Padded<AtomicUsize>,
    chunks: [AtomicPtr<()>; WORD_BITS],
}

impl Group {
    fn empty() -> Self {
        Self { hints: Padded(AtomicUsize::new(0)), chunks: null_pointers() }
    }
}

impl ChunkTable {
    /// Makes room for `chunks` chunks at least.
    ///
    /// # Errors
    ///
    /// Where memory is refused; entries are unchanged then.
    pub(super) fn reserve(&self, chunks: usize) -> Result<(), TryReserveError> {
        let groups = chunks.div_ceil(WORD_BITS);
        for (index, segment) in self.segments.iter().enumerate() {
            let size = 1 << index;
            // Segments in front of this one hold one group fewer than it does.
            if groups < size {
                break;
            }
            if segment.get().is_none() {
                let mut empty = Vec::new();
                empty.try_reserve_exact(size)?;
                empty.resize_with(size, Group::empty);
                // Where another thread was faster, this one is dropped.
                let _ = segment.set(empty.into_boxed_slice());
            }
        }
        Ok(())
    }

    /// The group of number `index`, if there is room for it.
    fn group(&self, index: usize) -> Option<&Group> {
        let segment = (index + 1).ilog2() as usize;
        self.segments.get(segment)?.get()?.get(index + 1 - (1 << segment))
    }

    /// Enters chunk `number`, for which there is room. Whoever does tells of its vacant slots next.
    ///
    /// # Safety
    ///
    /// 1. The reservation of `chunk` is not released before the entry is gone.
    pub(super) unsafe fn enter(&self, number: usize, chunk: Chunk) {
        let group = self.group(number / WORD_BITS).expect("room was made for the chunk");
        // Release, with the Acquire of `get`: the header and the bitmap have been written.
        // INVARIANT: 1. clause 1.
        group.chunks[number % WORD_BITS].store(chunk.as_ptr().as_ptr(), Release);
    }

    /// Chunk `number`, if it has been entered.
    pub(super) fn get(&self, number: usize) -> Option<Chunk> {
        let group = self.group(number / WORD_BITS)?;
        // Acquire, with the Release of `enter`.
        let header = NonNull::new(group.chunks[number % WORD_BITS].load(Acquire))?;
        // SAFETY: 1. and 2. invariant 1: who takes an entry away has seen to it that nobody uses
        // the chunk.
        Some(unsafe { Chunk::from_ptr(header) })
    }

    /// The numbers of all chunks.
    pub(super) fn numbers(&self) -> impl Iterator<Item = usize> {
        (0..).take_while(|number| self.get(*number).is_some())
    }

    /// Notes that chunk `number` may have vacant slots.
    pub(super) fn hint(&self, number: usize) {
        if let Some(group) = self.group(number / WORD_BITS) {
            let bit = mask_of(number);
            // Release, with the Acquire of `unhint`: who clears this hint sees what it hints to.
            group.hints.fetch_or(bit, Release);
        }
    }

    /// Whether chunk `number` may have vacant slots.
    pub(super) fn is_hinted(&self, number: usize) -> bool {
        let group = self.group(number / WORD_BITS);
        group.is_some_and(|group| group.hints.load(Relaxed) & mask_of(number) != 0)
    }

    /// Notes that chunk `number` has been seen without vacant slots, unless it has some now.
    pub(super) fn unhint(&self, number: usize, has_some: impl FnOnce() -> bool) {
        if let Some(group) = self.group(number / WORD_BITS) {
            let bit = mask_of(number);
            // Acquire, with the Release of `hint`: if the hint that goes here was set for slots
            // that came later, the next line sees them; otherwise it is set after.
            group.hints.fetch_and(!bit, AcqRel);
            point();
            if has_some() {
                self.hint(number);
            }
        }
    }

    /// The numbers of chunks that may have vacant slots: of each group in turn, from the chunk at
    /// place `start` in it on and round.
    pub(super) fn hinted(&self, start: usize) -> impl Iterator<Item = usize> {
        let turn = start % WORD_BITS;
        (0..).map_while(|index| Some((index, self.group(index)?))).flat_map(
            move |(index, group)| {
                bits_in(group.hints.load(Relaxed).rotate_right(turn as u32))
                    .map(move |bit| index * WORD_BITS + (bit + turn) % WORD_BITS)
            },
        )
    }

    /// Takes all entries away. Nobody uses a chunk that was got from here, nor gets one meanwhile.
    pub(super) fn clear(&self) {
        for group in self.segments.iter().filter_map(OnceLock::get).flatten() {
            group.hints.store(0, Relaxed);
            for entry in &group.chunks {
                entry.store(ptr::null_mut(), Relaxed);
            }
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn there_is_a_place_for_every_number() {
        // That of the group that the last chunk is in, and none behind it.
        let last = u32::MAX as usize / WORD_BITS;
        assert_eq!((last + 1).ilog2() as usize, SEGMENTS - 1);
    }

    #[test]
    fn hints_are_those_that_were_given_group_by_group_and_round() {
        let table = ChunkTable::default();
        table.hint(0);
        assert_eq!(table.hinted(0).next(), None, "there is no room for a chunk");
        table.reserve(1).unwrap();
        assert!(table.group(0).is_some() && table.group(1).is_none());
        // The segments hold one group, two and four: two are not enough for so many.
        let chunks = 4 * WORD_BITS;
        table.reserve(chunks).unwrap();
        assert!(table.group(6).is_some() && table.group(7).is_none());
        let mut rng = fastrand::Rng::with_seed(3);
        let mut model = BTreeSet::new();
        for _ in 0..if cfg!(miri) { 30 } else { 1000 } {
            let number = rng.usize(..chunks);
            match rng.u8(..3) {
                0 => {
                    table.unhint(number, || false);
                    model.remove(&number);
                }
                1 => {
                    table.unhint(number, || true);
                    model.insert(number);
                }
                _ => {
                    table.hint(number);
                    model.insert(number);
                }
            }
            assert_eq!(table.is_hinted(number), model.contains(&number));
            let start = rng.usize(..chunks);
            let round = |group| (start..start + WORD_BITS).map(move |n| group + n % WORD_BITS);
            let hinted = (0..chunks).step_by(WORD_BITS).flat_map(round);
            assert!(table.hinted(start).eq(hinted.filter(|number| model.contains(number))));
        }
        table.clear();
        assert_eq!(table.hinted(0).next(), None);
        assert_eq!((table.get(0), table.numbers().next()), (None, None));
    }
}
