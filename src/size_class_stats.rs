//! What a pool of size classes holds, in figures.
#![forbid(unsafe_code)]

use core::fmt;

use crate::stats::fragmentation;

/// The figures of a pool of size classes at one moment, from
/// [`SizeClassPool::stats`](crate::SizeClassPool::stats).
///
/// Shown with `{}` they are a table. With the feature `serde` they can be serialised.
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
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
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

impl SizeClassStats {
    /// The share of the reserved bytes that is neither in occupied slots nor in large values: 0
    /// where all of it is, close to 1 where next to nothing is. 0 where nothing is reserved.
    ///
    /// # Examples
    ///
    /// ```
    /// let pool = typed_pool::SizeClassPool::new();
    /// let _values: Vec<_> = (0..100_000).map(|number| pool.alloc([number; 18])).collect();
    /// assert!(pool.stats().fragmentation() < 0.2);
    /// ```
    #[must_use]
    pub fn fragmentation(&self) -> f64 {
        fragmentation(self.bytes_live + self.bytes_large, self.bytes_reserved)
    }
}

impl fmt::Display for SizeClassStats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let row = |f: &mut fmt::Formatter<'_>, name, count: usize, bytes: usize| {
            writeln!(f, "{name:<24}{count:>12}{bytes:>16}")
        };
        writeln!(f, "{:<24}{:>12}{:>16}", "", "number", "bytes")?;
        row(f, "values in classes", self.len, self.bytes_live)?;
        row(f, "large values", self.large, self.bytes_large)?;
        row(f, "straight from upstream", self.direct, self.bytes_direct)?;
        writeln!(f, "{:<24}{:>12}", "classes", self.classes)?;
        writeln!(f, "{:<24}{:>12}{:>16}", "reserved", "", self.bytes_reserved)?;
        writeln!(f, "{:<24}{:>12}{:>16.3}", "fragmentation", "", self.fragmentation())?;
        let (allocations, releases) = (self.upstream_allocations, self.upstream_releases);
        write!(f, "upstream: {allocations} allocations, {releases} releases, ")?;
        write!(f, "{} straight", self.direct_allocations)
    }
}
