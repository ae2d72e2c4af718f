//! Handles that keep a pool for many threads:
//!
//! - They go from thread to thread and outlive the pool's last `Arc` there; whichever thread drops
//!   the last one ends the pool.
//! - Threads take and drop them at once, while others let go of the pool.
//! - A pool that moves between rounds is found where it is, by every thread.

use std::sync::Arc;
use std::sync::mpsc;
use std::thread;

use typed_pool::{PoolBox, SyncOwnedPoolBox, SyncPool};

use crate::support::{Counted, Tally};
use crate::sync_support::{rounds, size};

#[test]
fn the_last_handle_ends_the_pool_on_whatever_thread() {
    static TALLY: Tally = Tally::new();
    for _ in 0..rounds(20, 2) {
        let pool = Arc::new(SyncPool::new());
        let weak = Arc::downgrade(&pool);
        let threads: Vec<_> = (0..size(4, 2))
            .map(|id| {
                let handles: Vec<_> =
                    (0..size(100, 5)).map(|_| pool.alloc_owned(TALLY.value(id as u64))).collect();
                thread::spawn(move || {
                    let clones: Vec<SyncOwnedPoolBox<Counted<'static>>> = handles.clone();
                    assert!(clones.iter().all(|clone| clone.id == id as u64));
                    drop(handles);
                    let more = PoolBox::pool(&clones[0]).alloc_owned(TALLY.value(7));
                    drop(clones);
                    assert_eq!(more.id, 7);
                })
            })
            .collect();
        drop(pool);
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        assert_eq!((weak.strong_count(), TALLY.live()), (0, 0));
    }
}

#[test]
fn handles_go_down_a_chain_of_threads() {
    let pool = Arc::new(SyncPool::bounded(64));
    let weak = Arc::downgrade(&pool);
    let (send, receive) = mpsc::sync_channel::<SyncOwnedPoolBox<u64>>(8);
    let (forward, sink) = mpsc::sync_channel::<SyncOwnedPoolBox<u64>>(8);
    let count = rounds(1000, 20) as u64;
    let source = thread::spawn(move || {
        for number in 0..count {
            send.send(pool.alloc_owned(number)).unwrap();
        }
        // The pool is let go of here; what is on its way keeps it.
    });
    let middle = thread::spawn(move || {
        for handle in receive {
            let doubled = handle.clone();
            drop(handle);
            forward.send(doubled).unwrap();
        }
    });
    let sum: u64 = sink.iter().map(|handle| *handle).sum();
    assert_eq!(sum, (0..count).sum::<u64>());
    source.join().unwrap();
    middle.join().unwrap();
    assert_eq!(weak.strong_count(), 0);
}

#[test]
fn a_pool_that_moved_is_found_by_every_thread() {
    static TALLY: Tally = Tally::new();
    let mut pool = SyncPool::bounded(100);
    for round in 0..rounds(20, 3) as u64 {
        let shared = Arc::new(pool);
        let threads: Vec<_> = (0..2)
            .map(|_| {
                let shared = Arc::clone(&shared);
                thread::spawn(move || {
                    let held = [(); 10].map(|()| shared.alloc_owned(TALLY.value(round)));
                    drop(shared);
                    drop(held);
                })
            })
            .collect();
        let held = shared.alloc_owned(TALLY.value(round));
        assert_eq!(held.id, round);
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        drop(held);
        pool = Arc::into_inner(shared).expect("no handle is left");
        assert_eq!((pool.len(), TALLY.live()), (0, 0));
        pool.check_invariants();
    }
}
