//! One front over many pools: values of any type and size, each in the pool of its class.

use core::alloc::Layout;
use core::array;
use core::fmt;
use core::iter;
use core::panic::{RefUnwindSafe, UnwindSafe};
use core::ptr;
#[cfg(feature = "allocator-api2")]
use core::ptr::NonNull;
use core::sync::atomic::AtomicPtr;
use core::sync::atomic::Ordering::{Acquire, Release};

use crate::block_pool::BlockPool;
#[cfg(feature = "allocator-api2")]
use crate::direct::Direct;
use crate::error::{PoolError, expect};
use crate::fixed::Fixed;
use crate::ground::Ground;
use crate::guard::Size;
use crate::memory::Slot;
use crate::once::Once;
use crate::plan::{Growth, Leftovers, Plan};
use crate::pool_core::{PoolCore, ThreadSafe};
use crate::size_class::{CLASSES, STEPS, SizeClass, SizeStep};
use crate::size_class_stats::SizeClassStats;

mod slices;
mod values;

/// What [`SizeClassPool`](crate::SizeClassPool) and `SyncSizeClassPool` have in common: a pool of
/// values of any type and size, for one thread or for many, as its cores `C` are.
// # Invariants
//
// 1. `classes[n]` is empty or a pool for the layout of class `n`. `steps[n]` is null or the core of
//    the pool of the class of that step.
// 2. `gate` is a pool for lone chunks.
// 3. `ground` is there where cores share it. The pools of `classes` grow on it, and its tracts name
//    the core of `gate`. Declared, and so dropped, last.
pub struct ClassedPool<C: PoolCore> {
    steps: [AtomicPtr<C>; STEPS],
    classes: [C::Once<BlockPool<C>>; CLASSES],
    gate: BlockPool<C>,
    #[cfg(feature = "allocator-api2")]
    pub(crate) direct: Direct,
    ground: Option<Fixed<Ground>>,
}

// SAFETY: everything the pool reaches belongs to it alone: its pools, of which each is `Send`, with
// the places that they are made in, and the memory and the figures of `ground`, which only those
// reach.
unsafe impl<C: PoolCore> Send for ClassedPool<C> {}

// SAFETY: sharing the pool shares its pools, hence `C: ThreadSafe`, and the places that they are
// made in, hence the bound; there is no ground (clause 2 of `ThreadSafe`); all else is atomic.
unsafe impl<C: ThreadSafe> Sync for ClassedPool<C> where C::Once<BlockPool<C>>: Sync {}

// No call leaves the pool half-done when it unwinds, so a caller that catches a panic finds it as
// usable as before.
impl<C: PoolCore> UnwindSafe for ClassedPool<C> {}
impl<C: PoolCore> RefUnwindSafe for ClassedPool<C> {}

impl<C: PoolCore> ClassedPool<C> {
    /// Makes a pool without memory for values.
    ///
    /// # Panics
    ///
    /// Calls [`handle_alloc_error`](alloc::alloc::handle_alloc_error) where the global allocator
    /// refuses the few bytes that an empty pool takes.
    ///
    /// # Examples
    ///
    /// ```
    /// let pool = typed_pool::SizeClassPool::new();
    /// let (number, text) = (pool.alloc(7), pool.alloc_str("seven"));
    /// assert_eq!((*number, &*text, pool.len()), (7, "seven", 2));
    /// ```
    #[must_use]
    #[track_caller]
    pub fn new() -> Self {
        expect(Self::try_new())
    }

