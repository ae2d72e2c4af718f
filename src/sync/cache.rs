//! The magazines of threads, found by their numbers.

use alloc::alloc::alloc;
use alloc::boxed::Box;
use core::alloc::Layout;
use core::array;
use core::cell::Cell;
use core::mem::offset_of;
use core::ptr::{self, NonNull};
use core::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use core::sync::atomic::{AtomicPtr, AtomicUsize};
use std::sync::OnceLock;

use super::gathered::Gathered;
use super::padded::Padded;
use super::shelf::{BATCHES, Handful, Shelf};
use super::thread_number::{self, THREADS};
use crate::bit_tree::WORD_BITS;
use crate::error::PoolError;
use crate::fault::point;
use crate::fixed::Fixed;
use crate::magazine::Magazine;

/// A magazine, and where it was last refilled. It belongs to the thread of a number, and to the
/// next that has the number when that one has ended. Other threads look at what is in the magazine
/// at most, and take from the shelf.
#[derive(Debug)]
pub(super) struct Cache {
    pub(super) magazine: Magazine<true>,
    /// The number of the chunk that the last refill found slots in.
    pub(super) chunk: Cell<usize>,
    /// And of the word in its bitmap.
    pub(super) word: Cell<usize>,
    /// The most slots that the next refill takes.
    refill: Cell<usize>,
    /// What is being spilled: empty between operations, but for what one broke off. There is none
    /// without room for slots; it is large beside the rest, and every pool has such a cache.
    pub(super) gathered: Option<Fixed<Gathered>>,
    /// Batches of vacant slots, apart from what the thread writes to at each step.
    shelf: OnceLock<Fixed<Shelf>>,
    /// How many slots may be laid by on it: no more than the magazine was refilled with. So who
    /// only frees leaves them in the bitmaps, for those who allocate.
    credit: Cell<usize>,
    /// Whether there were slots to lay by, and no shelf.
    lacks_shelf: Cell<bool>,
}

impl Cache {
    const fn without_room() -> Self {
        Self::new(0, 0)
    }

    /// A cache that starts its search for slots at the chunk and the word given.
    const fn new(chunk: usize, word: usize) -> Self {
        Self {
            magazine: Magazine::new(),
            chunk: Cell::new(chunk),
            word: Cell::new(word),
            refill: Cell::new(WORD_BITS),
            gathered: None,
            shelf: OnceLock::new(),
            credit: Cell::new(0),
            lacks_shelf: Cell::new(false),
        }
    }

    /// The number of slots that a locked instruction or more is spent on at once: half of what the
    /// magazine has room for, so that it takes as many calls before it is empty or full again.
    pub(super) fn half(&self) -> usize {
        self.magazine.capacity().div_ceil(2)
    }

    /// The most slots that a refill takes: twice as many as the last one might, up to
    /// [`Cache::half`], so that a thread that allocates little holds little back.
    pub(super) fn refill(&self) -> usize {
        self.refill.get().min(self.half())
    }

    /// Notes that the magazine was refilled.
    pub(super) fn refilled(&self) {
        let credit = self.credit.get() + self.magazine.len();
        self.credit.set(credit.min(BATCHES * self.half()));
        self.refill.set(2 * self.refill());
    }

    /// Makes a shelf where one was lacking. Without the memory for it, all goes on as before.
    pub(super) fn make_shelf(&self) {
        // An upstream allocator that uses the pool comes here again, and finds nothing to do.
        if self.lacks_shelf.take() {
            if let Ok(shelf) = Shelf::new(self.half()).and_then(|shelf| Fixed::new(|_| shelf)) {
                // There may be one by now, which lacked once more meanwhile: then this one goes.
                let _ = self.shelf.set(shelf);
            }
        }
    }

    /// Lays half of the full magazine by, on the shelf; returns whether it was. It has tokens from
    /// then on that are yet to be given.
    pub(super) fn put_on_shelf(&self) -> bool {
        let Some(credit) = self.credit.get().checked_sub(self.half()) else { return false };
        let Some(shelf) = self.shelf.get() else {
            self.lacks_shelf.set(true);
            return false;
        };
        let done = shelf.put(|| self.magazine.take_last(self.half()));
        if done {
            self.credit.set(credit);
        }
        done
    }

