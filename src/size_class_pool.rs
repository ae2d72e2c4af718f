//! The pool of size classes for one thread.

use crate::classed_pool::ClassedPool;
use crate::local_core::LocalCore;

/// A pool of values of any type and size.
///
/// Sizes are divided into classes, 8 bytes apart up to 64 bytes and from there on eight to a
/// doubling up to 32 KiB, so that a value above 64 bytes leaves less than a ninth of its slot
/// unused. Each class has a pool of slots, made when it is first used; values of several types
/// share it. A larger value gets a reservation of its own, which goes back when it is dropped.
///
/// [`alloc`](ClassedPool::alloc) and its kin return the same one-word handle as
/// [`Pool`](crate::Pool), a [`PoolBox`](crate::PoolBox), and all that is said there of lifetimes,
/// destructors, panics and forgotten handles holds. With the feature `allocator-api2`, a reference
/// to the pool is an `Allocator` for the collections of that crate and of those that support it:
///
#[cfg_attr(feature = "allocator-api2", doc = "```")]
#[cfg_attr(not(feature = "allocator-api2"), doc = "```ignore")]
/// use allocator_api2::vec::Vec;
/// use typed_pool::SizeClassPool;
///
/// let pool = SizeClassPool::new();
/// let mut numbers = Vec::new_in(&pool);
/// numbers.extend(0..100);
/// assert_eq!(numbers.iter().sum::<i32>(), 4950);
/// ```
///
/// # Memory
///
/// Classes share memory: one with few slots has some granules, of 4 KiB, of a tract, of 256 KiB,
/// and one with many has whole tracts (256 bytes and 16 KiB on 32-bit targets). The first tracts
/// are smaller. Chunks without an occupied slot are handed to other classes before the pool
/// reserves more memory, as soon as a quarter of what is reserved is vacant, or where no more is to
/// be had. (Cloning a handle does not look for them.) They go back to the upstream allocator by
/// [`SizeClassPool::trim`].
///
/// # Examples
///
/// ```
/// use typed_pool::{PoolBox, SizeClassPool};
///
/// enum Json<'p> {
///     Number(f64),
///     Text(PoolBox<'p, str>),
///     List(PoolBox<'p, [Json<'p>]>),
/// }
///
/// let pool = SizeClassPool::new();
/// let list = Json::List(pool.alloc_slice_fill_with(2, |number| match number {
///     0 => Json::Number(1.5),
///     _ => Json::Text(pool.alloc_str("text")),
/// }));
/// let Json::List(items) = &list else { unreachable!() };
/// assert!(matches!(&items[0], Json::Number(number) if *number == 1.5));
/// assert!(matches!(&items[1], Json::Text(text) if &**text == "text"));
/// drop(list);
/// assert!(pool.is_empty());
/// ```
pub type SizeClassPool = ClassedPool<LocalCore>;

impl SizeClassPool {
    /// Gives memory without an occupied slot back to the upstream allocator, tract by tract;
    /// returns the number of bytes.
    ///
    /// Takes time in proportion to the number of chunks, and to that of recently freed slots.
    ///
    /// # Examples
    ///
    /// ```
    /// let pool = typed_pool::SizeClassPool::new();
    /// drop((0..10_000).map(|number| pool.alloc(number)).collect::<Vec<_>>());
    /// assert!(pool.trim() > 0);
    /// assert_eq!(pool.stats().bytes_reserved, 0);
    /// ```
    pub fn trim(&self) -> usize {
        self.release_vacant()
    }
}
