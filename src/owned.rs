//! Handles that keep their pool: of each, one strong count of the `Rc` or `Arc` that the pool lies
//! in.

use alloc::rc::Rc;
#[cfg(feature = "std")]
use alloc::sync::Arc;
use core::cell::Cell;
use core::marker::PhantomData;
use core::ptr::NonNull;
#[cfg(feature = "std")]
use core::sync::atomic::{AtomicPtr, Ordering::Relaxed};

use crate::block_pool::BlockPool;
use crate::error::{PoolError, TryAllocError};
use crate::local_core::LocalCore;
use crate::memory::{Memory, Slot, sealed::Slots};
use crate::memory_pool::MemoryPool;
use crate::pool_box::PoolBox;
use crate::pool_core::{PoolCore, core_of};
use crate::pool_ref::ReachPool;
#[cfg(feature = "std")]
use crate::sync::SyncCore;
#[cfg(feature = "std")]
use crate::sync_memory_pool::SyncMemoryPool;
use crate::typed_pool::TypedPool;

/// The memory of handles that keep their pool, where that lies in an `Rc` or an `Arc`:
/// [`OwnedPoolBox`] and `SyncOwnedPoolBox`.
///
/// There are no values of this type: it is what tells such handles from those that borrow.
///
/// # Examples
///
/// A function for such handles only:
///
/// ```
/// use std::rc::Rc;
/// use typed_pool::{MemoryPool, Owned, Pool, PoolBox};
///
/// fn keep(kept: &mut Vec<PoolBox<'static, u32, Owned<MemoryPool>>>, pool: &Rc<Pool<u32>>) {
///     kept.push(pool.alloc_owned(7));
/// }
///
/// let mut kept = Vec::new();
/// keep(&mut kept, &Rc::new(Pool::new()));
/// assert_eq!(*kept[0], 7);
/// ```
// # Invariants
//
// 1. For each slot that is held with this memory, by a handle or a `Slot`, one strong count is held
//    of the `Rc` or `Arc` of a `TypedPool` in which lies the pool of the slot's core. One that is
//    forgotten or leaked never gives its count back.
// 2. While there is such a slot, the home noted in its core is what `into_raw` of that `Rc` or
//    `Arc` gives, with its provenance.
//
// 2 is so since the pool cannot leave that allocation meanwhile, so that whatever is noted is the
// same. It is moved out (`try_unwrap`, `into_inner`) or exchanged for another (`mem::swap` by way
// of `get_mut`) by whoever has an `Rc` whose strong count is 1, and ends where that is 0. But by 1
// there is a count that no `Rc` holds, so where there is an `Rc` they are 2 at least. A `Weak` is
// upgraded to an `Rc` of the same allocation, `new_cyclic` gives none before the pool is there, and
// handles that borrow the pool do so by way of an `Rc`, which lives as long. Once the last such
// slot is given back, the home may be stale, and is not read before the next is taken, for which it
// is noted anew.
#[derive(Debug)]
pub struct Owned<M> {
    memory: PhantomData<*const M>,
}

// SAFETY: there is nothing to share but what handles reach by way of it: the core, as if by `&M`,
// hence `M: Sync`, and the counts of the pool, which are atomic then (clause 2 of `Counted`).
unsafe impl<M: Sync> Sync for Owned<M> {}

/// A handle that keeps its pool and has no lifetime: what `Pool::alloc_owned` returns, where the
/// pool lies in an `Rc`.
///
/// It is a [`PoolBox`], with all that this has. It can be stored beside the pool, or without it:
/// the pool goes when its last `Rc` and its last such handle are gone, in any order. It counts in
/// `Rc::strong_count`, so `Rc::try_unwrap` and `Rc::get_mut` give nothing while one lives. One that
/// is forgotten or leaked ([`PoolBox::leak`]) keeps the pool for ever.
///
/// Values in the pool that own such handles of the same pool keep it as long as they live; values
/// that no handle outside leads to keep themselves and the pool, as with `Rc`.
///
/// # Examples
///
/// A struct that owns its pool and its handles:
///
/// ```
/// use std::rc::Rc;
/// use typed_pool::{OwnedPoolBox, Pool};
///
/// struct World {
///     pool: Rc<Pool<String>>,
///     names: Vec<OwnedPoolBox<String>>,
/// }
///
/// let mut world = World { pool: Rc::new(Pool::new()), names: Vec::new() };
/// world.names.push(world.pool.alloc_owned(String::from("Ada")));
/// let name = world.names.remove(0);
/// drop(world);
/// assert_eq!(*name, "Ada");
/// assert_eq!(size_of_val(&name), size_of::<usize>());
/// ```
pub type OwnedPoolBox<T> = PoolBox<'static, T, Owned<MemoryPool>>;

