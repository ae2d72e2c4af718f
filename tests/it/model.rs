//! Random histories against a model: whatever is done, the pool holds what a vector of boxes
//! would, in slots of their own, and every invariant holds after each step.

use std::collections::BTreeSet;

use proptest::prelude::*;
use typed_pool::InvalidFree;

use super::{MemoryPool, Pool, PoolBox, block_count, slots, trim_under_handles};
use crate::support::{Counted, Tally, panic_message};

/// What can be done to a pool and to the handles held of it. Numbers pick handles modulo how many
/// there are.
#[derive(Clone, Debug)]
enum Operation {
    Alloc,
    TryAlloc,
    AllocWith,
    TryAllocWith,
    AllocUninit,
    UninitDropped,
    ConstructorPanics,
    DestructorPanics,
    Drop(usize),
    IntoInner(usize),
    Clone(usize),
    CloneFrom(usize, usize),
    Pin(usize),
    Replace(usize),
    RawRoundTrip(usize),
    Leak(usize),
    Fill(usize),
    DropEvery(usize),
    DropFrom(usize),
    Reserve(usize),
    Trim,
}

fn operation() -> impl Strategy<Value = Operation> {
    use Operation::*;
    let pick = any::<usize>();
    prop_oneof![
        4 => Just(Alloc),
        2 => Just(TryAlloc),
        2 => Just(AllocWith),
        1 => Just(TryAllocWith),
        1 => Just(AllocUninit),
        1 => Just(UninitDropped),
        1 => Just(ConstructorPanics),
        1 => Just(DestructorPanics),
        6 => pick.prop_map(Drop),
        2 => pick.prop_map(IntoInner),
        2 => pick.prop_map(Clone),
        1 => (any::<usize>(), any::<usize>()).prop_map(|(to, from)| CloneFrom(to, from)),
        1 => pick.prop_map(Pin),
        1 => pick.prop_map(Replace),
        1 => pick.prop_map(RawRoundTrip),
        1 => pick.prop_map(Leak),
        3 => (1..3000_usize).prop_map(Fill),
        2 => (2..5_usize).prop_map(DropEvery),
        2 => pick.prop_map(DropFrom),
        1 => (0..3000_usize).prop_map(Reserve),
        2 => Just(Trim),
    ]
}

/// A counted value of a given size.
#[derive(Clone)]
struct Item<'t, const N: usize> {
    counted: Counted<'t>,
    fill: [u8; N],
}

impl<'t, const N: usize> Item<'t, N> {
    fn new(counted: Counted<'t>) -> Self {
        let fill = [counted.id as u8; N];
        Self { counted, fill }
    }

    fn holds(&self, id: u64) -> bool {
        self.counted.id == id && self.fill.iter().all(|byte| *byte == id as u8)
    }
}

/// A pool, the handles held of it, and what each ought to hold.
struct History<'p, 't, const N: usize> {
    pool: &'p Pool<Item<'t, N>>,
    tally: &'t Tally,
    held: Vec<(u64, PoolBox<'p, Item<'t, N>>)>,
    leaked: usize,
    next: u64,
}

impl<'p, 't, const N: usize> History<'p, 't, N> {
    /// A value that was not there before.
    fn fresh(&mut self) -> (u64, Item<'t, N>) {
        self.next += 1;
        (self.next, Item::new(self.tally.value(self.next)))
    }

    /// One of the handles, out of the history.
    fn take(&mut self, number: usize) -> Option<(u64, PoolBox<'p, Item<'t, N>>)> {
        let index = number.checked_rem(self.held.len())?;
        Some(self.held.swap_remove(index))
    }