    /// Takes at most `most` slots from the shelf, of a cache that may be another thread's. Who does
    /// has as many tokens, or the core to himself.
    pub(super) fn take_from_shelf(&self, most: usize) -> Option<Handful<'_>> {
        self.shelf.get()?.take(most)
    }

    /// The slots on the shelf.
    pub(super) fn shelved(&self) -> impl Iterator<Item = NonNull<u8>> {
        self.shelf.get().into_iter().flat_map(|shelf| shelf.iter())
    }
}

/// A place for the cache of every number.
///
/// # Invariants
///
/// 1. An entry is the address of `nobody`, whose magazine never has room, or of a cache that
///    [`Caches::add`] allocated, which lives as long as this value.
/// 2. This value lies where it was made to lie, as long as it is used.
/// 3. The magazine of a cache that is an entry does not grow.
/// 4. From number `end` on, every entry is the address of `nobody`.
#[derive(Debug)]
pub(super) struct Caches {
    entries: [AtomicPtr<Padded<Cache>>; THREADS],
    nobody: Padded<Cache>,
    end: AtomicUsize,
}

impl Caches {
    /// No caches.
    ///
    /// # Safety
    ///
    /// 1. The result is moved to `place` before it is used, and not from there.
    pub(super) unsafe fn new(place: NonNull<Self>) -> Self {
        // The offset of a field does not leave the value.
        let nobody = place.as_ptr().wrapping_byte_add(offset_of!(Self, nobody));
        // INVARIANT: 1. and 4. here. 2. clause 1.
        Self {
            entries: array::from_fn(|_| AtomicPtr::new(nobody.cast())),
            nobody: Padded(Cache::without_room()),
            end: AtomicUsize::new(0),
        }
    }

    /// Uses the cache of this thread, or one without room, if the thread has a number.
    ///
    /// It takes what to do, since an `Option` of a cache would be looked at once more.
    #[inline]
    pub(super) fn with_own<R>(&self, run: impl FnOnce(&Cache) -> R) -> Option<R> {
        let entry = self.entries.get(thread_number::get())?;
        // Relaxed: it was stored under this number, by this thread or one before.
        // SAFETY: valid: invariant 1. Unaliased: no exclusive reference to a cache is made before
        // the end of this value.
        Some(run(unsafe { &*entry.load(Relaxed) }))
    }

    /// The cache of the thread of `number`, which is the caller, if there is one.
    pub(super) fn get(&self, number: usize) -> Option<&Cache> {
        let cache = self.entries.get(number)?.load(Acquire);
        if ptr::eq(cache, &raw const self.nobody) {
            return None;
        }
        // SAFETY: valid: invariant 1. Unaliased: no exclusive reference to a cache is made before
        // the end of this value.
        Some(unsafe { &*cache })
    }

    /// Makes a cache with room for `slots` slots, at least one, for the thread of `number`, which
    /// is the caller and has none; `first` is to succeed before it is used. It starts its search
    /// for slots at the chunk and the word given.
    ///
    /// # Errors
    ///
    /// That of `first`, or [`PoolError::OutOfMemory`].
    pub(super) fn add(
        &self,
        number: usize,
        slots: usize,
        (chunk, word): (usize, usize),
        first: impl FnOnce() -> Result<(), PoolError>,
    ) -> Result<&Cache, PoolError> {
        let gathered = Some(Fixed::new(|_| Gathered::new())?);
        let cache = Cache { gathered, ..Cache::new(chunk, word) };
        cache.magazine.grow(slots)?;
        let layout = Layout::new::<Padded<Cache>>();
        // SAFETY: a cache is not of size 0.
        let memory = NonNull::new(unsafe { alloc(layout) })
            .ok_or(PoolError::OutOfMemory { bytes: layout.size() })?
            .cast::<Padded<Cache>>();
        // SAFETY: the memory was just allocated for a cache.
        unsafe { memory.write(Padded(cache)) };
        // SAFETY: the global allocator gave the memory for a cache, which has been written, and
        // nobody else knows of it.
        let cache = unsafe { Box::from_raw(memory.as_ptr()) };
        point();
        // An upstream allocator that uses the pool may have made one meanwhile, in this thread.
        if let Some(existing) = self.get(number) {
            return Ok(existing);
        }
        first()?;
        let cache = Box::into_raw(cache);
        // Relaxed: who has not learnt of this cache may leave it out.
        // INVARIANT: 4. before it could be broken.
        self.end.fetch_max(number + 1, Relaxed);
        // Release, with the Acquire of `get`: the cache has been written.
        // INVARIANT: 1. and 3. by the lines above.
        self.entries[number].store(cache, Release);
        point();
        // SAFETY: valid: as just written, and it is there as long as this value (invariant 1).
        // Unaliased: no exclusive reference to a cache is made before.
        Ok(unsafe { &*cache })
    }

