//! The pool of a handle, reached by way of the handle.

use core::fmt;
use core::marker::PhantomData;
use core::ptr::NonNull;

use crate::block_pool::BlockPool;
use crate::error::{PoolError, TryAllocError, refuse};
use crate::geometry::layout_of;
use crate::guard::Size;
use crate::memory::{Memory, Slot};
use crate::memory_pool::MemoryPool;
use crate::pool_box::PoolBox;
use crate::pool_core::{PoolCore, owner_of};

/// Memory of which a handle can tell where its pool is.
pub trait ReachPool: Memory {
    /// What leads to a pool that lives for `'p`, with slots for a `T`.
    type Pool<'p, T>
    where
        Self: 'p;

    /// The pool of a slot.
    ///
    /// # Safety
    ///
    /// 1. The slot is that of a handle `PoolBox<'p, T, Self>`.
    unsafe fn pool_of<'p, T>(slot: NonNull<u8>) -> Self::Pool<'p, T>;
}

impl<'p, T, M: ReachPool> PoolBox<'p, T, M> {
    /// The pool that the value is in, to put others beside it: a [`PoolRef`], or, where the handle
    /// keeps its pool ([`OwnedPoolBox`](crate::OwnedPoolBox)), the `Rc` or `Arc` that this lies in.
    ///
    /// # Examples
    ///
    /// ```
    /// use typed_pool::{Pool, PoolBox};
    ///
    /// struct Node<'p> {
    ///     next: Option<PoolBox<'p, Node<'p>>>,
    /// }
    ///
    /// /// Puts a node behind one, without being told where.
    /// fn extend<'p>(node: &mut PoolBox<'p, Node<'p>>) {
    ///     let next = Node { next: node.next.take() };
    ///     node.next = Some(PoolBox::pool(node).alloc(next));
    /// }
    ///
    /// let pool = Pool::new();
    /// let mut list = pool.alloc(Node { next: None });
    /// extend(&mut list);
    /// extend(&mut list);
    /// assert_eq!(pool.len(), 3);
    /// ```
    #[inline]
    pub fn pool(this: &Self) -> M::Pool<'p, T> {
        // SAFETY: 1. it is.
        unsafe { M::pool_of(Self::slot(this)) }
    }
}

/// A reference to the pool of a handle, got by [`PoolBox::pool`]: it puts values of the handle's
/// type beside it.
///
/// It is `Copy`, and lives as long as a reference to the pool would, whether the handle does or
/// not. Where the handle is one of a pool of size classes, it is a reference to the part of that
/// which holds values of this size.
///
/// # Examples
///
/// ```
/// use typed_pool::{Pool, PoolBox, PoolRef};
///
/// let pool = Pool::new();
/// let first = pool.alloc(1);
/// let beside: PoolRef<i32> = PoolBox::pool(&first);
/// drop(first);
/// let second = beside.alloc(2);
/// assert_eq!((*second, pool.len()), (2, 1));
/// ```
// # Invariants
//
// 1. `core` is one behind an `M` which lives for `'p`.
// 2. It hands out slots of the size and the alignment of a `T` at least; or, where it is one for
//    lone chunks, those that it is asked for.
pub struct PoolRef<'p, T, M: Memory = MemoryPool> {
    core: NonNull<()>,
    memory: PhantomData<&'p M>,
    /// Values go into the pool, and those of a subtype may.
    values: PhantomData<fn() -> T>,
}

// SAFETY: sending it lets the other thread put values in, whose handles are dropped there or
// elsewhere, hence `T: Send`; it reaches the core as if by `&M`, hence `M: Sync`.
unsafe impl<T: Send, M: Memory + Sync> Send for PoolRef<'_, T, M> {}

// SAFETY: it is `Copy`, so sharing it is as sending it.
unsafe impl<T: Send, M: Memory + Sync> Sync for PoolRef<'_, T, M> {}

impl<T, M: Memory> Clone for PoolRef<'_, T, M> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T, M: Memory> Copy for PoolRef<'_, T, M> {}

impl<T, M: Memory> fmt::Debug for PoolRef<'_, T, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PoolRef").field(&self.core).finish()
    }
}

impl<C: PoolCore> ReachPool for BlockPool<C> {
    type Pool<'p, T>
        = PoolRef<'p, T, Self>
    where
        C: 'p;

    #[inline]
    unsafe fn pool_of<'p, T>(slot: NonNull<u8>) -> PoolRef<'p, T, Self> {
        // SAFETY: 1. clause 1, and `PoolBox` invariant 1.
        let core = unsafe { owner_of::<C>(slot) };
        // INVARIANT: 1. and 2. clause 1, and `PoolBox` invariants 1 and 3.
        PoolRef { core: NonNull::from(core).cast(), memory: PhantomData, values: PhantomData }
    }
}

