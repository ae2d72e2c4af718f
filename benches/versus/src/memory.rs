//! Whether a row fits into the memory of the machine: all of its contenders hold their values at
//! the same time.

use std::fs;

use crate::rows::Bodies;

/// What a value takes next to itself, in bytes: its handle, of up to five words, and what a
/// contender keeps with it.
const ASIDE: usize = 48;

/// Why a row cannot be measured here, if it cannot. Where the system does not say what it has left,
/// everything can.
pub(crate) fn shortage(bodies: &Bodies, bytes: usize) -> Option<String> {
    let needed = need(bodies, bytes);
    let available = available(&fs::read_to_string("/proc/meminfo").ok()?)?;
    // A tenth is left to others.
    (needed > available / 10 * 9).then(|| {
        format!("it takes {} MiB of memory, and {} are left", needed >> 20, available >> 20)
    })
}

/// What a row takes, in bytes: a quarter on top is for size classes and for powers of two.
fn need(bodies: &Bodies, bytes: usize) -> usize {
    bodies.alive * (bytes + bytes / 4 + ASIDE)
}

/// What `/proc/meminfo` says is available, in bytes.
fn available(meminfo: &str) -> Option<usize> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kibibytes: usize = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kibibytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn meminfo_is_read() {
        let meminfo = "MemTotal:       24  kB\nMemAvailable:   22907444 kB\nBuffers: 1 kB\n";
        assert_eq!(available(meminfo), Some(22_907_444 * 1024));
        assert_eq!(available("MemTotal: 24 kB\n"), None);
        assert_eq!(available("MemAvailable: much kB\n"), None);
    }
}
