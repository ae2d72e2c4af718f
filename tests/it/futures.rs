//! Pinned futures, as users have them:
//!
//! - Ten thousand are polled in a pool, by a small executor, and stay where they are.
//! - A scheduler has tasks of several kinds behind one type, each in the pool of its kind.
//! - The Pin clause of the contract: what is pinned is dropped where it lies, and what is forgotten
//!   keeps its memory, also behind a trait and where the handle keeps its pool.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::Future;
use std::marker::PhantomPinned;
use std::mem;
use std::pin::Pin;
use std::ptr;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::task::{Context, Poll, Wake, Waker};

use typed_pool::{PoolBox, coercion};

use super::{OwnedPoolBox, Pool, PoolBox as Handle, Shared, trim};
use crate::support::{Tally, panic_message};

/// Notes that a task is to be polled again.
#[derive(Default)]
struct Ready(AtomicBool);

impl Wake for Ready {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Relaxed);
    }
}

/// Polls all tasks in turn, those that have been woken, until none is left; returns how many polls
/// that took.
fn run<F: Future<Output = ()> + ?Sized>(tasks: Vec<Pin<Handle<'_, F>>>) -> usize {
    let ready = |task| (task, Arc::new(Ready(AtomicBool::new(true))));
    let mut queue: VecDeque<_> = tasks.into_iter().map(ready).collect();
    let mut polls = 0;
    while let Some((mut task, ready)) = queue.pop_front() {
        assert!(ready.0.swap(false, Relaxed), "the task was not woken");
        polls += 1;
        let waker = Waker::from(Arc::clone(&ready));
        if task.as_mut().poll(&mut Context::from_waker(&waker)).is_pending() {
            queue.push_back((task, ready));
        }
    }
    polls
}

/// Lets the others go first, once; checks that it is polled where it was polled before.
#[derive(Default)]
struct Yield {
    place: Option<usize>,
    _pinned: PhantomPinned,
}

impl Future for Yield {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let here = ptr::from_ref(&*self).addr();
        if let Some(before) = self.place {
            assert_eq!(before, here, "the future has moved");
            return Poll::Ready(());
        }
        // SAFETY: nothing is moved out.
        unsafe { self.get_unchecked_mut() }.place = Some(here);
        context.waker().wake_by_ref();
        Poll::Pending
    }
}

#[test]
fn ten_thousand_futures_run_in_a_pool() {
    let count = if cfg!(miri) { 50 } else { 10_000 };
    let done = Cell::new(0);
    let pool = Pool::new();
    let task = |steps: usize| {
        let done = &done;
        async move {
            for _ in 0..steps {
                Yield::default().await;
            }
            done.set(done.get() + 1);
        }
    };
    let tasks: Vec<_> = (0..count).map(|number| pool.alloc_pin(task(number % 4))).collect();
    assert_eq!(pool.len(), count);
    let expected: usize = (0..count).map(|number| number % 4 + 1).sum();
    assert_eq!(run(tasks), expected);
    assert_eq!((done.get(), pool.len()), (count, 0));
    pool.check_invariants();
}

#[test]
fn a_future_that_is_refused_comes_back() {
    let pool = Pool::bounded(1);
    let first = pool.try_alloc_pin(std::future::ready(1)).unwrap();
    let mut second = pool.try_alloc_pin(std::future::ready(2)).unwrap_err().into_inner();
    let mut context = Context::from_waker(Waker::noop());
    assert_eq!(Pin::new(&mut second).poll(&mut context), Poll::Ready(2));
    assert!(panic_message(|| pool.alloc_pin(second)).contains("full"));
    drop(first);
}

/// A user's program: tasks of several kinds, each kind in its pool, wait on queues and spawn
/// others.
mod scheduler {
    use super::*;

    type Task<'p> = Pin<Handle<'p, dyn Future<Output = ()> + 'p>>;

    /// A queue that tasks wait on.
    #[derive(Default)]
    struct Channel {
        values: RefCell<VecDeque<u32>>,
        waiting: RefCell<Vec<Waker>>,
    }

    impl Channel {
        fn send(&self, value: u32) {
            self.values.borrow_mut().push_back(value);
            self.waiting.take().into_iter().for_each(Waker::wake);
        }

        async fn receive(&self) -> u32 {
            std::future::poll_fn(|context| match self.values.borrow_mut().pop_front() {
                Some(value) => Poll::Ready(value),
                None => {
                    self.waiting.borrow_mut().push(context.waker().clone());
                    Poll::Pending
                }
            })
            .await
        }
    }

    #[derive(Default)]
    struct Scheduler<'p> {
        tasks: RefCell<VecDeque<(Task<'p>, Arc<Ready>)>>,
    }

    impl<'p> Scheduler<'p> {
        fn spawn(&self, task: Task<'p>) {
            self.tasks.borrow_mut().push_back((task, Arc::new(Ready(AtomicBool::new(true)))));
        }

        fn run(&self) {
            loop {
                let Some((mut task, ready)) = self.tasks.borrow_mut().pop_front() else { return };
                let waker = Waker::from(Arc::clone(&ready));
                let woken = ready.0.swap(false, Relaxed);
                if !woken || task.as_mut().poll(&mut Context::from_waker(&waker)).is_pending() {
                    self.tasks.borrow_mut().push_back((task, ready));
                }
            }
        }
    }

    async fn produce(channel: Rc<Channel>, count: u32) {
        for number in 0..count {
            channel.send(number);
            Yield::default().await;
        }
    }

    async fn consume(channel: Rc<Channel>, count: u32, sum: Rc<Cell<u32>>) {
        for _ in 0..count {
            let value = channel.receive().await;
            sum.set(sum.get() + value);
        }
    }

