//! What a pool holds, in figures.
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
}
