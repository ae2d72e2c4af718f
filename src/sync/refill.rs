//! Slots on their way from the bitmaps to a thread.

use core::hint;
use core::ptr::NonNull;

use super::cache::Cache;
use super::shared_bits::{SharedBits, Wanted};
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

/// Slots that were claimed in bitmaps, and what is wanted beside them.
#[derive(Debug)]
struct Claims {
    /// Those in front are there: one for each word that is not wanted any more.
    found: [Option<Claim>; REFILL_WORDS],
    wanted: Wanted,
}

impl Claims {
    /// None yet, of at most `slots` slots.
    fn wanting(slots: usize) -> Self {
        Self { found: [None; REFILL_WORDS], wanted: Wanted { slots, words: REFILL_WORDS } }
    }

    /// Whether nothing has been claimed.
    fn is_empty(&self) -> bool {
        self.wanted.words == REFILL_WORDS
    }

    /// Claims in a chunk, from word `start` of its bitmap on and round. Returns the last word that
    /// slots were found in, if there were any.
    fn claim(&mut self, chunk: Chunk, start: usize, tell: impl Fn()) -> Option<usize> {
        let mut places = self.found[REFILL_WORDS - self.wanted.words..].iter_mut();
        let mut last = None;
        let each = |index, mask| {
            let place = places.next().expect("there is one for each word that is wanted");
            *place = Some(Claim { chunk, index, mask });
            last = Some(index);
        };
        SharedBits::of(&chunk).claim(start, &mut self.wanted, each, tell);
        last
    }

    /// Adds the first claim, of as many slots as are wanted at most.
    fn begin_with(&mut self, claim: Claim) {
        debug_assert!(self.is_empty());
        self.found[0] = Some(claim);
        self.wanted.found(claim.mask);
    }

    /// A slot of what was claimed first, which is all there is where no more than one was wanted.
    fn single(&self) -> Option<NonNull<u8>> {
        let Claim { chunk, index, mask } = self.found[0]?;
        chunk.slots_of(index, mask).next()
    }
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
        let mut claims = Claims::wanting(tokens);
        let on_shelf = self.find(cache, &mut claims);
        point();
        let Some(cache) = cache else {
            // With one token it is one slot.
            return on_shelf.map_or_else(|| claims.single(), |mut slots| slots.next());
        };
        match on_shelf {
            Some(slots) => self.refill_from_shelf(cache, slots, tokens),
            None => self.refill(cache, &claims),
        }
        cache.refilled();
        cache.magazine.pop()
    }

    /// Moves slots that were claimed into the magazine of `cache`, which is empty, has room for
    /// them and is this thread's, and gives back tokens for those that were not found.
    fn refill(&self, cache: &Cache, claims: &Claims) {
        if claims.wanted.slots != 0 {
            self.tokens.give(claims.wanted.slots);
            point();
        }
        // INVARIANT: `Depot` 3. what was claimed goes into the magazine. What was found first goes
        // in last, the lowest behind all, and so comes out first.
        for Claim { chunk, index, mask } in claims.found.iter().rev().flatten().copied() {
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
        let mut claims = Claims::wanting(1);
        self.claim_hinted(None, &mut claims, end);
        if claims.is_empty() {
            self.tokens.give(1);
        }
        point();
        claims.single()
    }

    /// Finds slots, at least one: the caller has tokens for as many as are wanted. They are on a
    /// shelf, if those are returned, or else those of `claims`.
    fn find<'c>(&'c self, cache: Option<&'c Cache>, claims: &mut Claims) -> Option<Handful<'c>> {
        let tokens = claims.wanted.slots;
        if let Some(slots) = cache.and_then(|cache| cache.take_from_shelf(tokens)) {
            return Some(slots);
        }
        loop {
            if let Some(cache) = cache {
                self.claim_nearby(cache, claims);
            }
            self.claim_hinted(cache, claims, usize::MAX);
            if !claims.is_empty() {
                return None;
            }
            // There is a slot for every token (`Tokens` invariant 1). It may be on the shelf of
            // another thread.
            let others = || self.caches.iter().find_map(|other| other.take_from_shelf(tokens));
            if let Some(slots) = others() {
                return Some(slots);
            }
            // Or its bit has no hint yet, where a thread has set it and stopped there; and while
            // one looks, others may come and go.
            if let Some(claim) = self.claim_unhinted(tokens) {
                claims.begin_with(claim);
                return None;
            }
            hint::spin_loop();
            #[cfg(all(test, loom))]
            loom::thread::yield_now();
        }
    }

    /// Claims where the last refill of `cache` did.
    fn claim_nearby(&self, cache: &Cache, claims: &mut Claims) {
        let number = cache.chunk.get();
        let Some(chunk) = self.table.get(number) else { return };
        if let Some(last) = claims.claim(chunk, cache.word.get(), || self.table.hint(number)) {
            cache.word.set(last);
        }
    }

    /// Claims where hints lead to, in chunks with numbers below `end`, beginning where the last
    /// refill of `cache` ended.
    fn claim_hinted(&self, cache: Option<&Cache>, claims: &mut Claims, end: usize) {
        let (start, word) = cache.map_or((0, 0), |cache| (cache.chunk.get(), cache.word.get()));
        let mut numbers = self.table.hinted(start).take_while(|&number| number < end);
        // Who has enough does not look at hints, which others write to.
        while !claims.wanted.is_nothing() {
            let Some(number) = numbers.next() else { break };
            let Some(chunk) = self.table.get(number) else { continue };
            let Some(last) = claims.claim(chunk, word, || self.table.hint(number)) else {
                // INVARIANT: `SyncCore` 7. it looks again.
                self.table.unhint(number, || SharedBits::of(&chunk).is_hinted());
                continue;
            };
            if let Some(cache) = cache {
                cache.chunk.set(number);
                cache.word.set(last);
            }
        }
    }

    /// Claims at most `most` slots of one word, looking at every word of every chunk.
    fn claim_unhinted(&self, most: usize) -> Option<Claim> {
        self.table.numbers().find_map(|number| {
            let chunk = self.table.get(number)?;
            let tell = || self.table.hint(number);
            let (index, mask) = SharedBits::of(&chunk).claim_unhinted(most, tell)?;
            // Others need not look this long.
            tell();
            Some(Claim { chunk, index, mask })
        })
    }
}
