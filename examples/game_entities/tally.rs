//! What a game or a replay counts, and how the counts are printed.

use std::fmt;
use std::time::Duration;

/// Counts of one world, or of several worlds one after the other.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) spawns: u64,
    pub(crate) deaths: u64,
    pub(crate) peak_live: usize,
    pub(crate) stale_handles: u64,
}

impl Tally {
    /// Counts spawns in a row, after which `live` entities are alive.
    pub(crate) fn spawned(&mut self, count: u64, live: usize) {
        self.spawns += count;
        self.peak_live = self.peak_live.max(live);
    }

    /// Adds the counts of a world that has ended.
    pub(crate) fn add(&mut self, world: Self) {
        self.spawns += world.spawns;
        self.deaths += world.deaths;
        self.peak_live = self.peak_live.max(world.peak_live);
        self.stale_handles += world.stale_handles;
    }
}

/// A tally with the time it took.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) tally: Tally,
    pub(crate) frames: u64,
    pub(crate) elapsed: Duration,
}

impl fmt::Display for Report {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A game of no frames takes no time per frame.
        let per_frame = self.elapsed.as_nanos().checked_div(u128::from(self.frames)).unwrap_or(0);
        writeln!(out, "spawns: {}", self.tally.spawns)?;
        writeln!(out, "deaths: {}", self.tally.deaths)?;
        writeln!(out, "peak_live: {}", self.tally.peak_live)?;
        writeln!(out, "stale_handles: {}", self.tally.stale_handles)?;
        writeln!(out, "ns_per_frame: {per_frame}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn worlds_add_up_and_the_peak_is_the_largest_single_one() {
        let mut total = Tally::default();
        total.add(Tally { spawns: 5, deaths: 2, peak_live: 4, stale_handles: 1 });
        total.add(Tally { spawns: 3, deaths: 3, peak_live: 2, stale_handles: 2 });
        assert_eq!(total, Tally { spawns: 8, deaths: 5, peak_live: 4, stale_handles: 3 });
    }

    #[test]
    fn numbers_are_plain_and_no_frames_are_no_division_by_zero() {
        let tally = Tally { spawns: 1234567, ..Tally::default() };
        let elapsed = Duration::from_nanos(900);
        let text = Report { tally, frames: 0, elapsed }.to_string();
        assert!(text.starts_with("spawns: 1234567\n"), "{text}");
        assert!(text.ends_with("ns_per_frame: 0\n"), "{text}");
        let text = Report { tally, frames: 3, elapsed }.to_string();
        assert!(text.ends_with("ns_per_frame: 300\n"), "{text}");
    }
}
