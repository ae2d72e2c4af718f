//! The typed pool for one thread.

use alloc::vec::Vec;

use crate::compaction::CompactStats;
use crate::local_core::LocalCore;
use crate::memory::Memory;
use crate::pool_box::PoolBox;
use crate::pool_core::PoolCore;
use crate::typed_pool::TypedPool;

/// A pool of values of one type.
///
/// [`Pool::alloc`] moves a value into a slot and returns its handle, a [`PoolBox`], which makes the
/// slot vacant again when it is dropped. Taking and returning a slot costs a few instructions, and
/// memory for new slots comes from the global allocator in chunks of up to 256 KiB (16 KiB on
/// 32-bit targets), or of one value where that is larger.
///
/// | made by | slots at first | when they are used up |
/// |---|---|---|
/// | [`Pool::new`] | none | grows |
/// | [`Pool::with_capacity`] | as many as asked for | grows |
/// | [`Pool::bounded`] | as many as asked for | refuses |
///
/// Destructors, constructors and `Clone` implementations of values may use the pool that holds
/// them in any way, and may panic; no slot is lost. Handles borrow the pool, so values in it can
/// own handles of it, but the pool cannot be moved or dropped while a handle lives.
///
/// A pool that is dropped while handles were forgotten ([`core::mem::forget`], or
/// [`PoolBox::into_raw`] without `from_raw`) keeps the chunks of their values for ever, and a
/// bounded pool all of its chunks, because such a value may be pinned. [`PoolBox::leak`] does
/// without that.
///
/// A value of size 0 takes a slot of its alignment. A type that is aligned to more than 4096 bytes
/// does not build (which `cargo check` does not notice).
///
/// With debug assertions on, a pool that is dropped checks all of its invariants, in time in
/// proportion to its slots.
///
/// The pool may be sent to another thread where `T` may, but is not shared between threads: for
/// that there is `SyncPool`. A global allocator must not use a pool that it serves itself.
///
/// [`Pool::alloc`]: TypedPool::alloc
/// [`Pool::new`]: TypedPool::new
/// [`Pool::with_capacity`]: TypedPool::with_capacity
/// [`Pool::bounded`]: TypedPool::bounded
/// [`PoolBox::into_raw`]: crate::PoolBox::into_raw
/// [`PoolBox::leak`]: crate::PoolBox::leak
///
/// # Examples
///
/// ```
/// use typed_pool::Pool;
///
/// struct Order {
///     price: u64,
///     quantity: u32,
/// }
///
/// let pool = Pool::new();
/// let mut order = pool.alloc(Order { price: 101, quantity: 10 });
/// order.quantity -= 4;
/// assert_eq!((order.price, order.quantity, pool.len()), (101, 6, 1));
/// drop(order);
/// assert!(pool.is_empty());
/// ```
pub type Pool<T> = TypedPool<T, LocalCore>;

impl<T> Pool<T> {
    /// Gives every chunk without an occupied slot back to the upstream allocator, wherever it lies;
    /// returns the number of bytes.
    ///
    /// A bounded pool keeps its slots. With the feature `madvise` it gives whole pages in which no
    /// slot is occupied back to the kernel of Linux; they are there again when they are used.
    /// Without it, and elsewhere, it does nothing, and returns 0.
    ///
    /// Takes time in proportion to the number of chunks, and to that of recently freed slots.
    ///
    /// # Examples
    ///
    /// ```
    /// let pool = typed_pool::Pool::<u64>::with_capacity(100_000);
    /// let kept = pool.alloc(7);
    /// assert!(pool.trim() > 0);
    /// assert!(pool.capacity() < 100_000);
    /// assert_eq!(*kept, 7);
    /// ```
    pub fn trim(&self) -> usize {
        self.core().trim()
    }

    /// Gives chunks without an occupied slot back to the upstream allocator as long as the pool
    /// keeps a capacity of `min_capacity`, the last ones first; returns the number of bytes. A
    /// bounded pool keeps its memory, and returns 0.
    ///
    /// Takes as long as [`Pool::trim`](Pool::trim).
    ///
    /// # Examples
    ///
    /// ```
    /// let pool = typed_pool::Pool::<u64>::with_capacity(1_000_000);
    /// assert!(pool.shrink_to(100_000) > 0);
    /// assert!((100_000..200_000).contains(&pool.capacity()));
    /// ```
    pub fn shrink_to(&self, min_capacity: usize) -> usize {
        self.core().shrink_to(min_capacity)
    }

    /// Gives every chunk without an occupied slot back to the upstream allocator; returns the
    /// number of bytes. A bounded pool keeps its memory, and returns 0.
    ///
    /// # Examples
    ///
    /// ```
    /// let pool = typed_pool::Pool::<u64>::with_capacity(1_000_000);
    /// pool.shrink_to_fit();
    /// assert_eq!(pool.capacity(), 0);
    /// ```
    pub fn shrink_to_fit(&self) -> usize {
        self.shrink_to(0)
    }

    /// Moves values out of the sparsest chunks into vacant slots of others, until no chunk could be
    /// emptied by moving more of those whose handles are given, then gives memory back, as
    /// [`Pool::trim`](Pool::trim) does.
    ///
    /// Values whose handles are not given stay where they are, and so do the others of their
    /// chunks. Handles of other pools are left alone, and counted.
    ///
    /// A value that is moved has another address afterwards: what was noted of the old one, by
    /// [`PoolBox::as_ptr`] or as a raw pointer in the value itself, is no longer valid. That no
    /// reference to a value is left, its handle's exclusive borrow proves; of a value that is
    /// pinned there is no such borrow.
    ///
    /// `handles` is iterated first, so what it does to the pool is done before anything moves.
    /// Moving copies bytes and calls nothing that could panic. Takes time in proportion to the
    /// number of handles and of chunks.
    ///
    /// # Examples
    ///
    /// ```
    /// let pool = typed_pool::Pool::new();
    /// let mut values: Vec<_> = (0..1_000_000_u64).map(|number| pool.alloc(number)).collect();
    /// values.retain(|number| **number % 100 == 0);
    /// assert_eq!(pool.trim(), 0, "every chunk has a value");
    ///
    /// let done = pool.compact(&mut values);
    /// assert!(done.moved < 10_000 && done.bytes_released > 7_000_000);
    /// assert!(values.iter().enumerate().all(|(index, number)| **number == 100 * index as u64));
    /// ```
    pub fn compact<'a, 'p: 'a, U: ?Sized + 'a, M: Memory + 'p>(
        &self,
        handles: impl IntoIterator<Item = &'a mut PoolBox<'p, U, M>>,
    ) -> CompactStats {
        // Control leaves for the iterator here, and not from then on.
        let mut handles: Vec<_> = handles.into_iter().collect();
        self.core().compact(&mut handles)
    }
}