    /// As [`ClassedPool::new`], with an error instead of an abort.
    ///
    /// # Errors
    ///
    /// [`PoolError::OutOfMemory`].
    ///
    /// # Examples
    ///
    /// ```
    /// let pool = typed_pool::SizeClassPool::try_new()?;
    /// assert!(pool.is_empty());
    /// # Ok::<(), typed_pool::PoolError>(())
    /// ```
    pub fn try_new() -> Result<Self, PoolError> {
        let plan = Self::plan(Growth::Lone);
        // SAFETY: 1. it has none.
        let gate = unsafe { BlockPool::<C>::from_plan(Layout::new::<u8>(), plan) }?;
        let ground = match C::SHARES_GROUND {
            true => Some(Fixed::new(|_| Ground::new(gate.core_place()))?),
            false => None,
        };
        // INVARIANT: 1. they are empty. 2. and 3. by the lines above.
        Ok(Self {
            steps: [const { AtomicPtr::new(ptr::null_mut()) }; STEPS],
            classes: array::from_fn(|_| C::Once::default()),
            gate,
            #[cfg(feature = "allocator-api2")]
            direct: Direct::default(),
            ground,
        })
    }

    /// What a pool without slots is to be.
    fn plan(growth: Growth) -> Plan {
        Plan::new(growth, 0, Leftovers::Keep)
    }

    /// The core of the class of a step, if it has been used.
    #[inline]
    pub(crate) fn core_of(&self, step: SizeStep) -> Option<&C> {
        // SAFETY: there are as many places as steps (`SizeStep` invariant 1).
        let place = unsafe { self.steps.get_unchecked(step.index()) };
        // Acquire, with the Release of `add_class`.
        // SAFETY: valid: null, or a core (invariant 1), which lives as long as the pool. Unaliased:
        // no exclusive reference to a core is made before its end.
        unsafe { place.load(Acquire).as_ref() }
    }

    /// The pool of a class, if it has been used.
    pub(crate) fn class(&self, class: SizeClass) -> Option<&BlockPool<C>> {
        self.classes[class.number()].get()
    }

