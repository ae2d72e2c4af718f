//! What pools hold, in figures.
#![forbid(unsafe_code)]

/// The figures of a pool at one moment, from [`Pool::stats`](crate::Pool::stats).
///
/// # Examples
///
/// ```
/// let pool = typed_pool::Pool::<u64>::with_capacity(1000);
/// let _number = pool.alloc(7);
/// let stats = pool.stats();
/// assert_eq!((stats.len, stats.capacity), (1, 1000));
/// assert_eq!(stats.bytes_live, 8);
/// assert!(stats.bytes_reserved >= 8 * 1000);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PoolStats {
    /// The number of slots, occupied and vacant.
    pub capacity: usize,
    /// The number of occupied slots.
    pub len: usize,
    /// The number of chunks.
    pub chunks: usize,
    /// The bytes that the chunks take, headers and bitmaps included; the magazine, of up to 8 KiB,
    /// is not.
    pub bytes_reserved: usize,
    /// The bytes of the occupied slots. A value of size 0 has a slot of its alignment.
    pub bytes_live: usize,
    /// The number of reservations that the pool has had from the upstream allocator so far.
    pub upstream_allocations: usize,
    /// The number of those that it has given back.
    pub upstream_releases: usize,
}

/// The figures of a pool of size classes at one moment, from
/// [`SizeClassPool::stats`](crate::SizeClassPool::stats).
///
/// # Examples
///
/// ```
/// let pool = typed_pool::SizeClassPool::new();
/// let (_small, _large) = (pool.alloc([0_u8; 90]), pool.alloc([0_u8; 100_000]));
/// let stats = pool.stats();
/// assert_eq!((stats.classes, stats.len, stats.bytes_live), (1, 1, 96));
/// assert_eq!((stats.large, stats.bytes_large), (1, 100_000));
/// assert_eq!(stats.upstream_allocations, 2);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SizeClassStats {
    /// The number of classes that have been used.
    pub classes: usize,
    /// The number of slots of classes that are occupied.
    pub len: usize,
    /// The bytes of those slots.
    pub bytes_live: usize,
    /// The number of values too large for a class that are alive, each in a reservation of its own.
    pub large: usize,
    /// The bytes of those values.
    pub bytes_large: usize,
    /// The bytes in reservations, those of large values included; magazines, of up to 8 KiB a
    /// class, and other tables are not.
    pub bytes_reserved: usize,
    /// The number of blocks that came straight from the upstream allocator by way of `Allocator`,
    /// too large or aligned to too much for a class, and are not given back yet.
    pub direct: usize,
    /// The bytes of those blocks.
    pub bytes_direct: usize,
    /// The number of blocks that came so ever, those that grew or shrank counted anew.
    pub direct_allocations: usize,
    /// The number of reservations that the pool has had from the upstream allocator so far.
    pub upstream_allocations: usize,
    /// The number of those that it has given back.
    pub upstream_releases: usize,
}
