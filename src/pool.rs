//! The typed pool for one thread.

use crate::local_core::LocalCore;
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
/// [`PoolBox`]: crate::PoolBox
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
    /// Gives every chunk without an occupied slot back to the upstream allocator; returns the
    /// number of bytes. A bounded pool keeps its memory, and returns 0.
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
        self.core().release_vacant()
    }
}