    /// Takes a slot of the class of a layout, where one is in front, for what `size` says.
    #[inline]
    pub(crate) fn take_at_hand(
        &self,
        layout: Layout,
        size: Size,
    ) -> Option<Slot<'_, BlockPool<C>>> {
        let slot = self.core_of(SizeStep::of(layout)?)?.take_at_hand()?;
        // SAFETY: 1. and 2. the core just handed the slot out, and `self` outlives the borrow.
        Some(unsafe { Slot::handed_out(slot, size) })
    }

    /// The pools of all classes that have been used.
    pub(crate) fn used(&self) -> impl Iterator<Item = &BlockPool<C>> {
        self.classes.iter().filter_map(C::Once::get)
    }

    /// The size of the slot that `pointer` points into, where it is one of a class.
    #[cfg(feature = "allocator-api2")]
    pub(crate) fn block_size_at(&self, pointer: NonNull<u8>) -> Option<usize> {
        self.used().find(|pool| pool.contains(pointer)).map(BlockPool::object_size)
    }

    /// Takes a slot for a value of `layout`: the step without a value that all forms of allocation
    /// share. It is of the size and the alignment of the layout at least.
    ///
    /// # Errors
    ///
    /// [`PoolError::AlignTooLarge`], [`PoolError::TooLarge`] or [`PoolError::OutOfMemory`].
    #[inline]
    pub(crate) fn take(&self, layout: Layout) -> Result<Slot<'_, BlockPool<C>>, PoolError> {
        match self.take_at_hand(layout, Size::likely(layout.size())) {
            Some(slot) => Ok(slot),
            None => self.take_otherwise(layout),
        }
    }

    /// As [`ClassedPool::take`], where the value is of no class, or its class has no slot in front.
    ///
    /// # Errors
    ///
    /// As there.
    #[cold]
    #[inline(never)]
    fn take_otherwise(&self, layout: Layout) -> Result<Slot<'_, BlockPool<C>>, PoolError> {
        match SizeClass::of(layout) {
            Some(class) => self.take_of(class, Size::UNKNOWN),
            None => self.gate.take_lone(layout),
        }
    }

    /// Takes a slot of a class, for what `size` says.
    ///
    /// # Errors
    ///
    /// [`PoolError::OutOfMemory`].
    pub(crate) fn take_of(
        &self,
        class: SizeClass,
        size: Size,
    ) -> Result<Slot<'_, BlockPool<C>>, PoolError> {
        let pool = match self.class(class) {
            Some(pool) => pool,
            None => self.add_class(class)?,
        };
        let found = match &self.ground {
            None => pool.take(size),
            // Before more is reserved, what other classes have to spare is looked for.
            Some(ground) => ground
                .without_reserving(|| pool.take(size))
                .or_else(|| {
                    self.gather(ground);
                    pool.take(size)
                })
                // Where no more is to be had, however little they have to spare.
                .or_else(|| {
                    self.release_chunks();
                    pool.take(size)
                }),
        };
        found.ok_or_else(|| pool.refusal())
    }

    /// Makes the pool of a class that has none.
    fn add_class(&self, class: SizeClass) -> Result<&BlockPool<C>, PoolError> {
        let ground = self.ground.as_ref().map(Fixed::place);
        let plan = Plan { ground, ..Self::plan(Growth::OnDemand) };
        // SAFETY: 1. invariant 3: the ground is dropped after the pools of classes.
        let pool = unsafe { BlockPool::from_plan(class.layout(), plan) }?;
        // INVARIANT: 1. and 3. here. Where another thread was faster, this one is dropped.
        let pool = self.classes[class.number()].get_or_set(pool);
        for step in SizeStep::all_of(class) {
            // Release, with the Acquire of `core_of`: the core has been written.
            self.steps[step.index()].store(pool.core_place().cast().as_ptr(), Release);
        }
        Ok(pool)
    }

    /// Has classes give chunks without an occupied slot back to the ground, where much of it is
    /// vacant. Those that have little to spare keep it, and what lies in front of them.
    fn gather(&self, ground: &Ground) {
        let vacant = |pool: &BlockPool<C>| (pool.capacity() - pool.len()) * pool.object_size();
        let all: usize = self.used().map(vacant).sum();
        if ground.is_worth_gathering(all) {
            let rich = self.used().filter(|pool| vacant(pool) * CLASSES >= all);
            let gathered = rich.map(|pool| pool.core().trim()).sum();
            ground.note_gathered(gathered);
        }
    }

    /// Has classes give chunks without an occupied slot back, and the ground whole tracts upstream;
    /// returns the number of bytes that went there.
    pub(crate) fn release_vacant(&self) -> usize {
        let before = self.bytes_reserved();
        self.release_chunks();
        if let Some(ground) = &self.ground {
            ground.release_vacant();
        }
        before - self.bytes_reserved()
    }

    /// The number of bytes in reservations.
    fn bytes_reserved(&self) -> usize {
        let pools = self.used().chain(iter::once(&self.gate));
        let own: usize = pools.map(|pool| pool.core().bytes_upstream()).sum();
        own + self.ground.as_ref().map_or(0, |ground| ground.bytes_reserved())
    }

    /// Has classes give chunks without an occupied slot back.
    fn release_chunks(&self) {
        for pool in self.used() {
            pool.core().trim();
        }
    }

    /// The number of values, those of forgotten and leaked handles included, and of blocks of
    /// classes that were handed out by way of `Allocator`. Takes time in proportion to the number
    /// of classes in use.
    ///
    /// # Examples
    ///
    /// ```
    /// let pool = typed_pool::SizeClassPool::new();
    /// let _values = (pool.alloc(7_u8), pool.alloc([0; 100_000]));
    /// assert_eq!(pool.len(), 2);
    /// ```
    pub fn len(&self) -> usize {
        self.used().map(BlockPool::len).sum::<usize>() + self.gate.len()
    }

    /// Whether no slot is occupied.
    ///
    /// # Examples
    ///
    /// ```
    /// assert!(typed_pool::SizeClassPool::new().is_empty());
    /// ```
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The pool's figures at this moment. Takes time in proportion to the number of chunks.
    ///
    /// # Examples
    ///
    /// ```
    /// let pool = typed_pool::SizeClassPool::new();
    /// let _text = pool.alloc_str("twelve bytes");
    /// assert_eq!(pool.stats().bytes_live, 16);
    /// ```
    pub fn stats(&self) -> SizeClassStats {
        let large = self.gate.core().stats();
        let mut stats = SizeClassStats {
            large: large.len,
            bytes_large: large.bytes_live,
            bytes_reserved: self.bytes_reserved(),
            upstream_allocations: large.upstream_allocations,
            upstream_releases: large.upstream_releases,
            ..SizeClassStats::default()
        };
        for class in self.used().map(|pool| pool.core().stats()) {
            stats.classes += 1;
            stats.len += class.len;
            stats.bytes_live += class.bytes_live;
            stats.upstream_allocations += class.upstream_allocations;
            stats.upstream_releases += class.upstream_releases;
        }
        if let Some(ground) = &self.ground {
            let (allocations, releases) = ground.upstream_calls();
            stats.upstream_allocations += allocations;
            stats.upstream_releases += releases;
        }
        #[cfg(feature = "allocator-api2")]
        self.direct.count(&mut stats);
        stats
    }

    /// Walks everything the pool holds and panics where an invariant does not hold, or where
    /// another thread uses the pool. For tests.
    #[doc(hidden)]
    pub fn check_invariants(&self) {
        for (class, made) in SizeClass::all().zip(&self.classes) {
            let Some(pool) = made.get() else { continue };
            assert_eq!(pool.object_size(), class.size(), "ClassedPool invariant 1");
            pool.check_invariants();
        }
        self.gate.check_invariants();
        if let Some(ground) = &self.ground {
            ground.check_invariants();
        }
    }
}

