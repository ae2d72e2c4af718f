//! Histories of typed pools: values that know what they are, whose destructors panic, allocate,
//! reserve and trim, and that own each other.
//!
//! Compiled for either kind of pool: `Pool`, `PoolBox` and what differs are what the module around
//! says.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::mem::{ManuallyDrop, MaybeUninit};
use std::pin::Pin;
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};

use arbitrary::{Arbitrary, Result, Unstructured};

use super::{EXACT, LARGEST, Pool, PoolBox, compact, drive, giving_back, shrink_to, trim};
use crate::{bytes, panics};

/// How many values live at most, but for what one step adds.
const MOST: usize = 2000;

/// How many values own one another in a row at most.
const DEEPEST: usize = 8;

/// Which pool is made, and of what.
#[derive(Arbitrary, Debug)]
struct Setup {
    body: u8,
    growth: Growth,
}

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Growth {
    New,
    WithCapacity(u16),
    Bounded(u16),
    GivesBack,
}

/// What a value does when it ends.
#[derive(Arbitrary, Clone, Copy, Debug)]
pub(crate) enum Behaviour {
    Quiet,
    Panics,
    Allocates(u8),
    AllocatesAndPanics,
    Reserves(u8),
    Trims,
    Moves,
}

#[derive(Arbitrary, Clone, Copy, Debug)]
pub(crate) enum Form {
    Alloc,
    TryAlloc,
    With,
    TryWith,
    Uninit,
    TryUninit,
}

/// What can be done. Numbers pick what is held.
#[derive(Arbitrary, Debug)]
pub(crate) enum Operation {
    Allocate(Form, Behaviour),
    Fill(u8),
    HoldUninit,
    WriteUninit(u8, Behaviour),
    ConstructorPanics,
    ConstructorAllocates(u8),
    Drop(u8),
    DropMany { from: u8, count: u8 },
    DropEvery(u8),
    IntoInner(u8),
    Pin(u8),
    Leak(u8),
    Forget(u8),
    ToRaw(u8),
    FromRaw(u8),
    Clone(u8),
    ClonePanics(u8),
    CloneFrom(u8, u8),
    Replace(u8, Behaviour),
    Swap(u8, u8),
    Adopt { parent: u8, child: u8 },
    Orphan(u8),
    Reserve(u16),
    TryReserve(u32),
    Trim,
    ShrinkTo(u16),
    Relocate(u8),
    Compact(u8),
}

/// Who is alive.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    live: Mutex<BTreeSet<u64>>,
    last: AtomicU64,
}

impl Ledger {
    fn begin(&self) -> u64 {
        let id = self.last.fetch_add(1, Relaxed) + 1;
        self.live.lock().unwrap_or_else(PoisonError::into_inner).insert(id);
        id
    }

    fn end(&self, id: u64) {
        let was_alive = self.live.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
        assert!(was_alive, "{id} is dropped twice, or never was");
    }

    fn len(&self) -> usize {
        self.live.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Checks that those are alive, in rising order, and no others.
    fn check(&self, ids: &[u64]) {
        let live = self.live.lock().unwrap_or_else(PoisonError::into_inner);
        assert!(live.iter().eq(ids), "{live:?} live, and {ids:?} were reached");
    }
}

/// A value of `N` bytes and more, as aligned as an `A` at least.
pub(crate) struct Value<'p, A, const N: usize> {
    id: u64,
    ledger: &'p Ledger,
    pool: &'p Pool<Value<'p, A, N>>,
    behaviour: Behaviour,
    panics_on_clone: bool,
    next: Option<PoolBox<'p, Value<'p, A, N>>>,
    _aligned: [A; 0],
    bytes: [u8; N],
}

impl<'p, A, const N: usize> Value<'p, A, N> {
    pub(super) fn new(pool: &'p Pool<Self>, ledger: &'p Ledger, behaviour: Behaviour) -> Self {
        let id = ledger.begin();
        let mut value = Self {
            id,
            ledger,
            pool,
            behaviour,
            panics_on_clone: false,
            next: None,
            _aligned: [],
            bytes: [0; N],
        };
        bytes::fill(id, &mut value.bytes);
        value
    }

