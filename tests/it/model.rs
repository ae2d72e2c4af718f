//! Random histories against a model: whatever is done, the pool holds what a vector of boxes
//! holds, index by index, in slots of their own, and every invariant holds after each step.

use std::collections::BTreeSet;
use std::mem::ManuallyDrop;
use std::ptr;

use proptest::prelude::*;
use typed_pool::InvalidFree;

use self::operation::{Form, Operation, operation};
use super::figures::check_figures;
use super::histories::config;
use super::{
    MemoryPool, Pool, PoolBox, block_count, compact, growing, shrink_under_handles, slots,
    trim_under_handles,
};
use crate::support::{Counted, Tally, panic_message};

mod operation;

/// What counts the values of `N` bytes. The tests whose values differ in size run at once.
fn tally<const N: usize>() -> &'static Tally {
    static SMALL: Tally = Tally::new();
    static LARGE: Tally = Tally::new();
    if N <= 8 { &SMALL } else { &LARGE }
}

/// A counted value of a given size.
struct Item<const N: usize> {
    counted: Counted<'static>,
    fill: [u8; N],
    panics_on_clone: bool,
}

impl<const N: usize> Item<N> {
    fn new(id: u64) -> Self {
        Self { counted: tally::<N>().value(id), fill: [id as u8; N], panics_on_clone: false }
    }
}

impl<const N: usize> Default for Item<N> {
    fn default() -> Self {
        Self::new(0)
    }
}

impl<const N: usize> Clone for Item<N> {
    fn clone(&self) -> Self {
        assert!(!self.panics_on_clone, "no clone");
        Self { counted: self.counted.clone(), ..*self }
    }
}

impl<const N: usize> PartialEq for Item<N> {
    fn eq(&self, other: &Self) -> bool {
        self.counted.id == other.counted.id && self.fill == other.fill
    }
}

type Handle<'p, const N: usize> = PoolBox<'p, Item<N>>;

/// What there is of a value that is in the pool.
enum Held<'p, const N: usize> {
    Handle(Handle<'p, N>),
    Leaked(&'p mut Item<N>),
    /// What [`std::mem::forget`] makes of a handle, and then loses. This one is found again when
    /// the history ends, for the pool would keep its memory for ever.
    Forgotten(ManuallyDrop<Handle<'p, N>>),
}

impl<const N: usize> Held<'_, N> {
    fn value(&self) -> &Item<N> {
        match self {
            Self::Handle(handle) => handle,
            Self::Leaked(value) => value,
            Self::Forgotten(handle) => handle,
        }
    }
}

/// A pool, what there is of the values in it, and at the same indices what they ought to be.
struct History<'p, const N: usize> {
    pool: &'p Pool<Item<N>>,
    bounded: bool,
    held: Vec<Option<Held<'p, N>>>,
    reference: Vec<Option<Box<Item<N>>>>,
    /// The indices that are vacant in both.
    vacant: Vec<usize>,
    /// The number of values that lived before the history.
    before: usize,
    /// The most slots that were occupied at once, or one fewer.
    peak: usize,
    last_id: u64,
}

impl<'p, const N: usize> History<'p, N> {
    fn new(pool: &'p Pool<Item<N>>, bounded: bool) -> Self {
        let (held, reference, vacant) = (Vec::new(), Vec::new(), Vec::new());
        let before = tally::<N>().live();
        Self { pool, bounded, held, reference, vacant, before, peak: 0, last_id: 0 }
    }

