//! What a pool says of itself is what it holds:
//!
//! - Whatever happens, its figures and its chunks are those of the values in it; the model checks
//!   that after each step of each history.
//! - The peak is never further off than a magazine.
//! - Figures can be read, and serialised with the feature `serde`.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use super::{PEAK_MAY_BE_ABOVE, Pool, growing, slots};
use crate::support::{CHUNK_ALIGN, stride_of};

/// The most slots that a magazine holds, for values of a type.
const fn magazine<T>() -> usize {
    let wished = (64 << 10) / size_of::<T>();
    if wished < 8 {
        8
    } else if wished > 1023 {
        1023
    } else {
        wished
    }
}

/// Checks the figures of a pool that holds the values given, and no others, and whose slots have
/// been occupied up to a number in `peak` at once.
pub(super) fn check_figures<'v, T: 'v>(
    pool: &Pool<T>,
    peak: RangeInclusive<usize>,
    values: impl Iterator<Item = &'v T>,
) {
    let mut by_chunk = BTreeMap::new();
    let mut len = 0;
    for value in values {
        let address = (&raw const *value).addr();
        *by_chunk.entry(address - address % CHUNK_ALIGN).or_insert(0) += 1;
        len += 1;
    }
    let stats = pool.stats();
    assert_eq!((stats.len, stats.capacity), (len, pool.capacity()));
    assert_eq!(stats.bytes_live, len * size_of::<T>());
    assert!(stats.bytes_live <= stats.bytes_reserved);
    assert!(stats.bytes_reserved <= stats.peak_bytes_reserved);
    assert_eq!(stats.peak_bytes_live, stats.peak_len * size_of::<T>());
    assert!(stats.upstream_releases <= stats.upstream_allocations);
    assert!((0.0..=1.0).contains(&stats.fragmentation()));
    assert!(stats.realised_fragmentation() >= 0.0);
    let above = PEAK_MAY_BE_ABOVE * magazine::<T>();
    assert!(stats.peak_len <= peak.end() + above, "{stats:?}, but {peak:?}");
    assert!(stats.peak_len + magazine::<T>() >= *peak.start(), "{stats:?}, but {peak:?}");

    let mut occupancy = [0; 10];
    let mut all_slots = 0;
    let chunks = pool.chunks();
    assert_eq!(chunks.len(), stats.chunks);
    for chunk in chunks {
        let occupied = by_chunk.remove(&chunk.address()).unwrap_or(0);
        assert_eq!(chunk.occupied(), occupied);
        let set: usize = chunk.bitmap().iter().map(|word| word.count_ones() as usize).sum();
        assert_eq!(set, occupied);
        occupancy[(occupied * 10 / chunk.slots()).min(9)] += 1;
        all_slots += chunk.slots();
    }
    assert!(by_chunk.is_empty(), "every value lies in a chunk");
    assert_eq!((all_slots, occupancy), (slots(pool), stats.occupancy));
}

#[test]
fn bits_are_set_where_values_lie() {
    let pool = Pool::<u64>::bounded(if cfg!(miri) { 100 } else { 20_000 });
    let mut values: Vec<_> = (0..).map_while(|number| pool.try_alloc(number).ok()).collect();
    assert_eq!(values.len(), slots(&pool));
    let place = |value: &u64| {
        let address = (&raw const *value).addr();
        (address - address % CHUNK_ALIGN, address)
    };
    // All slots are occupied, so the lowest value of a chunk lies in its first.
    let mut first = BTreeMap::new();
    for (chunk, address) in values.iter().map(|value| place(value)) {
        let lowest = first.entry(chunk).or_insert(address);
        *lowest = address.min(*lowest);
    }
    values.retain(|number| **number % 3 == 0);
    let mut occupied = BTreeSet::new();
    for (chunk, address) in values.iter().map(|value| place(value)) {
        occupied.insert((chunk, (address - first[&chunk]) / stride_of(8, align_of::<u64>())));
    }
    for chunk in pool.chunks() {
        for slot in 0..chunk.slots() {
            let expected = occupied.contains(&(chunk.address(), slot));
            assert_eq!(chunk.is_occupied(slot), expected, "slot {slot}");
        }
    }
}

#[test]
fn the_peak_is_no_further_off_than_a_magazine() {
    fn play<T: Copy>(value: T, most: usize) {
        let mut rng = fastrand::Rng::with_seed(5);
        for round in 0..if cfg!(miri) { 2 } else { 40 } {
            let pool = growing(round % 2 == 1);
            let mut values = Vec::new();
            let mut peak = 0;
            for _ in 0..if cfg!(miri) { 3 } else { 20 } {
                // Also a window that is used, left alone, and used again.
                for _ in 0..rng.usize(..most) {
                    values.push(pool.alloc(value));
                }
                peak = peak.max(values.len());
                check_figures(&pool, peak..=peak, values.iter().map(|value| &**value));
                if rng.bool() {
                    // Who makes room sees no value less.
                    pool.reserve(rng.usize(..most));
                }
                rng.shuffle(&mut values);
                // Often a few, so that there is a new peak soon.
                let gone = rng.usize(..=values.len()) >> rng.u32(..4);
                values.truncate(values.len() - gone);
                check_figures(&pool, peak..=peak, values.iter().map(|value| &**value));
            }
        }
    }
    play([7_u32; 3], if cfg!(miri) { 200 } else { 5000 });
    play([7_u8; 9000], if cfg!(miri) { 20 } else { 200 });
}

#[test]
fn figures_can_be_read() {
    let pool = Pool::<[u8; 100]>::bounded(1000);
    let values: Vec<_> = (0..500).map(|_| pool.alloc([7; 100])).collect();
    let table = pool.stats().to_string();
    for word in ["50000", "fragmentation", "500", "50 to  60 %"] {
        assert!(table.contains(word), "{word} in {table}");
    }
    drop(values);
}

#[cfg(feature = "serde")]
#[test]
fn figures_can_be_serialised() {
    let pool = Pool::<u64>::bounded(100);
    let _value = pool.alloc(7);
    let text = serde_json::to_string(&pool.stats()).unwrap();
    let words = Pool::new();
    let held = [words.alloc("text"), words.alloc("more")];
    assert_eq!(serde_json::to_string(&held).unwrap(), r#"["text","more"]"#);
    for word in ["\"len\":1", "\"bytes_live\":8", "\"occupancy\":["] {
        assert!(text.contains(word), "{word} in {text}");
    }
}
