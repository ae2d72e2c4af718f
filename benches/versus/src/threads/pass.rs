//! Values that one thread puts in and another frees.

use std::thread;

use crossbeam_queue::ArrayQueue;

use super::team::{Team, wait_until};
use crate::heap::Shared;
use crate::live::Live;
use crate::workloads::Run;

/// The number of batches between two threads: while one is filled and one is freed, others wait.
pub(super) const BATCHES: usize = 4;

/// A bounded channel of batches, and the way of the empty ones back, which are used again.
struct Channel<B> {
    full: ArrayQueue<B>,
    empty: ArrayQueue<B>,
}

/// Takes from a queue once there is something.
fn take<B>(queue: &ArrayQueue<B>) -> B {
    let mut batch = None;
    wait_until(|| {
        batch = queue.pop();
        batch.is_some()
    });
    batch.expect("waited for")
}

/// Gives to a queue.
fn give<B>(queue: &ArrayQueue<B>, batch: B) {
    assert!(queue.push(batch).is_ok(), "a queue has room for all batches");
}

/// Measured: a batch of `count` values put in by one thread, sent to another, and freed there in
/// the same order. Every second thread sends to the next.
pub(super) fn pass<const WORDS: usize, H: Shared<WORDS>>(
    threads: usize,
    count: usize,
    run: Run<'_>,
) {
    let heap = H::with_room(threads / 2 * BATCHES * count);
    let channel = |_| {
        let channel = Channel { full: ArrayQueue::new(BATCHES), empty: ArrayQueue::new(BATCHES) };
        for _ in 0..BATCHES {
            give(&channel.empty, Live::<WORDS, H>::with_room(&heap, count));
        }
        channel
    };
    let channels: Vec<_> = (0..threads / 2).map(channel).collect();
    thread::scope(|scope| {
        let channels = &channels;
        let team = Team::start(scope, threads, move |number| {
            let Channel { full, empty } = &channels[number / 2];
            let sends = number % 2 == 0;
            move |iterations| {
                for _ in 0..iterations {
                    if sends {
                        let mut batch = take(empty);
                        batch.fill(count);
                        give(full, batch);
                    } else {
                        let mut batch = take(full);
                        batch.free_in_same_order();
                        give(empty, batch);
                    }
                }
            }
        });
        run(&mut |iterations| team.round(iterations));
    });
}