    /// The id of a value that was not there before.
    fn fresh(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    /// Notes a value at the index that was vacated last, or at a new one.
    fn put(&mut self, held: Held<'p, N>, expected: Box<Item<N>>) {
        let index = self.vacant.pop().unwrap_or_else(|| {
            self.held.push(None);
            self.reference.push(None);
            self.held.len() - 1
        });
        self.held[index] = Some(held);
        self.reference[index] = Some(expected);
        self.peak = self.peak.max(self.held.len() - self.vacant.len());
    }

    /// The index of a handle, from that of `number` on and round.
    fn pick(&self, number: usize) -> Option<usize> {
        let start = number.checked_rem(self.held.len())?;
        let mut indices = (start..self.held.len()).chain(0..start);
        indices.find(|index| matches!(self.held[*index], Some(Held::Handle(_))))
    }

    /// A handle that is there to stay, and what it ought to hold.
    fn pick_mut(&mut self, number: usize) -> Option<(&mut Handle<'p, N>, &mut Item<N>)> {
        let index = self.pick(number)?;
        match (&mut self.held[index], &mut self.reference[index]) {
            (Some(Held::Handle(handle)), Some(expected)) => Some((handle, expected)),
            _ => unreachable!("a handle was picked"),
        }
    }

    /// A handle out of the history, and what it ought to hold.
    fn take(&mut self, number: usize) -> Option<(Handle<'p, N>, Box<Item<N>>)> {
        let index = self.pick(number)?;
        self.vacant.push(index);
        match (self.held[index].take(), self.reference[index].take()) {
            (Some(Held::Handle(handle)), Some(expected)) => Some((handle, expected)),
            _ => unreachable!("a handle was picked"),
        }
    }

    fn step(&mut self, operation: &Operation) {
        match *operation {
            Operation::Allocate(form) => self.allocate(form),
            Operation::UninitDropped => drop(self.pool.try_alloc_uninit()),
            Operation::ConstructorPanics => {
                self.check_panic("no value", |pool| pool.alloc_with(|| panic!("no value")));
            }
            Operation::DestructorPanics => {
                let bomb = Item { counted: tally::<N>().bomb(0), ..Item::new(0) };
                // Where it is refused, it is given back, and panics no less.
                panic_message(|| drop(self.pool.try_alloc(bomb)));
            }
            Operation::Clone(number) => self.clone_one(number),
            Operation::ClonePanics(number) => self.clone_panics(number),
            Operation::CloneFrom(to, from) => self.clone_from(to, from, false),
            Operation::CloneFromPanics(to, from) => self.clone_from(to, from, true),
            Operation::Drop(number)
            | Operation::IntoInner(number)
            | Operation::Pin(number)
            | Operation::Leak(number)
            | Operation::Forget(number)
            | Operation::RawRoundTrip(number) => self.hand_over(number, operation),
            Operation::Replace(number) => {
                let id = self.fresh();
                if let Some((handle, expected)) = self.pick_mut(number) {
                    **handle = Item::new(id);
                    *expected = Item::new(id);
                }
            }
            Operation::Fill(count) => (0..count).for_each(|_| self.allocate(Form::TryAlloc)),
            Operation::DropEvery(stride) => self.drop_some(|index| index % stride == 0),
            Operation::DropFrom(number) => {
                let first = number.checked_rem(self.held.len());
                self.drop_some(|index| first.is_some_and(|first| index >= first));
            }
            Operation::Reserve(count) | Operation::TryReserve(count) => {
                self.reserve(count, matches!(operation, Operation::Reserve(_)));
            }
            Operation::Trim => self.give_back(trim_under_handles),
            Operation::ShrinkTo(floor) => {
                let before = self.pool.capacity();
                self.give_back(|pool| shrink_under_handles(pool, floor));
                assert!(self.pool.capacity() >= floor.min(before));
            }
            Operation::Relocate(number) => {
                if let Some((handle, _)) = self.pick_mut(number) {
                    let before = PoolBox::as_ptr(handle);
                    let moved = PoolBox::relocate(handle);
                    assert_eq!(moved, before != PoolBox::as_ptr(handle));
                }
            }
            Operation::RelocateAll => {
                let mut handles = self.handles(1);
                // Each goes to a chunk in front, so this comes to an end.
                while handles
                    .iter_mut()
                    .filter_map(|held| PoolBox::relocate(held).then_some(()))
                    .count()
                    > 0
                {}
            }
            Operation::Compact(stride) => {
                let pool = self.pool;
                compact(pool, self.handles(stride));
            }
        }
    }

    /// The handles at indices that `stride` divides.
    fn handles(&mut self, stride: usize) -> Vec<&mut Handle<'p, N>> {
        let held = self.held.iter_mut().step_by(stride).flatten();
        held.filter_map(|held| if let Held::Handle(handle) = held { Some(handle) } else { None })
            .collect()
    }

    /// Has memory given back: chunks, or the pages of those that stay.
    fn give_back(&self, release: impl FnOnce(&Pool<Item<N>>) -> usize) {
        let before = self.pool.stats();
        let released = release(self.pool);
        let after = self.pool.stats();
        if before.capacity == after.capacity {
            assert!(released == 0 || cfg!(feature = "madvise"));
            assert_eq!(before.bytes_reserved, after.bytes_reserved);
        } else {
            assert_eq!(before.bytes_reserved - released, after.bytes_reserved);
        }
    }