    fn step(&mut self, operation: &Operation) {
        let pool = self.pool;
        // Forms that panic when the pool is full are used while it is not.
        let full = pool.is_full();
        match *operation {
            Operation::TryAlloc => {
                let (id, item) = self.fresh();
                match pool.try_alloc(item) {
                    Ok(handle) => self.held.push((id, handle)),
                    Err(error) => assert!(full && error.into_inner().holds(id)),
                }
            }
            Operation::Alloc if !full => {
                let (id, item) = self.fresh();
                self.held.push((id, pool.alloc(item)));
            }
            Operation::AllocWith if !full => {
                let (id, item) = self.fresh();
                self.held.push((id, pool.alloc_with(|| item)));
            }
            Operation::AllocUninit if !full => {
                let (id, item) = self.fresh();
                self.held.push((id, PoolBox::write(pool.alloc_uninit(), item)));
            }
            Operation::TryAllocWith => {
                let (id, item) = self.fresh();
                match pool.try_alloc_with(|| item) {
                    Ok(handle) => self.held.push((id, handle)),
                    Err(error) => assert!(full && error.into_inner()().holds(id)),
                }
            }
            Operation::UninitDropped if !full => drop(pool.alloc_uninit()),
            Operation::ConstructorPanics => {
                let message = panic_message(|| pool.alloc_with(|| panic!("no value")));
                assert!(if full { message.contains("full") } else { message == "no value" });
            }
            Operation::DestructorPanics if !full => {
                let bomb = pool.alloc(Item::new(self.tally.bomb(0)));
                panic_message(|| drop(bomb));
            }
            Operation::Clone(number) if !full => {
                if let Some(index) = number.checked_rem(self.held.len()) {
                    let (id, handle) = &self.held[index];
                    self.held.push((*id, handle.clone()));
                }
            }
            Operation::CloneFrom(to, from) => {
                if let Some((id, source)) = self.take(from) {
                    if let Some(index) = to.checked_rem(self.held.len()) {
                        self.held[index].1.clone_from(&source);
                        self.held[index].0 = id;
                    }
                    self.held.push((id, source));
                }
            }
            Operation::Pin(number) => {
                if let Some((id, handle)) = self.take(number) {
                    let pinned = PoolBox::into_pin(handle);
                    assert!(pinned.holds(id));
                }
            }
            Operation::Drop(number) => drop(self.take(number)),
            Operation::IntoInner(number) => {
                if let Some((id, handle)) = self.take(number) {
                    assert!(PoolBox::into_inner(handle).holds(id));
                }
            }
            Operation::Replace(number) => {
                if let Some(index) = number.checked_rem(self.held.len()) {
                    let (id, item) = self.fresh();
                    *self.held[index].1 = item;
                    self.held[index].0 = id;
                }
            }
            Operation::RawRoundTrip(number) => {
                if let Some((id, handle)) = self.take(number) {
                    let raw = PoolBox::into_raw(handle);
                    // SAFETY: the address came from `into_raw`, the pool lives, and there is no
                    // other handle.
                    self.held.push((id, unsafe { PoolBox::from_raw(raw) }));
                }
            }
            Operation::Leak(number) => {
                if let Some((id, handle)) = self.take(number) {
                    assert!(PoolBox::leak(handle).holds(id));
                    self.leaked += 1;
                }
            }
            Operation::Fill(count) => {
                for _ in 0..count {
                    let (id, item) = self.fresh();
                    match pool.try_alloc(item) {
                        Ok(handle) => self.held.push((id, handle)),
                        Err(_) => break,
                    }
                }
            }
            Operation::DropEvery(stride) => {
                let mut index = 0;
                self.held.retain(|_| {
                    index += 1;
                    index % stride != 0
                });
            }
            Operation::DropFrom(number) => {
                if let Some(index) = number.checked_rem(self.held.len()) {
                    self.held.truncate(index);
                }
            }
            Operation::Reserve(count) => {
                let before = pool.capacity();
                match pool.try_reserve(count) {
                    Ok(()) => assert!(pool.capacity().saturating_sub(pool.len()) >= count),
                    Err(_) => assert_eq!(pool.capacity(), before),
                }
            }
            Operation::Trim => {
                let before = pool.stats();
                let released = trim_under_handles(pool);
                assert_eq!(before.bytes_reserved - released, pool.stats().bytes_reserved);
            }
            // The form panics, as the pool is full; `pool` tests that it does.
            _ => {}
        }
    }

    /// Compares the pool with what the history says.
    fn check(&self) {
        self.pool.check_invariants();
        assert_eq!(self.pool.len(), self.held.len() + self.leaked);
        assert_eq!(self.tally.live(), self.held.len() + self.leaked);
        for (id, handle) in &self.held {
            assert!(handle.holds(*id), "a value changed in its slot");
        }
    }
}

/// Plays `operations` on a pool; `bound` bounds it.
fn play<const N: usize>(bound: Option<usize>, operations: &[Operation]) {
    let tally = Tally::default();
    let pool = bound.map_or_else(Pool::new, Pool::<Item<'_, N>>::bounded);
    let mut history = History { pool: &pool, tally: &tally, held: Vec::new(), leaked: 0, next: 0 };
    for operation in operations {
        history.step(operation);
        history.check();
        assert!(bound.is_none_or(|bound| pool.capacity() == bound && pool.len() <= slots(&pool)));
    }
    let leaked = history.leaked;
    drop(history);
    assert_eq!((pool.len(), tally.live()), (leaked, leaked));
    pool.check_invariants();
}

/// The number of histories: `PROPTEST_CASES` where it is set.
fn config() -> ProptestConfig {
    let cases = if cfg!(miri) { 2 } else { 64 };
    let mut config = ProptestConfig { failure_persistence: None, ..ProptestConfig::default() };
    if std::env::var_os("PROPTEST_CASES").is_none() {
        config.cases = cases;
    }
    config
}

proptest! {
    #![proptest_config(config())]

    /// Small values: a magazine of a thousand slots, chunks of thousands.
    #[test]
    fn small_values(
        bound in proptest::option::of(0..4000_usize),
        operations in proptest::collection::vec(operation(), 1..60),
    ) {
        play::<8>(bound, &operations);
    }

    /// Values of a few kilobytes: a magazine of eight slots, so that nearly every slot goes by way
    /// of the bitmaps, and few slots a chunk.
    #[test]
    fn large_values(
        bound in proptest::option::of(0..300_usize),
        operations in proptest::collection::vec(operation(), 1..40),
    ) {
        let operations: Vec<_> = operations
            .into_iter()
            .map(|operation| match operation {
                Operation::Fill(count) => Operation::Fill(count / 20),
                Operation::Reserve(count) => Operation::Reserve(count / 20),
                other => other,
            })
            .collect();
        play::<9000>(bound, &operations);
    }

    /// Raw blocks, given back in any order, some of them twice: the pool knows which are occupied.
    #[test]
    fn raw_blocks(
        object_size in 1..3000_usize,
        pool_size in 1..300_usize,
        picks in proptest::collection::vec(any::<(bool, usize)>(), 1..2000),
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
                let expected = if occupied.remove(&block) { Ok(()) } else { Err(InvalidFree::Vacant) };
                assert_eq!(freed, expected);
            }
            assert_eq!(pool.len(), occupied.len());
        }
        pool.check_invariants();
    }
}