/// A handle that keeps its pool, which threads share, and has no lifetime: what
/// `SyncPool::alloc_owned` returns, where the pool lies in an `Arc`. The twin of [`OwnedPoolBox`].
///
/// # Examples
///
/// ```
/// use std::sync::Arc;
/// use std::thread;
/// use typed_pool::{SyncOwnedPoolBox, SyncPool};
///
/// let pool = Arc::new(SyncPool::new());
/// let message: SyncOwnedPoolBox<String> = pool.alloc_owned(String::from("sent"));
/// drop(pool);
/// thread::spawn(move || assert_eq!(*message, "sent")).join().unwrap();
/// ```
#[cfg(feature = "std")]
pub type SyncOwnedPoolBox<T> = PoolBox<'static, T, Owned<SyncMemoryPool>>;

/// A core whose pool can be kept by counts: those of an `Rc` where it is for one thread, those of
/// an `Arc`, and so atomic, where it is for many.
///
/// # Safety
///
/// 1. [`Counted::noted`] returns what was given to [`Counted::note`], with its provenance: the last
///    of what happened before, or what was noted since.
/// 2. Where the core is [`ThreadSafe`](crate::pool_core::ThreadSafe), all of it may be called by
///    several threads at once.
pub unsafe trait Counted: PoolCore {
    /// Notes where the pool lies.
    fn note(&self, home: *const BlockPool<Self>);

    /// What has been noted.
    fn noted(&self) -> *const BlockPool<Self>;

    /// Adds a strong count to the `Rc` or `Arc` of a pool.
    ///
    /// # Safety
    ///
    /// 1. `home` came from `into_raw` of that of a [`TypedPool`] with this core, and there is a
    ///    count.
    unsafe fn add_count(home: *const BlockPool<Self>);

    /// Takes a strong count away; drops the pool with the last.
    ///
    /// # Safety
    ///
    /// 1. As for [`Counted::add_count`].
    /// 2. The count belongs to the caller, who gives it up.
    unsafe fn drop_count(home: *const BlockPool<Self>);
}

// SAFETY: 1. that of the pool's own `Slots`; the slot comes with a count (`Owned` invariant 1).
unsafe impl<C: Counted> Slots for Owned<BlockPool<C>> {
    const MARK: usize = 2 + BlockPool::<C>::MARK;

    #[inline]
    unsafe fn take_beside(slot: NonNull<u8>) -> Option<NonNull<u8>> {
        // SAFETY: 1. clause 1.
        let beside = unsafe { BlockPool::<C>::take_beside(slot) }?;
        // SAFETY: 1. clause 1.
        let home = unsafe { core_of::<C>(slot) }.noted();
        // INVARIANT: 1. here.
        // SAFETY: 1. invariant 2, since `slot` is held; its own count is there (invariant 1).
        unsafe { C::add_count(home) };
        Some(beside)
    }

    #[cold]
    unsafe fn refusal_beside(slot: NonNull<u8>) -> PoolError {
        // SAFETY: 1. clause 1.
        unsafe { BlockPool::<C>::refusal_beside(slot) }
    }

    /// Gives the slot back first and the count last, for with it the pool may go.
    #[inline]
    unsafe fn put_back(slot: NonNull<u8>) {
        // SAFETY: 1. clause 1.
        let core = unsafe { core_of::<C>(slot) };
        // SAFETY: 1. it is the slot's own core. 2. clause 2.
        unsafe { core.put(slot) };
        // The core is not referred to in the call below, which may end it.
        // SAFETY: 1. invariant 2: the slot's count is still there. 2. it is that of the slot, which
        // belonged to the caller (invariant 1).
        unsafe { C::drop_count(core.noted()) };
    }

    unsafe fn relocate(slot: NonNull<u8>, move_to: impl FnOnce(NonNull<u8>)) -> bool {
        // INVARIANT: 1. the count is that of the value, in whichever slot it lies.
        // SAFETY: 1. clause 1. 2. clause 2. 3. clause 3.
        unsafe { BlockPool::<C>::relocate(slot, move_to) }
    }

