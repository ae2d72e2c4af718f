//! What a pool holds, in figures.
#![forbid(unsafe_code)]

use core::fmt;

/// The number of equal shares that chunks are counted by.
const SHARES: usize = 10;

/// The widest bar of the table, in characters.
const BAR: usize = 40;

/// The figures of a pool at one moment, from [`Pool::stats`](crate::Pool::stats).
///
/// They are exact when no thread is within a call of the pool, but for what is about the peak.
/// Shown with `{}` they are a table. With the feature `serde` they can be serialised.
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
/// assert!(stats.fragmentation() > 0.99);
/// println!("{stats}");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct PoolStats {
    /// The number of slots, occupied and vacant.
    pub capacity: usize,
    /// The number of occupied slots.
    pub len: usize,
    /// The most slots that were occupied at once, as far as the pool has noticed: as many were, and
    /// there may have been more, by no more than the magazine has room for (1023 at most). In a
    /// pool that threads share it may be wrong by as much for each of them, either way.
    pub peak_len: usize,
    /// The number of chunks.
    pub chunks: usize,
    /// The number of chunks by the share of their slots that is occupied: of the first, less than a
    /// tenth is, of the last, nine tenths at least.
    pub occupancy: [usize; SHARES],
    /// The bytes that the chunks take, headers and bitmaps included; the magazine, of up to 8 KiB,
    /// is not.
    pub bytes_reserved: usize,
    /// The most bytes that they took at once.
    pub peak_bytes_reserved: usize,
    /// The bytes of the occupied slots. A value of size 0 has a slot of its alignment.
    pub bytes_live: usize,
    /// The bytes of as many slots as `peak_len` says.
    pub peak_bytes_live: usize,
    /// The number of reservations that the pool has had from the upstream allocator so far.
    pub upstream_allocations: usize,
    /// The number of those that it has given back.
    pub upstream_releases: usize,
}

impl PoolStats {
    /// The share of the reserved bytes that is not in occupied slots: 0 where all of it is, close
    /// to 1 where next to nothing is. 0 where nothing is reserved.
    ///
    /// # Examples
    ///
    /// ```
    /// let pool = typed_pool::Pool::<[u8; 4096]>::bounded(50);
    /// assert_eq!(pool.stats().fragmentation(), 1.0);
    /// let _values: Vec<_> = (0..50).map(|_| pool.alloc([0; 4096])).collect();
    /// assert!(pool.stats().fragmentation() < 0.02);
    /// ```
    #[must_use]
    pub fn fragmentation(&self) -> f64 {
        fragmentation(self.bytes_live, self.bytes_reserved)
    }

    /// What was reserved at most beyond what was live at most, as a share of that: the least
    /// overhead that the pool has had for the values that it has held. (TCMalloc calls this the
    /// realised fragmentation.) 0 where nothing has been live.
    ///
    /// # Examples
    ///
    /// ```
    /// let pool = typed_pool::Pool::<[u8; 1024]>::bounded(100);
    /// drop((0..50).map(|_| pool.alloc([0; 1024])).collect::<Vec<_>>());
    /// let realised = pool.stats().realised_fragmentation();
    /// assert!(1.0 < realised && realised < 1.1);
    /// ```
    #[must_use]
    pub fn realised_fragmentation(&self) -> f64 {
        match self.peak_bytes_live {
            0 => 0.0,
            live => self.peak_bytes_reserved.saturating_sub(live) as f64 / live as f64,
        }
    }

    /// Counts a chunk, `occupied` of whose `slots` are.
    pub(crate) fn count_chunk(&mut self, occupied: usize, slots: usize) {
        self.chunks += 1;
        self.occupancy[(occupied * SHARES / slots).min(SHARES - 1)] += 1;
    }
}

/// The share of `reserved` bytes that is not live.
pub(crate) fn fragmentation(live: usize, reserved: usize) -> f64 {
    match reserved {
        0 => 0.0,
        reserved => reserved.saturating_sub(live) as f64 / reserved as f64,
    }
}