/// The pool that [`ClassedPool::new`] makes.
impl<C: PoolCore> Default for ClassedPool<C> {
    fn default() -> Self {
        Self::new()
    }
}

impl<C: PoolCore> fmt::Debug for ClassedPool<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stats = self.stats();
        f.debug_struct("SizeClassPool")
            .field("len", &self.len())
            .field("classes", &stats.classes)
            .field("bytes_reserved", &stats.bytes_reserved)
            .finish()
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use super::*;
    use crate::chunk::Chunk;
    use crate::local_core::LocalCore;
    #[cfg(feature = "std")]
    use crate::sync::SyncCore;
    use crate::typed_pool::TypedPool;

    /// Asserts that `check` notices a slot of `core` that is in two places.
    fn is_noticed<C: PoolCore>(core: &C, check: impl Fn()) {
        let slot = core.take().expect("the core has a slot");
        check();
        // SAFETY: 1. the slot was just handed out. 2. It is used while that is occupied.
        let chunk = unsafe { Chunk::holding(slot) };
        let (index, mask) = chunk.bit_of(slot);
        chunk.vacancy().insert(index, mask);
        let noticed = catch_unwind(AssertUnwindSafe(&check));
        chunk.vacancy().remove(index, mask);
        assert!(noticed.is_err());
        check();
        // SAFETY: 1. and 2. it was handed out to this function.
        unsafe { core.put(slot) };
    }

    /// Asserts that the pools with such cores notice it.
    fn is_noticed_by_pools<C: PoolCore>() {
        let blocks = BlockPool::<C>::new(32, 100).unwrap();
        is_noticed(blocks.core(), || blocks.check_invariants());
        let typed = TypedPool::<u64, C>::new();
        is_noticed(typed.core(), || typed.check_invariants());
        let classed = ClassedPool::<C>::new();
        let class = SizeClass::of(Layout::new::<u64>()).unwrap();
        let class = classed.add_class(class).unwrap();
        is_noticed(class.core(), || classed.check_invariants());
    }

    #[test]
    fn a_slot_in_two_places_is_noticed() {
        is_noticed_by_pools::<LocalCore>();
        #[cfg(feature = "std")]
        is_noticed_by_pools::<SyncCore>();
    }
}
