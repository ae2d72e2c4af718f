//! Slots on their way from the bitmaps to a thread.

use core::hint;
use core::ptr::NonNull;

use super::cache::Cache;
use super::shared_bits::SharedBits;
use super::sync_core::SyncCore;
use crate::bit_tree::{WORD_BITS, lowest_run};
use crate::chunk::Chunk;
use crate::fault::point;

/// The most words of bitmaps that a refill claims slots in, so that the worst single allocation
/// stays short.
const REFILL_WORDS: usize = 16;

/// Slots that were claimed in a word of a bitmap.
#[derive(Clone, Copy, Debug)]
struct Claim {
    chunk: Chunk,
    index: usize,
    mask: usize,
}

impl SyncCore {
    /// Takes a slot where the magazine of this thread has none, or the thread has no magazine.
    #[cold]
    #[inline(never)]
    pub(super) fn refill_and_take(&self) -> Option<NonNull<u8>> {
        let cache = self.cache();
        let tokens = loop {
            // The magazine may be another's that has ended, or filled by an upstream allocator that
            // uses the pool.
            if let Some(slot) = cache.and_then(|cache| cache.magazine.pop()) {
                return Some(slot);
            }
            let tokens = self.tokens.take(cache.map_or(1, Cache::refill));
            point();
            if tokens != 0 {
                self.peak.look(|| self.tokens.count(), || tokens + self.cached());
                break tokens;
            }
            if !self.add_slots() {
                return None;
            }
        };
        match cache {
            Some(cache) => {
                self.refill(cache, tokens);
                cache.magazine.pop()
            }
            None => {
                // With one token it is one slot.
                let Claim { chunk, index, mask } = self.claim(None, 1);
                point();
                chunk.slots_of(index, mask).next()
            }
        }
    }

    /// Moves slots for at most as many as `tokens`, at least one, into the magazine of `cache`,
    /// which is empty, has room for them and is this thread's.
    fn refill(&self, cache: &Cache, mut tokens: usize) {
        cache.refilled();
        let mut claims = [None; REFILL_WORDS];
        for claim in &mut claims {
            if tokens == 0 {
                break;
            }
            let claimed = self.claim(Some(cache), tokens);
            point();
            tokens -= claimed.mask.count_ones() as usize;
            *claim = Some(claimed);
        }
        if tokens != 0 {
            self.tokens.give(tokens);
            point();
        }
        // INVARIANT: `Depot` 3. what was claimed goes into the magazine. What was found first goes
        // in last, the lowest behind all, and so comes out first.
        for Claim { chunk, index, mask } in claims.into_iter().rev().flatten() {
            // Most words are claimed whole where values come and go in turn, and this is faster.
            if lowest_run(mask) == mask {
                let first = index * WORD_BITS + mask.trailing_zeros() as usize;
                cache.magazine.extend(chunk.run(first, mask.count_ones() as usize));
            } else {
                cache.magazine.extend(chunk.slots_of(index, mask));
            }
            point();
        }
    }

    /// Takes a vacant slot in a chunk with a number below `end`, from the bitmaps, into which it
    /// puts the magazine of this thread where they have none there.
    pub(super) fn take_below(&self, end: usize) -> Option<NonNull<u8>> {
        let take = || {
            if self.tokens.take(1) == 0 {
                return None;
            }
            point();
            let mut lower = self.table.hinted(0).take_while(|&number| number < end);
            let claimed = lower.find_map(|number| self.claim_in(number, None, 1));
            if claimed.is_none() {
                self.tokens.give(1);
            }
            point();
            let Claim { chunk, index, mask } = claimed?;
            chunk.slots_of(index, mask).next()
        };
        take().or_else(|| {
            self.caches.with_own(|cache| self.spill_from(cache, usize::MAX));
            take()
        })
    }

    /// Claims at most `tokens` slots of one word, at least one: the caller has as many tokens, and
    /// uses up as many as slots were claimed.
    fn claim(&self, cache: Option<&Cache>, tokens: usize) -> Claim {
        if let Some(claim) = cache.and_then(|cache| self.claim_nearby(cache, tokens)) {
            return claim;
        }
        let start = cache.map_or(0, |cache| cache.chunk.get());
        loop {
            for number in self.table.hinted(start) {
                if let Some(claim) = self.claim_in(number, cache, tokens) {
                    return claim;
                }
            }
            // There is a bit for every token (`Tokens` invariant 1). It may have no hint yet, where
            // a thread has set it and stopped there; and while the bits are looked through, others
            // may come and go.
            for number in self.table.numbers() {
                let Some(chunk) = self.table.get(number) else { break };
                let tell = || self.table.hint(number);
                if let Some((index, mask)) = shared(&chunk).claim_unhinted(tokens, tell) {
                    // Others need not look this long.
                    tell();
                    return Claim { chunk, index, mask };
                }
            }
            hint::spin_loop();
            #[cfg(all(test, loom))]
            loom::thread::yield_now();
        }
    }

    /// Claims where the last refill of `cache` did.
    fn claim_nearby(&self, cache: &Cache, most: usize) -> Option<Claim> {
        let number = cache.chunk.get();
        let chunk = self.table.get(number)?;
        let start = cache.word.get();
        let (index, mask) = shared(&chunk).claim(start, most, || self.table.hint(number))?;
        cache.word.set(index);
        Some(Claim { chunk, index, mask })
    }

    /// Claims in chunk `number`, to which there is a hint.
    fn claim_in(&self, number: usize, cache: Option<&Cache>, most: usize) -> Option<Claim> {
        let chunk = self.table.get(number)?;
        let start = cache.map_or(0, |cache| cache.word.get());
        let claimed = shared(&chunk).claim(start, most, || self.table.hint(number));
        let Some((index, mask)) = claimed else {
            self.table.unhint(number, || shared(&chunk).is_hinted());
            return None;
        };
        if let Some(cache) = cache {
            cache.chunk.set(number);
            cache.word.set(index);
        }
        Some(Claim { chunk, index, mask })
    }
}

/// The bitmap of a chunk.
pub(super) fn shared(chunk: &Chunk) -> SharedBits<'_> {
    SharedBits::new(chunk.words(), chunk.slots())
}
