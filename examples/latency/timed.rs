//! A store of the book whose every allocation and free is timed.
//!
//! The book runs between the operations, as it would without a clock, so that the caches hold what
//! they would hold. Only the operation lies between two readings; finding the order, its place in
//! the ladder and the record's details are outside.

use std::cell::{Cell, RefCell};
use std::hint::black_box;
use std::ops::{Deref, DerefMut};

use crate::allocate::Allocate;
use crate::book::{Order, Store};
use crate::clock::Clock;
use crate::record::Record;
use crate::times::Times;

/// The times of both operations.
#[derive(Clone, Debug)]
pub(crate) struct Pair {
    pub(crate) allocate: Times,
    pub(crate) free: Times,
}

impl Pair {
    pub(crate) fn new(ns_per_tick: f64) -> Self {
        let times = Times::new(ns_per_tick);
        Self { allocate: times.clone(), free: times }
    }
}

/// What is measured, while it is.
#[derive(Debug)]
struct Recorder {
    times: Pair,
    /// What the clock costs in a measurement, in ticks.
    cost: u64,
    /// Over the records freed so far, in their order.
    checksum: u64,
}

/// Times what `allocator` does.
#[derive(Debug)]
pub(crate) struct Timed<A, C> {
    allocator: A,
    clock: C,
    recorder: RefCell<Recorder>,
    /// How many orders have come. It numbers them.
    orders: Cell<u64>,
    /// Frees are recorded while this holds; those of a book that is taken down are not.
    open: Cell<bool>,
}

impl<A: Allocate, C: Clock> Timed<A, C> {
    pub(crate) fn new(allocator: A, clock: C) -> Self {
        let recorder = Recorder { times: Pair::new(clock.ns_per_tick()), cost: 0, checksum: 0 };
        let (orders, open) = (Cell::new(0), Cell::new(true));
        Self { allocator, clock, recorder: RefCell::new(recorder), orders, open }
    }

    #[cfg(test)]
    pub(crate) fn allocator(&self) -> &A {
        &self.allocator
    }

    /// Takes `cost` for the clock's share of what is measured from now on.
    pub(crate) fn set_cost(&self, cost: u64) {
        self.recorder.borrow_mut().cost = cost;
    }

    /// Starts or stops the recording of frees.
    pub(crate) fn set_open(&self, open: bool) {
        self.open.set(open);
    }

    /// What was measured since the last call.
    pub(crate) fn take_times(&self) -> Pair {
        let empty = Pair::new(self.clock.ns_per_tick());
        std::mem::replace(&mut self.recorder.borrow_mut().times, empty)
    }

    /// A sum over the records that were freed, in their order.
    pub(crate) fn checksum(&self) -> u64 {
        self.recorder.borrow().checksum
    }

    fn record(&self, times: impl FnOnce(&mut Pair) -> &mut Times, from: C::Moment, to: C::Moment) {
        let mut recorder = self.recorder.borrow_mut();
        let cost = recorder.cost;
        times(&mut recorder.times).add(C::ticks(from, to), cost);
    }
}

impl<A: Allocate, C: Clock> Store for Timed<A, C> {
    type Handle<'s> = TimedHandle<'s, A, C>;

    fn store(&self, order: Order) -> TimedHandle<'_, A, C> {
        let number = self.orders.get();
        self.orders.set(number + 1);
        // The record is in memory before the clock is read, and in its place when it is read again:
        // the compiler has to assume that `black_box` looks at it there.
        let record = black_box(Record::new(order, number));
        let from = self.clock.before();
        let handle = self.allocator.allocate(record);
        black_box(&raw const *handle);
        let to = self.clock.after();
        self.record(|times| &mut times.allocate, from, to);
        TimedHandle { handle: Some(handle), timed: self }
    }
}

/// A handle whose drop is timed.
pub(crate) struct TimedHandle<'s, A: Allocate, C: Clock> {
    /// It is there until the drop.
    handle: Option<A::Handle<'s>>,
    timed: &'s Timed<A, C>,
}

/// What a handle holds until it is dropped.
const HELD: &str = "a handle holds its record until it is dropped";

impl<A: Allocate, C: Clock> Deref for TimedHandle<'_, A, C> {
    type Target = Order;

    fn deref(&self) -> &Order {
        &self.handle.as_ref().expect(HELD).order
    }
}

impl<A: Allocate, C: Clock> DerefMut for TimedHandle<'_, A, C> {
    fn deref_mut(&mut self) -> &mut Order {
        &mut self.handle.as_mut().expect(HELD).order
    }
}

impl<A: Allocate, C: Clock> Drop for TimedHandle<'_, A, C> {
    fn drop(&mut self) {
        let Some(handle) = self.handle.take() else { return };
        if !self.timed.open.get() {
            return;
        }
        let digest = handle.digest();
        let from = self.timed.clock.before();
        drop(handle);
        let to = self.timed.clock.after();
        self.timed.record(|times| &mut times.free, from, to);
        let mut recorder = self.timed.recorder.borrow_mut();
        recorder.checksum = recorder.checksum.rotate_left(1) ^ digest;
    }
}