    fn allocate(&mut self, form: Form) {
        let (pool, full) = (self.pool, self.pool.is_full());
        let id = if matches!(form, Form::Default) { 0 } else { self.fresh() };
        let make = || Item::new(id);
        let check_same = |refused: Item<N>| assert!(refused == make(), "another value came back");
        let take = || match form {
            Form::Alloc => Some(pool.alloc(make())),
            Form::TryAlloc => {
                pool.try_alloc(make()).map_err(|refused| check_same(refused.into_inner())).ok()
            }
            Form::With => Some(pool.alloc_with(make)),
            Form::TryWith => {
                pool.try_alloc_with(make).map_err(|refused| check_same(refused.into_inner()())).ok()
            }
            Form::Default => Some(pool.alloc_default()),
            Form::Uninit => Some(PoolBox::write(pool.alloc_uninit(), make())),
            Form::TryUninit => Some(PoolBox::write(pool.try_alloc_uninit().ok()?, make())),
        };
        if full && matches!(form, Form::Alloc | Form::With | Form::Default | Form::Uninit) {
            assert!(panic_message(take).contains("full"));
        } else if let Some(handle) = take() {
            assert!(!full);
            self.put(Held::Handle(handle), Box::new(make()));
        } else {
            assert!(full);
        }
    }

