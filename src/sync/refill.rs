//! Slots on their way from the bitmaps to a thread.

use core::hint;
use core::ptr::NonNull;

use super::cache::Cache;
use super::shared_bits::SharedBits;
use super::shelf::Handful;
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

impl Claim {
    /// The number of slots.
    fn slots(&self) -> usize {
        self.mask.count_ones() as usize
    }
}

/// Vacant slots that were found, which are the caller's from then on.
#[derive(Debug)]
enum Found<'c> {
    InBitmap(Claim),
    OnShelf(Handful<'c>),
}

impl SyncCore {
    /// Takes a slot where the magazine of this thread has none, or the thread has no magazine.
    #[cold]
    #[inline(never)]
    pub(super) fn refill_and_take(&self) -> Option<NonNull<u8>> {
        let cache = self.cache();
        if let Some(cache) = cache {
            cache.make_shelf();
        }
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
        let found = self.find(cache, tokens);
        point();
        match (cache, found) {
            (Some(cache), found) => {
                match found {
                    Found::InBitmap(claim) => self.refill(cache, claim, tokens),
                    Found::OnShelf(slots) => self.refill_from_shelf(cache, slots, tokens),
                }
                cache.refilled();
                cache.magazine.pop()
            }
            // With one token it is one slot.
            (None, Found::InBitmap(Claim { chunk, index, mask })) => {
                chunk.slots_of(index, mask).next()
            }
            (None, Found::OnShelf(mut slots)) => slots.next(),
        }
    }

    /// Moves slots for at most as many as `tokens`, at least one, into the magazine of `cache`,
    /// which is empty, has room for them and is this thread's: those that were claimed first, and
    /// more that hints lead to.
    fn refill(&self, cache: &Cache, first: Claim, mut tokens: usize) {
        tokens -= first.slots();
        let mut claims = [None; REFILL_WORDS];
        let (head, others) = claims.split_first_mut().expect("a refill looks at a word at least");
        *head = Some(first);
        for claim in others {
            if tokens == 0 {
                break;
            }
            let Some(claimed) = self.claim(Some(cache), tokens) else { break };
            point();
            tokens -= claimed.slots();
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

    /// Moves slots from a shelf into the magazine of `cache`, as [`SyncCore::refill`] does: what
    /// was put there first comes out first, as values that were made in turn are often freed so.
    fn refill_from_shelf(&self, cache: &Cache, slots: Handful<'_>, tokens: usize) {
        let unused = tokens - slots.len();
        // INVARIANT: `Depot` 3. from a shelf to the magazine.
        cache.magazine.extend(slots);
        point();
        if unused != 0 {
            self.tokens.give(unused);
        }
    }

    /// Takes a vacant slot in a chunk with a number below `end`, from the bitmaps.
    pub(super) fn take_below(&self, end: usize) -> Option<NonNull<u8>> {
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
    }

    /// Finds at most `tokens` slots, at least one: the caller has as many tokens, and uses up as
    /// many as slots were found.
    fn find<'c>(&'c self, cache: Option<&'c Cache>, tokens: usize) -> Found<'c> {
        if let Some(slots) = cache.and_then(|cache| cache.take_from_shelf(tokens)) {
            return Found::OnShelf(slots);
        }
        loop {
            if let Some(claim) = self.claim(cache, tokens) {
                return Found::InBitmap(claim);
            }
            // There is a slot for every token (`Tokens` invariant 1). It may be on the shelf of
            // another thread.
            let others = || self.caches.iter().find_map(|other| other.take_from_shelf(tokens));
            if let Some(slots) = others() {
                return Found::OnShelf(slots);
            }
            // Or its bit has no hint yet, where a thread has set it and stopped there; and while
            // one looks, others may come and go.
            if let Some(claim) = self.claim_unhinted(tokens) {
                return Found::InBitmap(claim);
            }
            hint::spin_loop();
            #[cfg(all(test, loom))]
            loom::thread::yield_now();
        }
    }

    /// Claims at most `tokens` slots of one word, where hints lead to.
    fn claim(&self, cache: Option<&Cache>, tokens: usize) -> Option<Claim> {
        cache.and_then(|cache| self.claim_nearby(cache, tokens)).or_else(|| {
            let start = cache.map_or(0, |cache| cache.chunk.get());
            self.table.hinted(start).find_map(|number| self.claim_in(number, cache, tokens))
        })
    }

    /// Claims at most `tokens` slots of one word, looking at every word of every chunk.
    fn claim_unhinted(&self, tokens: usize) -> Option<Claim> {
        self.table.numbers().find_map(|number| {
            let chunk = self.table.get(number)?;
            let tell = || self.table.hint(number);
            let (index, mask) = shared(&chunk).claim_unhinted(tokens, tell)?;
            // Others need not look this long.
            tell();
            Some(Claim { chunk, index, mask })
        })
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