    /// Another that is dropped without a word.
    fn quiet(&self) -> Self {
        Self::new(self.pool, self.ledger, Behaviour::Quiet)
    }

    fn panics(&self) -> bool {
        matches!(self.behaviour, Behaviour::Panics | Behaviour::AllocatesAndPanics)
    }

    /// This and those that it owns.
    fn chain(&self) -> impl Iterator<Item = &Self> {
        std::iter::successors(Some(self), |value| value.next.as_deref())
    }

    fn check(&self) {
        assert!((&raw const *self).is_aligned());
        bytes::check(self.id, &self.bytes);
    }
}

impl<A, const N: usize> Clone for Value<'_, A, N> {
    fn clone(&self) -> Self {
        // Dropped on the way, it does not panic too.
        let mut clone = self.quiet();
        clone.next.clone_from(&self.next);
        if self.panics_on_clone {
            panics::throw();
        }
        clone.behaviour = self.behaviour;
        clone
    }
}

impl<A, const N: usize> Drop for Value<'_, A, N> {
    fn drop(&mut self) {
        self.check();
        self.ledger.end(self.id);
        let allocate = |count: u8| {
            for _ in 0..count % 4 {
                // The pool may be full.
                drop(self.pool.try_alloc(self.quiet()));
            }
        };
        match self.behaviour {
            Behaviour::Quiet => {}
            Behaviour::Panics => panics::throw(),
            Behaviour::Allocates(count) => allocate(count),
            Behaviour::AllocatesAndPanics => {
                allocate(2);
                panics::throw();
            }
            Behaviour::Reserves(count) => drop(self.pool.try_reserve(count.into())),
            Behaviour::Trims => drop(trim(self.pool)),
            Behaviour::Moves => {
                if let Some(next) = &mut self.next {
                    PoolBox::relocate(next);
                }
            }
        }
    }
}

pub(crate) type Handle<'p, A, const N: usize> = PoolBox<'p, Value<'p, A, N>>;

/// An address that stands for a handle.
struct Raw<'p, A, const N: usize>(NonNull<Value<'p, A, N>>);

// SAFETY: it is sent as the handle that it came from and becomes.
unsafe impl<'p, A, const N: usize> Send for Raw<'p, A, N> where Handle<'p, A, N>: Send {}

