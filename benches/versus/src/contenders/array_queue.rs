//! Boxes that are used again, in the queue of `crossbeam`: the usual way to a pool for threads.

use crossbeam_queue::ArrayQueue;

use crate::heap::{Frees, Heap, Shared, Value, looked_at_by_deref, reached_by_deref};

/// A queue of vacant boxes, made with as many as the workload needs.
pub(crate) type BoxQueue<const WORDS: usize> = ArrayQueue<Box<Value<WORDS>>>;

impl<const WORDS: usize> Heap<WORDS> for BoxQueue<WORDS> {
    type Handle<'h> = Box<Value<WORDS>>;

    reached_by_deref!();

    fn with_room(count: usize) -> Self {
        let queue = Self::new(count.max(1));
        while queue.push(Box::new(Value::new(0))).is_ok() {}
        queue
    }

    #[inline]
    fn put(&self, seed: u64) -> Self::Handle<'_> {
        match self.pop() {
            Some(mut vacant) => {
                *vacant = Value::new(seed);
                vacant
            }
            None => Box::new(Value::new(seed)),
        }
    }

    #[inline]
    unsafe fn free(&self, handle: Self::Handle<'_>) {
        // One that finds the queue full is dropped.
        _ = self.push(handle);
    }

    #[inline]
    fn emptied(self, _count: usize) -> Self {
        self
    }
}

impl<const WORDS: usize> Frees<WORDS> for BoxQueue<WORDS> {}

impl<const WORDS: usize> Shared<WORDS> for BoxQueue<WORDS> {
    looked_at_by_deref!();
}
