//! What the chunks hold, counted one by one.

use alloc::vec::Vec;
use core::ptr::NonNull;

use super::Depot;
use crate::bit_tree::{WORD_BITS, run_masks};
use crate::chunk::Chunk;
use crate::chunk_summary::{ChunkSummary, Chunks};
use crate::plan::Growth;
use crate::stats::PoolStats;

impl Depot {
    /// The figures at this moment, given the number of occupied slots now and at the peak, that of
    /// all, and the vacant ones that are `held` by the fronts of the core: the first of neighbours,
    /// and how many there are.
    ///
    /// # Safety
    ///
    /// 1. What is held is slots of entered chunks of this depot, with the provenance of their
    ///    chunks.
    pub(crate) unsafe fn stats(
        &self,
        (len, peak_len): (usize, usize),
        capacity: usize,
        held: impl Iterator<Item = (NonNull<u8>, usize)>,
    ) -> PoolStats {
        let bytes_live = self.bytes_live(len);
        let mut stats = PoolStats {
            capacity,
            len,
            peak_len,
            chunks: 0,
            occupancy: Default::default(),
            bytes_reserved: self.bytes,
            peak_bytes_reserved: self.peak_bytes,
            bytes_live,
            peak_bytes_live: bytes_live.max(peak_len * self.geometry.slot().size()),
            upstream_allocations: self.allocations,
            upstream_releases: self.releases,
        };
        // SAFETY: 1. clause 1.
        unsafe { self.tally(held) };
        for number in 0..self.chunk_count() {
            match self.chunks.get(number) {
                Some(chunk) => stats.count_chunk(occupied(chunk), chunk.slots()),
                None => stats.count_chunk(0, self.place(number).map_or(1, |(_, slots, _)| slots)),
            }
        }
        stats
    }

    /// The number of bytes in `len` occupied slots, which are all that there are.
    fn bytes_live(&self, len: usize) -> usize {
        match self.growth {
            Growth::Lone => self.chunks.iter().map(Chunk::object_bytes).sum(),
            _ => len * self.geometry.slot().size(),
        }
    }

    /// Notes in each entered chunk how many of its slots are `held` by the fronts of the core.
    ///
    /// # Safety
    ///
    /// 1. As for [`Depot::stats`].
    pub(crate) unsafe fn tally(&self, held: impl Iterator<Item = (NonNull<u8>, usize)>) {
        for chunk in &self.chunks {
            chunk.set_tally(0);
        }
        for (first, count) in held {
            // SAFETY: 1. clause 1. 2. It is used in this turn alone.
            let chunk = unsafe { Chunk::holding(first) };
            // A chunk has no more slots than fit into 32 bits.
            chunk.set_tally(chunk.tally() + count as u32);
        }
    }

    /// Whether a chunk of `slots` slots at most could go, after [`Depot::tally`]: it is wholly
    /// vacant, or was never entered.
    pub(crate) fn could_release(&self, slots: usize) -> bool {
        let fits = |chunk: &&Chunk| chunk.slots() <= slots;
        let mut entered = self.chunks.iter().filter(fits);
        let behind = self.place(self.chunks.len());
        behind.is_some_and(|(_, behind, _)| behind <= slots)
            || entered.any(|chunk| occupied(chunk) == 0)
    }

    /// The chunks, given the vacant slots that are `held` by the fronts of the core.
    ///
    /// # Safety
    ///
    /// 1. As for [`Depot::stats`].
    pub(crate) unsafe fn summaries(
        &self,
        held: impl Iterator<Item = (NonNull<u8>, usize)>,
    ) -> Chunks {
        let place = |number| self.place(number).expect("the chunk is reserved");
        let mut vacant: Vec<Vec<usize>> = (0..self.chunk_count())
            .map(|number| {
                let words = 0..place(number).1.div_ceil(WORD_BITS);
                match self.chunks.get(number) {
                    Some(chunk) => words.map(|index| chunk.vacancy().word(index)).collect(),
                    None => words.map(|_| usize::MAX).collect(),
                }
            })
            .collect();
        for (first, count) in held {
            // SAFETY: 1. clause 1. 2. It is used in this turn alone.
            let chunk = unsafe { Chunk::holding(first) };
            for (index, mask) in run_masks(chunk.index_of(first), count) {
                vacant[chunk.number()][index] |= mask;
            }
        }
        let summary = |(number, vacant)| {
            let (base, slots, _) = place(number);
            ChunkSummary::new(base.addr().get(), slots, vacant)
        };
        Chunks::new(vacant.into_iter().enumerate().map(summary).collect())
    }
}

/// The number of occupied slots of a chunk, in which those are noted that are in a front. While
/// others are at it, what moves may be counted twice.
fn occupied(chunk: &Chunk) -> usize {
    chunk.slots().saturating_sub(chunk.vacancy().count() + chunk.tally() as usize)
}