/// What is held of a slot.
enum Held<'p, A, const N: usize> {
    Handle(Handle<'p, A, N>),
    Pinned(Pin<Handle<'p, A, N>>),
    Raw(Raw<'p, A, N>),
    Leaked(&'p mut Value<'p, A, N>),
    Forgotten(ManuallyDrop<Handle<'p, A, N>>),
    Uninit(PoolBox<'p, MaybeUninit<Value<'p, A, N>>>),
}

impl<'p, A, const N: usize> Held<'p, A, N> {
    fn value(&self) -> Option<&Value<'p, A, N>> {
        match self {
            Self::Handle(handle) => Some(handle),
            Self::Pinned(pinned) => Some(pinned),
            // SAFETY: valid: the slot is occupied. Unaliased: there is no handle, and nothing
            // writes to the value while this is borrowed.
            Self::Raw(raw) => Some(unsafe { raw.0.as_ref() }),
            Self::Leaked(value) => Some(value),
            Self::Forgotten(handle) => Some(handle),
            Self::Uninit(_) => None,
        }
    }
}

/// A pool, and all that is held of it, each with the id of its value.
pub(crate) struct History<'p, A, const N: usize> {
    pub(super) pool: &'p Pool<Value<'p, A, N>>,
    pub(super) ledger: &'p Ledger,
    bounded: bool,
    held: Vec<(u64, Held<'p, A, N>)>,
    /// The slots that were leaked and hold no value any more.
    lost: usize,
}

/// An alignment of 64 bytes.
#[repr(align(64))]
struct Align64;

/// The largest that there is.
#[repr(align(4096))]
struct Align4096;

/// Plays the history that `data` stands for.
pub(crate) fn run(data: &[u8]) {
    let mut input = Unstructured::new(data);
    let Ok(setup) = Setup::arbitrary(&mut input) else { return };
    match setup.body % 8 {
        0 => play::<u8, 0>(setup.growth, &mut input),
        1 => play::<u8, 24>(setup.growth, &mut input),
        2 => play::<Align64, 100>(setup.growth, &mut input),
        3 => play::<u128, 1000>(setup.growth, &mut input),
        4 => play::<u8, 9000>(setup.growth, &mut input),
        5 => play::<Align4096, 1>(setup.growth, &mut input),
        6 => play::<u8, 40_000>(setup.growth, &mut input),
        _ => play::<u8, LARGEST>(setup.growth, &mut input),
    }
}

/// The number of values, which is cut where they are large.
pub(super) fn cut<const N: usize>(count: usize) -> usize {
    match N {
        0..200 => count % MOST,
        200..10_000 => count % 300,
        _ => count % 20,
    }
}

fn play<A: Send, const N: usize>(growth: Growth, input: &mut Unstructured) {
    let ledger = Ledger::default();
    let (mut pool, bounded) = match growth {
        Growth::New => (Pool::new(), false),
        Growth::WithCapacity(count) => (Pool::with_capacity(cut::<N>(count.into())), false),
        Growth::Bounded(count) => (Pool::bounded(cut::<N>(count.into())), true),
        Growth::GivesBack => (giving_back(), false),
    };
    {
        let (held, lost) = (Vec::new(), 0);
        let mut history = History::<A, N> { pool: &pool, ledger: &ledger, bounded, held, lost };
        // It ends with the bytes.
        let _ = drive(&mut history, input);
        history.end();
    }
    assert_eq!(ledger.len(), 0);
    pool.check_invariants();
    let before = pool.stats();
    let released = super::trim_alone(&mut pool);
    let after = pool.stats();
    assert_eq!(before.bytes_reserved - released, after.bytes_reserved);
    assert!(before.len > 0 || bounded || after.capacity == 0);
    pool.check_invariants();
}

impl<'p, A, const N: usize> History<'p, A, N> {
    /// The next operation, where the bytes stand for one more.
    pub(crate) fn next(&self, input: &mut Unstructured) -> Result<Option<Operation>> {
        if input.is_empty() { Ok(None) } else { Operation::arbitrary(input).map(Some) }
    }

    /// One operation, and all that must hold after it.
    pub(crate) fn turn(&mut self, operation: &Operation) {
        panics::catch(|| self.step(operation));
        self.check();
    }

    fn step(&mut self, operation: &Operation) {
        let pool = self.pool;
        match *operation {
            Operation::Allocate(form, behaviour) => self.allocate(form, behaviour),
            Operation::Fill(count) => {
                for _ in 0..=cut::<N>(count.into()) {
                    self.allocate(Form::TryAlloc, Behaviour::Quiet);
                }
            }
            Operation::HoldUninit => {
                if self.has_room()
                    && let Ok(slot) = pool.try_alloc_uninit()
                {
                    self.held.push((0, Held::Uninit(slot)));
                }
            }
            Operation::WriteUninit(pick, behaviour) => {
                let is_uninit = |held: &Held<_, N>| matches!(held, Held::Uninit(_));
                if let Some((_, Held::Uninit(slot))) = self.take(pick, is_uninit) {
                    let value = self.value(behaviour);
                    let id = value.id;
                    self.held.push((id, Held::Handle(PoolBox::write(slot, value))));
                }
            }
            Operation::ConstructorPanics => {
                let none = panics::catch(|| pool.alloc_with(|| panics::throw()));
                assert!(none.is_none());
            }
            Operation::ConstructorAllocates(count) => {
                let ledger = self.ledger;
                let built = pool.try_alloc_with(|| {
                    let first = Value::new(pool, ledger, Behaviour::Quiet);
                    for _ in 0..count % 5 {
                        drop(pool.try_alloc(first.quiet()));
                    }
                    first
                });
                if let Ok(handle) = built {
                    self.hold(handle);
                }
            }
            Operation::Drop(pick) => self.drop_one(pick),
            Operation::DropMany { from, count } => {
                (0..=count).for_each(|_| self.drop_one(from));
            }
            Operation::DropEvery(stride) => {
                let stride = usize::from(stride % 8) + 2;
                let mut index = 0;
                while index < self.held.len() {
                    let (id, held) = self.held.swap_remove(index);
                    Self::finish((id, held));
                    index += stride;
                }
            }
            Operation::IntoInner(pick) => {
                if let Some((id, handle)) = self.take_handle(pick) {
                    let value = PoolBox::into_inner(handle);
                    assert_eq!(value.id, id);
                }
            }
            Operation::Pin(pick) => {
                if let Some((id, handle)) = self.take_handle(pick) {
                    self.held.push((id, Held::Pinned(PoolBox::into_pin(handle))));
                }
            }
            Operation::Leak(pick) => {
                if let Some((id, handle)) = self.take_handle(pick) {
                    self.held.push((id, Held::Leaked(PoolBox::leak(handle))));
                }
            }
            Operation::Forget(pick) => {
                if let Some((id, handle)) = self.take_handle(pick) {
                    self.held.push((id, Held::Forgotten(ManuallyDrop::new(handle))));
                }
            }
            Operation::ToRaw(pick) => {
                if let Some((id, handle)) = self.take_handle(pick) {
                    self.held.push((id, Held::Raw(Raw(PoolBox::into_raw(handle)))));
                }
            }
            Operation::FromRaw(pick) => {
                let is_raw = |held: &Held<_, N>| matches!(held, Held::Raw(_));
                if let Some((id, Held::Raw(raw))) = self.take(pick, is_raw) {
                    // SAFETY: 1., 2. and 4. it came from `into_raw` and goes nowhere else. 3. The
                    // pool lives for `'p`, and a pool of one thread stays on it with all of this.
                    self.held.push((id, Held::Handle(unsafe { PoolBox::from_raw(raw.0) })));
                }
            }
            Operation::Clone(pick) => self.clone_one(pick, false),
            Operation::ClonePanics(pick) => self.clone_one(pick, true),
            Operation::CloneFrom(to, from) => {
                let Some((id, source)) = self.take_handle(from) else { return };
                self.change(to, |handle| handle.clone_from(&source));
                self.held.push((id, Held::Handle(source)));
            }
            Operation::Replace(pick, behaviour) => {
                let value = self.value(behaviour);
                self.change(pick, |handle| **handle = value);
            }
            Operation::Swap(one, other) => {
                let Some((one_id, mut one)) = self.take_handle(one) else { return };
                if let Some((other_id, mut other)) = self.take_handle(other) {
                    std::mem::swap(&mut *one, &mut *other);
                    self.held.push((one_id, Held::Handle(other)));
                    self.held.push((other_id, Held::Handle(one)));
                } else {
                    self.held.push((one_id, Held::Handle(one)));
                }
            }
            Operation::Adopt { parent, child } => self.adopt(parent, child),
            Operation::Orphan(pick) => {
                let Some((id, mut handle)) = self.take_handle(pick) else { return };
                if let Some(next) = handle.next.take() {
                    self.hold(next);
                }
                self.held.push((id, Held::Handle(handle)));
            }
            Operation::Reserve(count) => {
                let count = cut::<N>(count.into());
                pool.reserve(count);
                assert!(pool.capacity().saturating_sub(pool.len()) >= count);
            }
            Operation::TryReserve(count) => self.try_reserve(count as usize),
            Operation::Trim => self.give_back(trim),
            Operation::ShrinkTo(floor) => {
                let (before, floor) = (pool.capacity(), cut::<N>(floor.into()));
                self.give_back(|pool| shrink_to(pool, floor));
                assert!(pool.capacity() >= floor.min(before));
            }
            Operation::Relocate(pick) => {
                let Some((id, mut handle)) = self.take_handle(pick) else { return };
                let before = PoolBox::as_ptr(&handle);
                let moved = PoolBox::relocate(&mut handle);
                assert_eq!(moved, PoolBox::as_ptr(&handle) != before);
                self.held.push((id, Held::Handle(handle)));
            }
            Operation::Compact(stride) => {
                let some = self.held.iter_mut().step_by(usize::from(stride % 4) + 1);
                compact(
                    pool,
                    some.filter_map(|(_, held)| match held {
                        Held::Handle(handle) => Some(handle),
                        _ => None,
                    }),
                );
            }
        }
    }

    /// Has memory given back, where there is a way to.
    fn give_back(&self, release: impl FnOnce(&Pool<Value<'p, A, N>>) -> Option<usize>) {
        let before = self.pool.stats();
        if let Some(released) = release(self.pool) {
            let after = self.pool.stats();
            assert_eq!(before.bytes_reserved - released, after.bytes_reserved);
        }
    }

    /// Holds a handle.
    pub(super) fn hold(&mut self, handle: Handle<'p, A, N>) {
        self.held.push((handle.id, Held::Handle(handle)));
    }

    /// Whether there is room for one more, in the pool and in the time that this may take.
    pub(super) fn has_room(&self) -> bool {
        self.held.len() < cut::<N>(MOST - 1).max(19)
    }

    fn value(&self, behaviour: Behaviour) -> Value<'p, A, N> {
        Value::new(self.pool, self.ledger, behaviour)
    }

    fn allocate(&mut self, form: Form, behaviour: Behaviour) {
        if !self.has_room() {
            return;
        }
        let (pool, ledger, full) = (self.pool, self.ledger, self.pool.is_full());
        // A value that is refused by a panic ends during that panic.
        let refused_by_panic = full && matches!(form, Form::Alloc);
        let behaviour = if refused_by_panic { Behaviour::Allocates(1) } else { behaviour };
        let make = || Value::new(pool, ledger, behaviour);
        let taken = match form {
            Form::Alloc => Some(pool.alloc(make())),
            Form::TryAlloc => pool.try_alloc(make()).ok(),
            Form::With => Some(pool.alloc_with(make)),
            Form::TryWith => pool.try_alloc_with(make).ok(),
            Form::Uninit => {
                let slot = pool.alloc_uninit();
                Some(PoolBox::write(slot, make()))
            }
            Form::TryUninit => {
                pool.try_alloc_uninit().ok().map(|slot| PoolBox::write(slot, make()))
            }
        };
        match taken {
            Some(handle) => {
                assert!(!EXACT || !full, "more than the pool is bounded to");
                self.hold(handle);
            }
            None => assert!(self.bounded && full, "refused before it was full"),
        }
    }

    /// Takes something out of what is held, the first from a number on and round that is `wanted`.
    fn take(
        &mut self,
        pick: u8,
        wanted: impl Fn(&Held<'p, A, N>) -> bool,
    ) -> Option<(u64, Held<'p, A, N>)> {
        let start = (usize::from(pick) * 31).checked_rem(self.held.len())?;
        let mut indices = (start..self.held.len()).chain(0..start);
        let index = indices.find(|index| wanted(&self.held[*index].1))?;
        Some(self.held.swap_remove(index))
    }

    fn take_handle(&mut self, pick: u8) -> Option<(u64, Handle<'p, A, N>)> {
        match self.take(pick, |held| matches!(held, Held::Handle(_)))? {
            (id, Held::Handle(handle)) => Some((id, handle)),
            _ => unreachable!("a handle was picked"),
        }
    }

    fn drop_one(&mut self, pick: u8) {
        if let Some(taken) = self.take(pick, |_| true) {
            Self::finish(taken);
        }
    }

    /// Ends what is held, in the way that it is held.
    fn finish((id, held): (u64, Held<'p, A, N>)) {
        match held {
            Held::Handle(handle) => {
                assert_eq!(handle.id, id);
                drop(handle);
            }
            Held::Pinned(pinned) => {
                assert_eq!(pinned.id, id);
                drop(pinned);
            }
            Held::Uninit(slot) => drop(slot),
            Held::Raw(raw) => {
                // SAFETY: 1., 2. and 4. it came from `into_raw` and goes nowhere else. 3. As where
                // it is made a handle again.
                drop(unsafe { PoolBox::from_raw(raw.0) });
            }
            Held::Forgotten(handle) => drop(ManuallyDrop::into_inner(handle)),
            // The slot stays occupied; who drops the value counts it.
            Held::Leaked(value) => {
                LOST.set(LOST.get() + 1);
                // SAFETY: the value is valid, and not used any more.
                unsafe { ptr::drop_in_place(value) };
            }
        }
    }

    /// Changes a value in its place, by what may panic: then it is another already or the same.
    fn change(&mut self, pick: u8, change: impl FnOnce(&mut Handle<'p, A, N>)) {
        let Some((id, mut handle)) = self.take_handle(pick) else { return };
        let last = self.ledger.last.load(Relaxed);
        let changed = panics::catch(|| change(&mut handle));
        let now = handle.id;
        // A value that replaces it was made by `change`, or just before.
        assert!(now == id || now >= last);
        assert!(changed.is_none() || now != id);
        self.held.push((now, Held::Handle(handle)));
    }

    fn clone_one(&mut self, pick: u8, panics: bool) {
        let Some((id, mut handle)) = self.take_handle(pick) else { return };
        if self.has_room() && self.ledger.len() < 2 * MOST {
            handle.panics_on_clone = panics;
            let clone = panics::catch(|| handle.clone());
            handle.panics_on_clone = false;
            if let Some(clone) = clone {
                assert!(!panics && clone.id != id);
                self.hold(clone);
            }
        }
        self.held.push((id, Held::Handle(handle)));
    }

    /// Has one value own another, which does not panic and owns few.
    fn adopt(&mut self, parent: u8, child: u8) {
        let Some((parent_id, mut parent)) = self.take_handle(parent) else { return };
        if let Some((child_id, child)) = self.take_handle(child) {
            let panics = child.chain().any(Value::panics);
            if !panics && child.chain().count() < DEEPEST && N < 5000 {
                // What it owned before ends here.
                parent.next = Some(child);
            } else {
                self.held.push((child_id, Held::Handle(child)));
            }
        }
        self.held.push((parent_id, Held::Handle(parent)));
    }

    fn try_reserve(&mut self, count: usize) {
        let pool = self.pool;
        let before = pool.capacity();
        // What no pool can hold, or so few that they are had.
        let count = if count.is_multiple_of(7) { usize::MAX / 2 + count } else { cut::<N>(count) };
        let vacant = before - pool.len().min(before);
        match pool.try_reserve(count) {
            Ok(()) => assert!(pool.capacity().saturating_sub(pool.len()) >= count),
            Err(error) => {
                assert!(count > vacant, "{error}");
                assert!(self.bounded || count > 1 << 40, "{error}");
                assert_eq!(pool.capacity(), before);
            }
        }
    }

    pub(super) fn check(&mut self) {
        self.lost += LOST.replace(0);
        self.pool.check_invariants();
        let occupied: usize = self.pool.chunks().map(|chunk| chunk.occupied()).sum();
        assert_eq!(occupied, self.pool.len());
        let mut reached = Vec::new();
        let mut uninit = 0;
        for (id, held) in &self.held {
            let Some(value) = held.value() else {
                uninit += 1;
                continue;
            };
            assert_eq!(value.id, *id, "another value lies in the slot");
            reached.extend(value.chain().map(|value| value.id));
        }
        reached.sort_unstable();
        self.ledger.check(&reached);
        assert_eq!(self.pool.len(), reached.len() + uninit + self.lost);
        if self.held.len() * (N + 1) < 1 << 15 {
            self.check_bytes();
        }
    }

    fn check_bytes(&self) {
        let values = self.held.iter().filter_map(|(_, held)| held.value());
        values.flat_map(Value::chain).for_each(Value::check);
    }

    /// Ends all that is held, one by one.
    fn end(&mut self) {
        self.check_bytes();
        while let Some(last) = self.held.pop() {
            panics::catch(|| Self::finish(last));
        }
        self.check();
    }
}

thread_local! {
    /// The slots that this thread has leaked for good since it was last counted.
    static LOST: Cell<usize> = const { Cell::new(0) };
}
