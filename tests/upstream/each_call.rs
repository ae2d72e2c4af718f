//! A typed pool whose upstream refuses one call, whichever that is, of those that a history makes:
//! values are handed back, nothing is lost, and the next call is served.

use super::{Pool, trim_typed};
use crate::allocator::{bytes, calls, with_refusal};
use crate::support::{Counted, Tally};

/// A few of these fill a chunk, so that a history makes many calls.
type Item<'t> = (Counted<'t>, [u8; 3000]);

const VALUES: u64 = if cfg!(miri) { 60 } else { 800 };

/// Plays a history in a pool of its own, most of it while `limit` lets a call fail. Returns how
/// many calls were made then, and how many requests were refused.
fn play(limit: impl FnOnce(&mut dyn FnMut())) -> (usize, usize) {
    let (before, tally) = (bytes(), Tally::default());
    let pool = Pool::<Item<'_>>::new();
    let item = |id: u64| -> Item<'_> { (tally.value(id), [id as u8; 3000]) };
    let mut held = Vec::with_capacity(2 * VALUES as usize);
    let (mut made, mut refused) = (0, 0);
    limit(&mut || {
        let start = calls();
        for id in 0..VALUES {
            let taken = match id % 3 {
                0 => pool.try_alloc(item(id)).map_err(|error| {
                    assert!(!error.is_full());
                    assert_eq!(error.into_inner().0.id, id, "another value came back");
                }),
                1 => pool.try_alloc_with(|| item(id)).map_err(|error| {
                    assert_eq!(error.into_inner()().0.id, id, "another constructor came back");
                }),
                _ => pool
                    .try_alloc_uninit()
                    .map_err(|error| assert!(!error.is_full()))
                    .map(|slot| typed_pool::PoolBox::write(slot, item(id))),
            };
            match taken {
                Ok(handle) => held.push(handle),
                Err(()) => refused += 1,
            }
            if id % 4 == 0 && !held.is_empty() {
                held.swap_remove(id as usize * 7 % held.len());
            }
            if id % (VALUES / 4) == 0 {
                let capacity = pool.capacity();
                if pool.try_reserve(200).is_err() {
                    refused += 1;
                    assert_eq!(pool.capacity(), capacity);
                }
                if Pool::<Item<'_>>::try_bounded(100).is_err() {
                    refused += 1;
                }
                pool.check_invariants();
            }
            if id == VALUES / 2 {
                held.truncate(10);
                trim_typed(&pool);
            }
        }
        assert_eq!((pool.len(), tally.live()), (held.len(), held.len()));
        made = calls() - start;
    });
    // What was refused then is granted now.
    for id in 0..VALUES / 4 {
        held.push(pool.try_alloc(item(id)).expect("there is memory again"));
    }
    pool.check_invariants();
    let whole = |(counted, bytes): &Item<'_>| bytes.iter().all(|byte| *byte == counted.id as u8);
    assert!(held.iter().all(|handle| whole(handle)));
    drop(held);
    assert_eq!((pool.len(), tally.live()), (0, 0));
    drop(pool);
    assert_eq!(bytes(), before, "everything went back");
    (made, refused)
}

/// Unchecked upstream failure, of any call alone.
#[test]
fn whichever_call_is_refused_a_typed_pool_stays_whole() {
    // Whatever this thread needs once is there before anything is refused.
    drop(Pool::new().alloc(1));
    let (needed, refused) = play(|run| run());
    assert!(needed > 0 && refused == 0);
    let step = if cfg!(miri) { 17 } else { 1 };
    let noticed = (0..needed).step_by(step).filter(|nth| {
        let (_, refused) = play(|run| with_refusal(*nth, run));
        // A table or a magazine may be done without.
        assert!(refused <= 1, "{refused} requests for one call");
        refused == 1
    });
    assert!(noticed.count() > 0 || cfg!(miri));
}