    /// The pool does not end before the slot's count is given back, which nobody has any more.
    unsafe fn give_up(slot: NonNull<u8>) {
        // SAFETY: 1. clause 1. 2. clause 2.
        unsafe { BlockPool::<C>::give_up(slot) };
    }
}

impl<C: Counted> Memory for Owned<BlockPool<C>> {}

/// A slot, and the count that comes with it.
type OwnedSlot<C> = Slot<'static, Owned<BlockPool<C>>>;

impl<T, C: Counted> TypedPool<T, C> {
    /// Takes a vacant slot, and a count that goes with it.
    ///
    /// # Safety
    ///
    /// 1. `count` returns what `into_raw` of a clone of the `Rc` or `Arc` gives in which this pool
    ///    lies; that count belongs to nobody else.
    #[inline]
    unsafe fn take_owned(&self, count: impl FnOnce() -> *const Self) -> Option<OwnedSlot<C>> {
        // Laid out and dropped as a pool with a type is (`TypedPool` invariant 2), one without may
        // stand in its place behind an `Rc`: in `from_raw` only size and alignment need be those of
        // the type that `into_raw` had.
        const { assert!(size_of::<Self>() == size_of::<BlockPool<C>>()) };
        const { assert!(align_of::<Self>() == align_of::<BlockPool<C>>()) };
        let slot = self.take()?;
        // INVARIANT: `Owned` 1. and 2. clause 1.
        self.core().note(count().cast());
        // SAFETY: 1. it is one of the core, which lives as long as the count is there.
        Some(unsafe { slot.with_memory() })
    }
}

/// What examples begin with.
macro_rules! example_of {
    ($Count:ident, $pool:literal, $made:literal) => {
        concat!(
            "use std::{rc::Rc, sync::Arc};\nuse typed_pool::",
            $pool,
            ";\n\n",
            "let pool = ",
            stringify!($Count),
            "::new(",
            $pool,
            "::",
            $made,
            ");",
        )
    };
}