    /// All caches.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Cache> {
        // The numbers are dense: most pools have a few caches, at the front.
        (0..self.end.load(Relaxed)).filter_map(|number| self.get(number))
    }
}

impl Drop for Caches {
    fn drop(&mut self) {
        let end = *self.end.get_mut();
        let nobody = &raw const self.nobody;
        for entry in &self.entries[..end] {
            let cache = entry.load(Relaxed);
            if !ptr::eq(cache, nobody) {
                // SAFETY: `Caches::add` had it of a box (invariant 1), and all caches end here.
                drop(unsafe { Box::from_raw(cache) });
            }
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    /// Puts four made-up addresses into the magazine, which nobody follows.
    fn add_four(cache: &Cache) {
        let slots = (1..=4).map(ptr::without_provenance_mut);
        cache.magazine.extend(slots.map(|slot| NonNull::new(slot).unwrap()));
    }

    #[test]
    fn refills_double_up_to_half_of_the_magazine() {
        for slots in [1, 2, 7, 100, 1000] {
            let cache = Cache::new(3, 5);
            assert_eq!((cache.chunk.get(), cache.word.get()), (3, 5));
            assert_eq!((cache.half(), cache.refill()), (0, 0));
            cache.magazine.grow(slots).unwrap();
            assert_eq!(cache.half(), slots.div_ceil(2));
            for doublings in 0..8 {
                assert_eq!(cache.refill(), (WORD_BITS << doublings).min(slots.div_ceil(2)));
                cache.refilled();
            }
        }
    }

    #[test]
    fn as_much_may_be_laid_by_as_a_shelf_has_room_for() {
        let cache = Cache::new(0, 0);
        cache.magazine.grow(8).unwrap();
        // It was refilled with a batch more.
        add_four(&cache);
        (0..=BATCHES).for_each(|_| cache.refilled());
        cache.lacks_shelf.set(true);
        cache.make_shelf();
        for _ in 0..BATCHES {
            assert!(cache.put_on_shelf());
            add_four(&cache);
        }
        assert_eq!(cache.take_from_shelf(4).unwrap().count(), 4);
        assert!(!cache.put_on_shelf(), "credit ends with the room of a shelf");
    }

    #[test]
    fn no_more_is_laid_by_than_was_taken() {
        let cache = Cache::new(0, 0);
        cache.magazine.grow(8).unwrap();
        // A thread that only frees.
        add_four(&cache);
        add_four(&cache);
        assert!(!cache.put_on_shelf());
        cache.make_shelf();
        assert!(cache.shelf.get().is_none(), "there was nothing to lay by");
        // One that has taken four, and frees eight.
        assert_eq!(cache.magazine.take_last(8).count(), 8);
        add_four(&cache);
        cache.refilled();
        add_four(&cache);
        assert!(!cache.put_on_shelf(), "there is no shelf yet");
        cache.make_shelf();
        assert!(cache.put_on_shelf());
        assert_eq!((cache.magazine.len(), cache.shelved().count()), (4, 4));
        add_four(&cache);
        assert!(!cache.put_on_shelf());
        assert_eq!(cache.take_from_shelf(8).unwrap().count(), 4);
    }
}