impl<'p, T, C: PoolCore> PoolRef<'p, T, BlockPool<C>> {
    #[inline]
    fn core(self) -> &'p C {
        // SAFETY: valid: invariant 1. Unaliased: no exclusive reference to a core is made before
        // its end.
        unsafe { self.core.cast::<C>().as_ref() }
    }

    /// Takes a slot for a `T`.
    #[inline]
    fn take(self) -> Result<Slot<'p, BlockPool<C>>, PoolError> {
        let slot = match self.core().take() {
            Some(slot) => slot,
            None => self.take_otherwise()?,
        };
        // SAFETY: 1. and 2. the core just handed the slot out, and lives for `'p` (invariant 1).
        Ok(unsafe { Slot::handed_out(slot, Size::likely(size_of::<T>())) })
    }

    /// Takes a lone chunk, where that is what such values have.
    #[cold]
    #[inline(never)]
    fn take_otherwise(self) -> Result<NonNull<u8>, PoolError> {
        if self.core().is_for_lone() {
            self.core().take_lone(const { layout_of::<T>() })
        } else {
            Err(self.core().refusal())
        }
    }

    /// Moves `value` into a slot.
    ///
    /// # Panics
    ///
    /// As [`Pool::alloc`](crate::TypedPool::alloc).
    ///
    /// # Examples
    ///
    /// ```
    /// use typed_pool::{Pool, PoolBox};
    ///
    /// let pool = Pool::new();
    /// let first = pool.alloc(1);
    /// let second = PoolBox::pool(&first).alloc(2);
    /// assert_eq!((*first + *second, pool.len()), (3, 2));
    /// ```
    #[inline]
    #[track_caller]
    pub fn alloc(self, value: T) -> PoolBox<'p, T, BlockPool<C>> {
        match self.take() {
            // SAFETY: 1. invariant 2.
            Ok(slot) => unsafe { PoolBox::fill(slot, value) },
            Err(error) => refuse(error),
        }
    }

    /// Moves `value` into a slot, or gives it back.
    ///
    /// # Errors
    ///
    /// As [`Pool::try_alloc`](crate::TypedPool::try_alloc).
    ///
    /// # Examples
    ///
    /// ```
    /// use typed_pool::{Pool, PoolBox};
    ///
    /// let pool = Pool::bounded(1);
    /// let first = pool.alloc(1);
    /// assert_eq!(PoolBox::pool(&first).try_alloc(2).unwrap_err().into_inner(), 2);
    /// ```
    #[inline]
    pub fn try_alloc(self, value: T) -> Result<PoolBox<'p, T, BlockPool<C>>, TryAllocError<T>> {
        match self.take() {
            // SAFETY: 1. invariant 2.
            Ok(slot) => Ok(unsafe { PoolBox::fill(slot, value) }),
            Err(error) => Err(TryAllocError::new(value, error)),
        }
    }

    /// Builds a value in a slot. The slot is taken first, and given back where `build` panics.
    ///
    /// # Panics
    ///
    /// As [`Pool::alloc_with`](crate::TypedPool::alloc_with).
    ///
    /// # Examples
    ///
    /// ```
    /// use typed_pool::{Pool, PoolBox};
    ///
    /// let pool = Pool::new();
    /// let first = pool.alloc([0_u8; 4096]);
    /// assert_eq!(PoolBox::pool(&first).alloc_with(|| [1; 4096])[4095], 1);
    /// ```
    #[inline]
    #[track_caller]
    pub fn alloc_with(self, build: impl FnOnce() -> T) -> PoolBox<'p, T, BlockPool<C>> {
        match self.take() {
            // SAFETY: 1. invariant 2.
            Ok(slot) => unsafe { PoolBox::fill_with(slot, build) },
            Err(error) => refuse(error),
        }
    }

    /// Builds a value in a slot, or gives the builder back.
    ///
    /// # Errors
    ///
    /// As [`Pool::try_alloc_with`](crate::TypedPool::try_alloc_with).
    ///
    /// # Examples
    ///
    /// ```
    /// use typed_pool::{Pool, PoolBox};
    ///
    /// let pool = Pool::bounded(1);
    /// let first = pool.alloc(1);
    /// assert!(PoolBox::pool(&first).try_alloc_with(|| 2).unwrap_err().is_full());
    /// ```
    #[inline]
    pub fn try_alloc_with<F: FnOnce() -> T>(
        self,
        build: F,
    ) -> Result<PoolBox<'p, T, BlockPool<C>>, TryAllocError<F>> {
        match self.take() {
            // SAFETY: 1. invariant 2.
            Ok(slot) => Ok(unsafe { PoolBox::fill_with(slot, build) }),
            Err(error) => Err(TryAllocError::new(build, error)),
        }
    }
}