/// Lets pools be kept by counts of one kind: one body of code for `Rc` and `Arc`, since a method
/// cannot be written for both.
macro_rules! keep_by_counts {
    ($Count:ident, $pool:literal, $core:ty, $note:expr, $read:expr) => {
        // SAFETY: 1. a cell or an atomic does. 2. So it is of an atomic and an `Arc`.
        unsafe impl Counted for $core {
            #[inline]
            fn note(&self, home: *const BlockPool<Self>) {
                $note(self.home(), home.cast());
            }

            #[inline]
            fn noted(&self) -> *const BlockPool<Self> {
                $read(self.home()).cast()
            }

            #[inline]
            unsafe fn add_count(home: *const BlockPool<Self>) {
                // SAFETY: `home` came from `into_raw`, of a pool with a type, which is laid out as
                // one without (`TypedPool` invariant 2); there is a count (clause 1).
                unsafe { $Count::increment_strong_count(home) };
            }

            #[inline]
            unsafe fn drop_count(home: *const BlockPool<Self>) {
                // SAFETY: `home` came from `into_raw`, of a pool with a type, which is laid out and
                // ends as one without (clause 1, `TypedPool` invariant 2); the count is the
                // caller's (clause 2).
                drop(unsafe { $Count::from_raw(home) });
            }
        }

        impl<T> TypedPool<T, $core> {
            /// Takes a vacant slot, and a count that goes with it.
            #[inline]
            fn take_counted(self: &$Count<Self>) -> Option<OwnedSlot<$core>> {
                // SAFETY: 1. it does, by its words.
                unsafe { self.take_owned(|| $Count::into_raw($Count::clone(self))) }
            }

            /// Moves `value` into a slot; the handle keeps the pool, which lies in an
            #[doc = concat!("`", stringify!($Count), "`.")]
            ///
            /// # Panics
            ///
            /// As [`TypedPool::alloc`].
            ///
            /// # Examples
            ///
            /// ```
            #[doc = example_of!($Count, $pool, "new()")]
            /// let word = pool.alloc_owned("word");
            /// drop(pool);
            /// assert_eq!(*word, "word");
            /// ```
            #[inline]
            #[track_caller]
            pub fn alloc_owned(self: &$Count<Self>, value: T) -> OwnedHandle<T, $core> {
                let Some(slot) = self.take_counted() else { self.memory().refuse() };
                // SAFETY: 1. `TypedPool` invariant 1.
                unsafe { PoolBox::fill(slot, value) }
            }

            /// Moves `value` into a slot, or gives it back; the handle keeps the pool, which lies
            /// in an
            #[doc = concat!("`", stringify!($Count), "`.")]
            ///
            /// # Errors
            ///
            /// As [`TypedPool::try_alloc`].
            ///
            /// # Examples
            ///
            /// ```
            #[doc = example_of!($Count, $pool, "bounded(0)")]
            /// assert_eq!(pool.try_alloc_owned(7).unwrap_err().into_inner(), 7);
            /// ```
            #[inline]
            pub fn try_alloc_owned(
                self: &$Count<Self>,
                value: T,
            ) -> Result<OwnedHandle<T, $core>, TryAllocError<T>> {
                match self.take_counted() {
                    // SAFETY: 1. `TypedPool` invariant 1.
                    Some(slot) => Ok(unsafe { PoolBox::fill(slot, value) }),
                    None => Err(TryAllocError::new(value, self.memory().refusal())),
                }
            }

            /// Builds a value in a slot; the handle keeps the pool, which lies in an
            #[doc = concat!("`", stringify!($Count), "`.")]
            /// The slot is taken first, and given back where `build` panics.
            ///
            /// # Panics
            ///
            /// As [`TypedPool::alloc_with`].
            ///
            /// # Examples
            ///
            /// ```
            #[doc = example_of!($Count, $pool, "new()")]
            /// assert_eq!(*pool.alloc_owned_with(|| 7), 7);
            /// ```
            #[inline]
            #[track_caller]
            pub fn alloc_owned_with(
                self: &$Count<Self>,
                build: impl FnOnce() -> T,
            ) -> OwnedHandle<T, $core> {
                let Some(slot) = self.take_counted() else { self.memory().refuse() };
                // SAFETY: 1. `TypedPool` invariant 1.
                unsafe { PoolBox::fill_with(slot, build) }
            }

            /// Builds a value in a slot, or gives the builder back; the handle keeps the pool,
            /// which lies in an
            #[doc = concat!("`", stringify!($Count), "`.")]
            ///
            /// # Errors
            ///
            /// As [`TypedPool::try_alloc_with`].
            ///
            /// # Examples
            ///
            /// ```
            #[doc = example_of!($Count, $pool, "bounded(0)")]
            /// let build = pool.try_alloc_owned_with(|| 7).unwrap_err().into_inner();
            /// assert_eq!(build(), 7);
            /// ```
            #[inline]
            pub fn try_alloc_owned_with<F: FnOnce() -> T>(
                self: &$Count<Self>,
                build: F,
            ) -> Result<OwnedHandle<T, $core>, TryAllocError<F>> {
                match self.take_counted() {
                    // SAFETY: 1. `TypedPool` invariant 1.
                    Some(slot) => Ok(unsafe { PoolBox::fill_with(slot, build) }),
                    None => Err(TryAllocError::new(build, self.memory().refusal())),
                }
            }
        }

        impl ReachPool for Owned<BlockPool<$core>> {
            type Pool<'p, T> = $Count<TypedPool<T, $core>>;

            unsafe fn pool_of<'p, T>(slot: NonNull<u8>) -> Self::Pool<'p, T> {
                // SAFETY: 1. clause 1, and `PoolBox` invariant 1: the core lives with the handle.
                let home = unsafe { core_of::<$core>(slot) }.noted();
                // SAFETY: 1. `Owned` invariants 1 and 2.
                unsafe { Counted::add_count(home) };
                // SAFETY: a pool for another type, whose slots hold a `T`, is laid out and ends as
                // one for a `T` (`PoolBox` invariant 3, `TypedPool` invariants 1 and 2); the count
                // was added above.
                unsafe { $Count::from_raw(home.cast()) }
            }
        }
    };
}

/// A handle with a count of the pool that has such a core.
type OwnedHandle<T, C> = PoolBox<'static, T, Owned<BlockPool<C>>>;

keep_by_counts!(Rc, "Pool", LocalCore, Cell::set, Cell::get);

// Relaxed: whoever has a slot got it, by whatever way, from a thread that noted the home before,
// and what others have noted since is the same (`Owned` invariant 2). It is stored each time, also
// where the same address is there already, for that may be one of an allocation that the pool has
// left: what has its provenance must not be used to reach the one it is in.
#[cfg(feature = "std")]
keep_by_counts!(
    Arc,
    "SyncPool",
    SyncCore,
    |home: &AtomicPtr<()>, place: *const ()| home.store(place.cast_mut(), Relaxed),
    |home: &AtomicPtr<()>| home.load(Relaxed).cast_const()
);