    #[test]
    fn tasks_of_several_kinds_run_to_their_end() {
        let (producers, consumers) = (Pool::new(), Pool::bounded(10));
        let scheduler = Scheduler::default();
        let sum = Rc::new(Cell::new(0));
        for _ in 0..10 {
            let channel = Rc::new(Channel::default());
            let task = consumers.alloc_pin(consume(Rc::clone(&channel), 10, Rc::clone(&sum)));
            scheduler.spawn(PoolBox::unsize_pin(task, coercion!(dyn Future<Output = ()>)));
            let task = producers.alloc_pin(produce(channel, 10));
            scheduler.spawn(PoolBox::unsize_pin(task, coercion!(dyn Future<Output = ()>)));
        }
        assert_eq!((producers.len(), consumers.len()), (10, 10));
        scheduler.run();
        assert_eq!((sum.get(), producers.len(), consumers.len()), (450, 0, 0));
        drop(scheduler);
    }
}

/// A value that knows where it was pinned, and is dropped there or never.
struct Pinned<'t> {
    place: Cell<usize>,
    counted: crate::support::Counted<'t>,
    _pinned: PhantomPinned,
}

impl<'t> Pinned<'t> {
    fn new(tally: &'t Tally, id: u64) -> Self {
        Self { place: Cell::new(0), counted: tally.value(id), _pinned: PhantomPinned }
    }

    fn note(self: Pin<&Self>) {
        self.place.set(ptr::from_ref(&*self).addr());
    }
}

impl Drop for Pinned<'_> {
    fn drop(&mut self) {
        assert_eq!(self.place.get(), ptr::from_ref(self).addr(), "dropped elsewhere");
    }
}

trait Named {
    fn name(&self) -> u64;
}

impl Named for Pinned<'_> {
    fn name(&self) -> u64 {
        self.counted.id
    }
}

/// What a future holds of itself, exclusively, its destructor uses: nothing that the crate does in
/// front of that may come between.
#[test]
fn a_suspended_future_that_borrows_from_itself_is_dropped() {
    struct Increment<'a>(&'a mut u32);

    impl Drop for Increment<'_> {
        fn drop(&mut self) {
            *self.0 += 1;
        }
    }

    let pool = Pool::new();
    let mut future = pool.alloc_pin(async {
        let mut number = 7;
        let increment = Increment(&mut number);
        Yield::default().await;
        drop(increment);
    });
    assert!(future.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    drop(future);
    assert!(pool.is_empty());
}

#[test]
fn a_pinned_value_is_dropped_where_it_lies() {
    let tally = Tally::default();
    let pool = Shared::new(Pool::new());
    let plain = pool.alloc_pin(Pinned::new(&tally, 1));
    plain.as_ref().note();
    let behind = pool.alloc_pin(Pinned::new(&tally, 2));
    behind.as_ref().note();
    let behind: Pin<Handle<'_, dyn Named + '_>> =
        PoolBox::unsize_pin(behind, coercion!(dyn Named + '_));
    let kept = PoolBox::into_pin(pool.alloc_owned(Pinned::new(&tally, 3)));
    kept.as_ref().note();
    assert_eq!((plain.name(), behind.name(), kept.name(), tally.live()), (1, 2, 3, 3));
    // Handles are moved, values are not.
    drop(Box::new(plain));
    drop(vec![behind]);
    drop(pool);
    drop(Box::new(kept));
    assert_eq!(tally.live(), 0);
}

#[test]
fn what_is_pinned_and_forgotten_keeps_its_memory() {
    for bounded in [false, true] {
        let tally = Tally::default();
        let count = if cfg!(miri) { 20 } else { 5000 };
        let mut pool = if bounded { Pool::bounded(count) } else { Pool::new() };
        let others: Vec<_> = (1..count).map(|_| pool.alloc([0_u64; 9])).collect();
        let pinned = pool.alloc_pin([7; 9]);
        let pinned: Pin<Handle<'_, [u64]>> = PoolBox::unsize_pin(pinned, coercion!([u64]));
        let place: *const [u64] = &*pinned;
        mem::forget(pinned);
        drop(others);
        trim(&mut pool);
        drop(pool);
        // Whatever is allocated now must not come to lie over the value.
        let noise: Vec<Vec<u8>> =
            (0..if cfg!(miri) { 4 } else { 64 }).map(|_| vec![1; 9000]).collect();
        // SAFETY: the value was pinned and never dropped, so its memory is still its own: that is
        // what this test is about.
        assert_eq!(unsafe { &*place }, [7; 9]);
        drop((noise, tally));
    }

    // A handle that keeps its pool and is forgotten keeps it, and so the value, for ever.
    let pool = Shared::new(Pool::new());
    let weak = Shared::downgrade(&pool);
    let pinned: Pin<OwnedPoolBox<_>> = PoolBox::into_pin(pool.alloc_owned([7; 9]));
    let place: *const [u64; 9] = &*pinned;
    mem::forget(pinned);
    drop(pool);
    assert_eq!(weak.strong_count(), 1);
    // SAFETY: as above.
    assert_eq!(unsafe { &*place }, &[7; 9]);
}

/// Values that need not stay where they are can be exchanged, pinned or not.
#[test]
fn values_that_may_move_are_exchanged_in_a_pin() {
    let pool = Pool::new();
    let [mut first, mut second] = [1, 2].map(|number| pool.alloc_pin(number));
    mem::swap(&mut *first, &mut *second);
    assert_eq!((*first, *second), (2, 1));
    let mut back = Pin::into_inner(first);
    *back += 1;
    assert_eq!(PoolBox::into_inner(back), 3);
}
