//! The way of values from one thread to the next: stored by the sender, dropped by the receiver.
//!
//! A bounded channel carries the handles in batches, each a `Vec`. A channel costs some hundred
//! nanoseconds a transfer where a thread has to be woken for it, many times what a slot costs, so
//! that handles sent one by one measure the channel and little else (`--batch 1` shows it).
//!
//! What holds a sender back is the store: a pool that is full hands the value back. The sender then
//! sends what it has collected, lest both ends wait for each other, and parks until the receiver
//! has dropped a batch. The channel takes as many handles as the pool has slots twice over, since a
//! shared pool admits more than its capacity: vacant slots that a thread keeps at hand come on top.
//! So it is not what a sender waits for, as long as batches are full. Boxes know no limit; for them
//! the channel is it, with two batches more on their way, one at each end.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, Thread};

use crate::store::Store;

/// How much is under way at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limits {
    /// The number of values that the store has room for.
    pub(crate) in_flight: usize,
    /// The number of handles that go in one transfer.
    pub(crate) batch: usize,
}

/// The other end has gone.
#[derive(Debug)]
pub(crate) struct Closed;

/// The sender's end.
pub(crate) struct Outbox<'s, T, S: Store<T>> {
    store: &'s S,
    sender: SyncSender<Vec<S::Handle<'s>>>,
    /// What is collected for the next transfer.
    batch: Vec<S::Handle<'s>>,
    batch_size: usize,
    waits: u64,
}

/// The receiver's end, once it is known who sends. It knows handles, and not where from.
pub(crate) struct Inbox<H> {
    // Fields are dropped in this order: what is in the channel first, so that there is room when
    // the sender wakes.
    receiver: Receiver<Vec<H>>,
    sender: Wake,
}

/// A pipe for values in `store`: the sender's end, and what the receiver's is made from.
pub(crate) fn pipe<T, S: Store<T>>(
    store: &S,
    limits: Limits,
) -> (Outbox<'_, T, S>, Receiver<Vec<S::Handle<'_>>>) {
    let Limits { in_flight, batch: batch_size } = limits;
    let full_batches = in_flight.div_ceil(batch_size);
    let (sender, receiver) = sync_channel(if S::BOUNDED { 2 * full_batches } else { full_batches });
    (Outbox { store, sender, batch: Vec::new(), batch_size, waits: 0 }, receiver)
}

impl<T, S: Store<T>> Outbox<'_, T, S> {
    /// Stores a value, when there is room for it, and sends it with the others of its batch.
    pub(crate) fn push(&mut self, value: T) -> Result<(), Closed> {
        match self.store.store(value) {
            Ok(handle) => self.batch.push(handle),
            Err(value) => self.wait_and_push(value)?,
        }
        if self.batch.len() >= self.batch_size { self.flush() } else { Ok(()) }
    }

    /// Sends what is collected.
    pub(crate) fn flush(&mut self) -> Result<(), Closed> {
        if self.batch.is_empty() {
            return Ok(());
        }
        let next = Vec::with_capacity(self.batch_size);
        let batch = std::mem::replace(&mut self.batch, next);
        self.sender.send(batch).map_err(|_| Closed)
    }

    /// How often the store was full.
    pub(crate) fn waits(&self) -> u64 {
        self.waits
    }

    #[cold]
    fn wait_and_push(&mut self, mut value: T) -> Result<(), Closed> {
        self.waits += 1;
        self.flush()?;
        // The receiver wakes this thread after it has made room. One that does so between the two
        // steps below is not missed: then parking returns at once.
        loop {
            match self.store.store(value) {
                Ok(handle) => {
                    self.batch.push(handle);
                    return Ok(());
                }
                Err(back) => value = back,
            }
            thread::park();
        }
    }
}

impl<H> Inbox<H> {
    pub(crate) fn new(receiver: Receiver<Vec<H>>, sender: Thread) -> Self {
        Self { receiver, sender: Wake(sender) }
    }

