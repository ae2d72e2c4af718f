//! Reading values that were put in after long churn, beside values put into a fresh pool.

use std::hint::black_box;

use fastrand::Rng;
use typed_pool::{Pool, PoolBox};

use crate::intrusive::Intrusive;
use crate::{Times, Value};

const VALUES: usize = 1_000_000;
/// The number of values that are read.
const READ: usize = 500_000;
const CHURN_ROUNDS: usize = 10;

/// Times walks in the order in which values were put in.
pub(crate) fn measure(rounds: usize) {
    let (pool, fresh_pool) = (Pool::<Value>::new(), Pool::<Value>::new());
    let mut rng = Rng::with_seed(1);
    let mut handles: Vec<_> = (0..VALUES).map(|_| pool.alloc([1; 8])).collect();
    for _ in 0..CHURN_ROUNDS {
        rng.shuffle(&mut handles);
        handles.truncate(VALUES / 2);
        handles.extend((0..VALUES / 2).map(|_| pool.alloc([1; 8])));
    }
    rng.shuffle(&mut handles);
    drop(handles);
    let handles: Vec<_> = (0..READ).map(|_| pool.alloc([1; 8])).collect();
    let fresh: Vec<_> = (0..READ).map(|_| fresh_pool.alloc([1; 8])).collect();

    let mut list = Intrusive::new(VALUES);
    let fresh_list_slots: Vec<_> = (0..READ).collect();
    let fresh_list = Intrusive::new(VALUES);
    let mut slots: Vec<_> = (0..VALUES).map(|_| list.alloc([1; 8])).collect();
    for _ in 0..CHURN_ROUNDS {
        rng.shuffle(&mut slots);
        slots.drain(VALUES / 2..).for_each(|slot| list.free(slot));
        slots.extend((0..VALUES / 2).map(|_| list.alloc([1; 8])));
    }
    rng.shuffle(&mut slots);
    slots.drain(..).for_each(|slot| list.free(slot));
    slots.extend((0..READ).map(|_| list.alloc([1; 8])));

    let walks: [(&str, &dyn Fn() -> u64); 4] = [
        ("pool, fresh", &|| sum(fresh.iter().map(|value| &**value))),
        ("pool, after churn", &|| sum(handles.iter().map(|value: &PoolBox<'_, Value>| &**value))),
        ("list, fresh", &|| sum(fresh_list_slots.iter().map(|slot| fresh_list.get(*slot)))),
        ("list, after churn", &|| sum(slots.iter().map(|slot| list.get(*slot)))),
    ];
    let mut times: [Times; 4] = Default::default();
    for _ in 0..rounds {
        for ((_, walk), times) in walks.iter().zip(&mut times) {
            times.time(|| {
                black_box(walk());
                READ
            });
        }
    }
    for ((name, _), times) in walks.iter().zip(&times) {
        println!("walk, {name}: {times} a value");
    }
    for (name, fresh, churned) in [("pool", 0, 1), ("list", 2, 3)] {
        let ratio = times[churned].least() / times[fresh].least();
        println!("walk, {name}: {ratio:.2} times as long after churn as fresh");
    }
}

fn sum<'v>(values: impl Iterator<Item = &'v Value>) -> u64 {
    values.map(|value| value[0]).sum()
}