    /// Runs what panics with `words`, unless the pool is full: then it says so.
    fn check_panic<R>(&self, words: &str, run: impl FnOnce(&'p Pool<Item<N>>) -> R) {
        let expected = if self.pool.is_full() { "full" } else { words };
        let message = panic_message(|| run(self.pool));
        assert!(message.contains(expected), "{message}");
    }

    fn clone_one(&mut self, number: usize) {
        let Some((handle, expected)) = self.take(number) else { return };
        if self.pool.is_full() {
            self.check_panic("full", |_| handle.clone());
        } else {
            self.put(Held::Handle(handle.clone()), expected.clone());
        }
        self.put(Held::Handle(handle), expected);
    }

    fn clone_panics(&mut self, number: usize) {
        let Some((mut handle, expected)) = self.take(number) else { return };
        handle.panics_on_clone = true;
        self.check_panic("no clone", |_| handle.clone());
        handle.panics_on_clone = false;
        self.put(Held::Handle(handle), expected);
    }

    /// Clones one handle's value into the place of another's, if it can be cloned.
    fn clone_from(&mut self, to: usize, from: usize, panics: bool) {
        let Some((mut source, expected)) = self.take(from) else { return };
        source.panics_on_clone = panics;
        if let Some((target, of_target)) = self.pick_mut(to) {
            if panics {
                assert_eq!(panic_message(|| target.clone_from(&source)), "no clone");
            } else {
                target.clone_from(&source);
                of_target.clone_from(&expected);
            }
        }
        source.panics_on_clone = false;
        self.put(Held::Handle(source), expected);
    }

    /// Gives a handle away, in one of the ways that there are.
    fn hand_over(&mut self, number: usize, way: &Operation) {
        let Some((handle, expected)) = self.take(number) else { return };
        match way {
            Operation::Drop(_) => drop(handle),
            Operation::IntoInner(_) => assert!(PoolBox::into_inner(handle) == *expected),
            Operation::Pin(_) => assert!(*PoolBox::into_pin(handle) == *expected),
            Operation::Leak(_) => self.put(Held::Leaked(PoolBox::leak(handle)), expected),
            Operation::Forget(_) => {
                self.put(Held::Forgotten(ManuallyDrop::new(handle)), expected);
            }
            Operation::RawRoundTrip(_) => {
                let raw = PoolBox::into_raw(handle);
                // SAFETY: 1. and 2. the address just came from `into_raw`. 3. The pool lives for
                // `'p`, on this thread. 4. It is the type of before.
                self.put(Held::Handle(unsafe { PoolBox::from_raw(raw) }), expected);
            }
            _ => unreachable!("not a way to give a handle away"),
        }
    }

    /// Drops the handles at some of the indices, and what they ought to hold.
    fn drop_some(&mut self, at: impl Fn(usize) -> bool) {
        for index in (0..self.held.len()).filter(|index| at(*index)) {
            if matches!(self.held[index], Some(Held::Handle(_))) {
                self.held[index] = None;
                self.reference[index] = None;
                self.vacant.push(index);
            }
        }
    }

    fn reserve(&mut self, count: usize, or_panic: bool) {
        let (pool, before) = (self.pool, self.pool.capacity());
        let has_room = || pool.capacity().saturating_sub(pool.len()) >= count;
        if self.bounded && !has_room() {
            let words = pool.try_reserve(count).unwrap_err().to_string();
            assert!(!or_panic || panic_message(|| pool.reserve(count)) == words);
        } else if or_panic {
            pool.reserve(count);
        } else {
            pool.try_reserve(count).expect("there is memory enough");
        }
        assert!(if self.bounded { pool.capacity() == before } else { has_room() });
    }

    /// Compares the pool with the reference.
    fn check(&self) {
        self.pool.check_invariants();
        let len = self.reference.iter().flatten().count();
        assert_eq!(self.pool.len(), len);
        // One in the pool, one in a box.
        assert_eq!(tally::<N>().live() - self.before, 2 * len);
        check_figures(
            self.pool,
            self.peak..=self.peak + 1,
            self.held.iter().flatten().map(Held::value),
        );
        assert_eq!(self.held.len(), self.reference.len());
        for (index, (held, expected)) in self.held.iter().zip(&self.reference).enumerate() {
            let same = held.as_ref().map(Held::value) == expected.as_deref();
            assert!(same, "a value changed in its slot, at index {index}");
        }
    }

    /// Ends all values, and the memory of those whose handles were forgotten. Leaked ones leave
    /// their slots occupied.
    fn end(self) {
        let mut leaked = 0;
        for held in self.held.into_iter().flatten() {
            match held {
                Held::Handle(handle) => drop(handle),
                Held::Forgotten(handle) => drop(ManuallyDrop::into_inner(handle)),
                Held::Leaked(value) => {
                    // SAFETY: the value is valid, and nothing uses it any more.
                    unsafe { ptr::drop_in_place(value) };
                    leaked += 1;
                }
            }
        }
        drop(self.reference);
        assert_eq!((self.pool.len(), tally::<N>().live()), (leaked, self.before));
        self.pool.check_invariants();
    }
}

/// Plays `operations` on a pool; `bound` bounds it, or it may give chunks back by itself.
fn play<const N: usize>(bound: Option<usize>, gives_back: bool, operations: &[Operation]) {
    let pool = bound.map_or_else(|| growing(gives_back), Pool::<Item<N>>::bounded);
    let mut history = History::new(&pool, bound.is_some());
    for operation in operations {
        history.step(operation);
        history.check();
        assert!(bound.is_none_or(|bound| pool.capacity() == bound && pool.len() <= slots(&pool)));
    }
    history.end();
}

proptest! {
    #![proptest_config(config(if cfg!(miri) { 2 } else { 64 }))]

    /// Small values: a magazine of a thousand slots, chunks of thousands.
    #[test]
    fn small_values(
        bound in proptest::option::of(0..4000_usize),
        gives_back in any::<bool>(),
        operations in proptest::collection::vec(operation(), 1..60),
    ) {
        play::<8>(bound, gives_back, &operations);
    }

    /// Values of a few kilobytes: a magazine of eight slots, so that nearly every slot goes by way
    /// of the bitmaps, and few slots a chunk.
    #[test]
    fn large_values(
        bound in proptest::option::of(0..300_usize),
        gives_back in any::<bool>(),
        operations in proptest::collection::vec(operation(), 1..40),
    ) {
        let operations: Vec<_> = operations
            .into_iter()
            .map(|operation| match operation {
                Operation::Fill(count) => Operation::Fill(count / 20),
                Operation::Reserve(count) => Operation::Reserve(count / 20),
                Operation::TryReserve(count) => Operation::TryReserve(count / 20),
                other => other,
            })
            .collect();
        play::<9000>(bound, gives_back, &operations);
    }

    /// Raw blocks, given back in any order, some of them twice: the pool knows which are occupied.
    #[test]
    fn raw_blocks(
        object_size in 1..3000_usize,
        pool_size in 1..300_usize,
        picks in proptest::collection::vec(any::<(bool, usize)>(), 1..1000),
    ) {
        let pool = MemoryPool::new(object_size, pool_size).unwrap();
        let mut known = Vec::new();
        let mut occupied = BTreeSet::new();
        for (allocate, pick) in picks {
            if allocate || known.is_empty() {
                let block = pool.allocate();
                assert_eq!(block.is_some(), occupied.len() < block_count(&pool));
                if let Some(block) = block {
                    assert!(occupied.insert(block), "a block was handed out twice");
                    known.push(block);
                }
            } else {
                let block = known[pick % known.len()];
                // SAFETY: 1. the block is used nowhere else.
                let freed = unsafe { pool.try_deallocate(block) };
                let was_occupied = occupied.remove(&block);
                assert_eq!(freed, was_occupied.then_some(()).ok_or(InvalidFree::Vacant));
            }
            assert_eq!(pool.len(), occupied.len());
            pool.check_invariants();
        }
    }
}