    /// The next batch, when it comes; none when the sender has gone. The one before is dropped by
    /// now, so there is room for the sender to go on.
    pub(crate) fn receive(&self) -> Option<Vec<H>> {
        self.sender.wake();
        self.receiver.recv().ok()
    }
}

/// A thread that may have parked. It is woken for the last time when this is dropped, by a panic
/// too.
struct Wake(Thread);

impl Wake {
    fn wake(&self) {
        self.0.unpark();
    }
}

impl Drop for Wake {
    fn drop(&mut self) {
        self.wake();
    }
}

#[cfg(test)]
mod tests {
    use typed_pool::SyncPool;

    use super::*;
    use crate::book::Heap;

    /// Sends numbers through a pipe and returns how often the sender had to wait.
    fn send<S: Store<usize>>(store: &S, limits: Limits, count: usize) -> u64 {
        let (mut outbox, receiver) = pipe(store, limits);
        thread::scope(|scope| {
            let sender = scope.spawn(move || {
                for number in 0..count {
                    outbox.push(number).unwrap();
                }
                outbox.flush().unwrap();
                outbox.waits()
            });
            let inbox = Inbox::new(receiver, sender.thread().clone());
            let mut next = 0;
            while let Some(batch) = inbox.receive() {
                assert!((1..=limits.batch).contains(&batch.len()));
                for number in batch {
                    assert_eq!(*number, next);
                    next += 1;
                }
            }
            assert_eq!(next, count);
            sender.join().unwrap()
        })
    }

    #[test]
    fn all_values_arrive_in_order_whatever_the_limits() {
        // A pool that is dropped walks all of its slots, which takes Miri long.
        let (count, largest) = if cfg!(miri) { (40, 100) } else { (5_000, 10_000) };
        for in_flight in [1, 2, 7, 64, largest] {
            for batch in [1, 3, 64] {
                let limits = Limits { in_flight, batch };
                let pool = SyncPool::bounded(in_flight);
                send(&pool, limits, count);
                assert!(pool.is_empty(), "{limits:?}");
                assert_eq!(send(&Heap, limits, count), 0);
            }
        }
    }

    #[test]
    fn a_pool_with_room_for_all_makes_nobody_wait() {
        let limits = Limits { in_flight: 50, batch: 8 };
        assert_eq!(send(&SyncPool::bounded(50), limits, 50), 0);
    }

    #[test]
    fn a_full_pool_holds_the_sender_until_the_receiver_drops() {
        let pool = SyncPool::bounded(4);
        let (mut outbox, receiver) = pipe(&pool, Limits { in_flight: 4, batch: 100 });
        thread::scope(|scope| {
            let sender = scope.spawn(move || {
                for number in 0..100 {
                    outbox.push(number).unwrap();
                }
                outbox.flush().unwrap();
                outbox.waits()
            });
            // What is short of a batch comes all the same: the sender found the pool full.
            let first = receiver.recv().unwrap();
            assert!((4..100).contains(&first.len()));
            let inbox = Inbox::new(receiver, sender.thread().clone());
            let mut received = first.len();
            drop(first);
            while let Some(batch) = inbox.receive() {
                received += batch.len();
            }
            assert_eq!(received, 100);
            assert!(sender.join().unwrap() > 0);
        });
        assert!(pool.is_empty());
    }

    #[test]
    fn a_sender_that_waits_learns_that_the_receiver_has_gone() {
        let pool = SyncPool::bounded(2);
        let (mut outbox, receiver) = pipe(&pool, Limits { in_flight: 2, batch: 1 });
        thread::scope(|scope| {
            let sender = scope.spawn(move || {
                let sent = (0..).take_while(|&number| outbox.push(number).is_ok()).count();
                assert!(outbox.flush().is_ok(), "nothing is kept that could not be sent");
                sent
            });
            let inbox = Inbox::new(receiver, sender.thread().clone());
            assert_eq!(*inbox.receive().unwrap()[0], 0);
            drop(inbox);
            assert!(sender.join().unwrap() >= 1);
        });
        assert!(pool.is_empty());
    }
}