impl fmt::Display for PoolStats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let columns = |f: &mut fmt::Formatter<'_>, name, now: usize, peak: usize| {
            writeln!(f, "{name:<16}{now:>16}{peak:>16}")
        };
        writeln!(f, "{:<16}{:>16}{:>16}", "", "now", "peak")?;
        columns(f, "slots occupied", self.len, self.peak_len)?;
        columns(f, "bytes live", self.bytes_live, self.peak_bytes_live)?;
        columns(f, "bytes reserved", self.bytes_reserved, self.peak_bytes_reserved)?;
        let (now, realised) = (self.fragmentation(), self.realised_fragmentation());
        writeln!(f, "{:<16}{now:>16.3}{realised:>16.3}", "fragmentation")?;
        writeln!(f, "{:<16}{:>16}", "slots", self.capacity)?;
        let (allocations, releases) = (self.upstream_allocations, self.upstream_releases);
        writeln!(f, "upstream: {allocations} allocations, {releases} releases")?;
        write!(f, "chunks: {}, by the share of their slots that is occupied", self.chunks)?;
        let most = self.occupancy.iter().copied().max().unwrap_or(0).max(1);
        for (share, &chunks) in self.occupancy.iter().enumerate() {
            let (from, to) = (share * 100 / SHARES, (share + 1) * 100 / SHARES);
            write!(f, "\n{from:>5} to {to:>3} %{chunks:>9}")?;
            if chunks > 0 {
                write!(f, "  {:#<1$}", "", (chunks * BAR).div_ceil(most))?;
            }
        }
        Ok(())
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use std::string::ToString;

    use super::*;

    fn stats() -> PoolStats {
        PoolStats {
            capacity: 300,
            len: 100,
            peak_len: 250,
            chunks: 0,
            occupancy: [0; SHARES],
            bytes_reserved: 2000,
            peak_bytes_reserved: 3000,
            bytes_live: 800,
            peak_bytes_live: 2000,
            upstream_allocations: 4,
            upstream_releases: 1,
        }
    }

    #[test]
    fn shares_are_of_what_is_reserved_and_of_the_peak() {
        assert_eq!((stats().fragmentation(), stats().realised_fragmentation()), (0.6, 0.5));
        let nothing = PoolStats { bytes_reserved: 0, bytes_live: 0, peak_bytes_live: 0, ..stats() };
        assert_eq!((nothing.fragmentation(), nothing.realised_fragmentation()), (0.0, 0.0));
    }

    #[test]
    fn chunks_are_counted_by_tenths() {
        let mut stats = stats();
        for occupied in 0..=100 {
            stats.count_chunk(occupied, 100);
        }
        assert_eq!(
            (stats.chunks, stats.occupancy),
            (101, [10, 10, 10, 10, 10, 10, 10, 10, 10, 11])
        );
    }

    #[test]
    fn the_table_can_be_read() {
        let mut stats = stats();
        for occupied in [1, 1, 10] {
            stats.count_chunk(occupied, 10);
        }
        let table = stats.to_string();
        let line = |start: &str| table.lines().find(|line| line.trim().starts_with(start));
        assert!(table.lines().all(|line| line.len() <= 70), "{table}");
        assert!(line("slots occupied").unwrap().ends_with("100             250"), "{table}");
        assert!(line("fragmentation").unwrap().ends_with("0.600           0.500"), "{table}");
        assert!(
            line("10 to  20 %").unwrap().ends_with(&std::format!("2  {}", "#".repeat(BAR))),
            "{table}"
        );
        assert!(
            line("90 to 100 %").unwrap().ends_with(&std::format!("1  {}", "#".repeat(BAR / 2)))
        );
        assert!(line("20 to").unwrap().ends_with('0'), "{table}");
    }
}
