//! Compaction of a pool of a million values, of which nine in ten were freed at random.

use fastrand::Rng;
use typed_pool::{Pool, PoolBox};

use crate::{Times, Value, keeps};

const VALUES: u64 = 1_000_000;

/// Times compaction, beside moving every value to a pool of its own by hand; returns whether what
/// it keeps is a twentieth more than the values at most.
pub(crate) fn measure(rounds: usize) -> bool {
    let mut well = true;
    for shuffled in [false, true] {
        let (mut compacted, mut by_hand) = (Times::default(), Times::default());
        let mut kept = (0, 0);
        for seed in 0..rounds as u64 {
            let pool = Pool::new();
            let mut handles = sparse(&pool, seed, shuffled);
            compacted.time(|| pool.compact(&mut handles).moved);
            let stats = pool.stats();
            kept = (stats.bytes_reserved, stats.bytes_live);
            drop(handles);

            let (from, to) = (Pool::new(), Pool::new());
            let mut handles = sparse(&from, seed, shuffled);
            by_hand.time(|| {
                let moved = |handle| to.alloc(PoolBox::into_inner(handle));
                handles = handles.drain(..).map(moved).collect();
                from.trim();
                handles.len()
            });
        }
        let order = if shuffled { "handles at random" } else { "handles in order" };
        println!("compact, {order}: {compacted} a moved value; by hand to another pool: {by_hand}");
        well &= keeps(&format!("compact, {order}"), kept.0, kept.1, 1.05);
    }
    well
}

/// Fills a pool and frees nine values in ten at random.
fn sparse(pool: &Pool<Value>, seed: u64, shuffled: bool) -> Vec<PoolBox<'_, Value>> {
    let mut rng = Rng::with_seed(seed);
    let mut handles: Vec<_> = (0..VALUES).map(|number| pool.alloc([number; 8])).collect();
    handles.retain(|_| rng.u8(..10) == 0);
    if shuffled {
        rng.shuffle(&mut handles);
    }
    handles
}
