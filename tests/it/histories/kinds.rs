//! The kinds of pools and handles that histories are about.

use std::ptr::NonNull;
use std::slice;

use typed_pool::{Memory, PoolBox as Handle};

use super::{
    Kind, MemoryPool, OwnedPoolBox, Pool, PoolBox, Shared, SizeClassPool, shrink_under_handles,
    trim_classes_under_handles, trim_under_handles,
};

/// Bytes, of which a magazine holds 93 times as many.
#[derive(Clone)]
pub(crate) struct Bytes([u8; 700]);

const LENGTH: usize = size_of::<Bytes>();

impl Bytes {
    fn new(bytes: &[u8]) -> Self {
        Self(bytes.try_into().expect("it is one length"))
    }
}

impl AsRef<[u8]> for Bytes {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl AsMut<[u8]> for Bytes {
    fn as_mut(&mut self) -> &mut [u8] {
        &mut self.0
    }
}

/// Changes what any handle can: its place, its content, what it is for a while; or clones it.
fn change<'p, T: ?Sized + AsMut<[u8]>, M: Memory>(
    mut held: Handle<'p, T, M>,
    bytes: &mut Box<[u8]>,
    fresh: &[u8],
    way: u8,
    clone: impl FnOnce(&Handle<'p, T, M>) -> Option<Handle<'p, T, M>>,
) -> (Handle<'p, T, M>, Option<Handle<'p, T, M>>) {
    match way % 4 {
        0 => {
            let before = Handle::as_ptr(&held).addr();
            let moved = Handle::relocate(&mut held);
            assert_eq!(moved, before != Handle::as_ptr(&held).addr());
        }
        1 => {
            let both = bytes.len().min(fresh.len());
            (*held).as_mut()[..both].copy_from_slice(&fresh[..both]);
            bytes[..both].copy_from_slice(&fresh[..both]);
        }
        2 => {
            let raw = Handle::into_raw(held);
            // SAFETY: 1. and 2. the address just came from `into_raw`. 3. The pool lives for `'p`.
            // 4. It is the type of before.
            held = unsafe { Handle::from_raw(raw) };
        }
        _ => {
            let other = clone(&held);
            return (held, other);
        }
    }
    (held, None)
}

/// What is done to a typed pool as a whole.
fn upkeep(pool: &Pool<Bytes>, number: usize) {
    match number % 3 {
        0 => drop(pool.try_reserve(number / 20)),
        1 => _ = trim_under_handles(pool),
        _ => _ = shrink_under_handles(pool, number),
    }
}

/// A typed pool, which grows where it is bound to few values.
fn typed(bound: usize) -> Pool<Bytes> {
    if bound < 400 { Pool::new() } else { Pool::bounded(bound) }
}

/// What is the same for handles of [`Bytes`] that borrow their pool and for those that keep it.
macro_rules! of_bytes {
    () => {
        fn length(_: usize) -> usize {
            LENGTH
        }

        fn bytes<'h>(held: &'h Self::Held<'_>) -> &'h [u8] {
            &held.0
        }

        fn upkeep(pool: &Self::Pool, number: usize) {
            upkeep(pool, number);
        }

        fn count(pool: &Self::Pool) -> (usize, bool) {
            (pool.len(), pool.is_full())
        }

        fn check_invariants(pool: &Self::Pool) {
            pool.check_invariants();
        }
    };
}

/// Typed pools, their handles, and what leads from a handle to its pool.
pub(crate) struct Typed;

impl Kind for Typed {
    type Pool = Pool<Bytes>;
    type Held<'p> = PoolBox<'p, Bytes>;

    of_bytes!();

    fn make(bound: usize) -> Self::Pool {
        typed(bound)
    }

    fn put<'p>(pool: &'p Self::Pool, bytes: &[u8]) -> Option<Self::Held<'p>> {
        pool.try_alloc(Bytes::new(bytes)).ok()
    }

    fn change<'p>(
        _: &'p Self::Pool,
        held: Self::Held<'p>,
        bytes: &mut Box<[u8]>,
        fresh: Box<[u8]>,
        way: u8,
    ) -> (Self::Held<'p>, Option<Self::Held<'p>>) {
        change(held, bytes, &fresh, way, |held| match way / 4 % 3 {
            0 => PoolBox::try_clone(held).ok(),
            1 => PoolBox::pool(held).try_alloc((**held).clone()).ok(),
            _ => PoolBox::pool(held).try_alloc_with(|| (**held).clone()).ok(),
        })
    }

    fn take<'p>(_: &'p Self::Pool, held: Self::Held<'p>, way: u8) {
        match way % 3 {
            0 => drop(held),
            1 => _ = PoolBox::into_inner(held),
            _ => drop(PoolBox::into_pin(held)),
        }
    }
}

/// Typed pools and handles that keep them.
pub(crate) struct Keeping;

impl Kind for Keeping {
    type Pool = Shared<Pool<Bytes>>;
    type Held<'p> = OwnedPoolBox<Bytes>;

    of_bytes!();

    fn make(bound: usize) -> Self::Pool {
        Shared::new(typed(bound))
    }

    fn put<'p>(pool: &'p Self::Pool, bytes: &[u8]) -> Option<Self::Held<'p>> {
        pool.try_alloc_owned(Bytes::new(bytes)).ok()
    }

    fn change<'p>(
        pool: &'p Self::Pool,
        held: Self::Held<'p>,
        bytes: &mut Box<[u8]>,
        fresh: Box<[u8]>,
        way: u8,
    ) -> (Self::Held<'p>, Option<Self::Held<'p>>) {
        assert!(Shared::ptr_eq(pool, &Handle::pool(&held)));
        change(held, bytes, &fresh, way, |held| match way / 4 % 2 {
            0 => Handle::try_clone(held).ok(),
            _ => Handle::pool(held).try_alloc_owned_with(|| (**held).clone()).ok(),
        })
    }

    fn take<'p>(_: &'p Self::Pool, held: Self::Held<'p>, way: u8) {
        match way % 2 {
            0 => drop(held),
            _ => _ = Handle::into_inner(held),
        }
    }
}

/// A block of a pool of raw ones.
pub(crate) struct Block(NonNull<u8>);

// SAFETY: it is raw memory of a pool that goes with it where that is shared, and is one thread's.
unsafe impl Send for Block {}

/// How many bytes a block has.
const BLOCK: usize = 72;

impl Block {
    /// Writes as many bytes as a block has.
    fn write(&mut self, bytes: &[u8]) {
        assert_eq!(bytes.len(), BLOCK);
        // SAFETY: the block has so many bytes and belongs to this value, and the others are not in
        // it.
        unsafe { self.0.copy_from_nonoverlapping(NonNull::from(bytes).cast(), BLOCK) };
    }
}

/// Pools of raw blocks.
pub(crate) struct Blocks;

impl Kind for Blocks {
    type Pool = MemoryPool;
    type Held<'p> = Block;

    fn make(bound: usize) -> Self::Pool {
        MemoryPool::new(BLOCK, bound).expect("it is small")
    }

    fn length(_: usize) -> usize {
        BLOCK
    }

    fn put<'p>(pool: &'p Self::Pool, bytes: &[u8]) -> Option<Self::Held<'p>> {
        let mut block = Block(pool.allocate()?);
        block.write(bytes);
        Some(block)
    }

    fn bytes<'h>(held: &'h Self::Held<'_>) -> &'h [u8] {
        // SAFETY: valid: so many bytes were written. Unaliased: who writes borrows exclusively.
        unsafe { slice::from_raw_parts(held.0.as_ptr(), BLOCK) }
    }

    fn change<'p>(
        pool: &'p Self::Pool,
        mut held: Self::Held<'p>,
        bytes: &mut Box<[u8]>,
        fresh: Box<[u8]>,
        _: u8,
    ) -> (Self::Held<'p>, Option<Self::Held<'p>>) {
        assert!(pool.contains(held.0));
        held.write(&fresh);
        *bytes = fresh;
        (held, None)
    }

    fn take<'p>(pool: &'p Self::Pool, held: Self::Held<'p>, way: u8) {
        match way % 2 {
            // SAFETY: 1. and 2. the block is of this pool, and not used any more.
            0 => unsafe { pool.deallocate(held.0) },
            // SAFETY: 1. the block is used nowhere else.
            _ => assert_eq!(unsafe { pool.try_deallocate(held.0) }, Ok(())),
        }
    }

    fn upkeep(pool: &Self::Pool, number: usize) {
        match number % 2 {
            0 => assert_eq!(pool.stats().capacity, pool.capacity()),
            _ => _ = pool.trim(),
        }
    }

    fn count(pool: &Self::Pool) -> (usize, bool) {
        (pool.len(), pool.is_full())
    }

    fn check_invariants(pool: &Self::Pool) {
        pool.check_invariants();
    }
}

/// Rows of bytes in pools of size classes.
pub(crate) struct Classes;

impl Kind for Classes {
    type Pool = SizeClassPool;
    type Held<'p> = PoolBox<'p, [u8]>;

    fn make(_: usize) -> Self::Pool {
        SizeClassPool::new()
    }

    fn put<'p>(pool: &'p Self::Pool, bytes: &[u8]) -> Option<Self::Held<'p>> {
        pool.try_alloc_slice_copy(bytes).ok()
    }

    fn bytes<'h>(held: &'h Self::Held<'_>) -> &'h [u8] {
        held
    }

    fn change<'p>(
        _: &'p Self::Pool,
        held: Self::Held<'p>,
        bytes: &mut Box<[u8]>,
        fresh: Box<[u8]>,
        way: u8,
    ) -> (Self::Held<'p>, Option<Self::Held<'p>>) {
        change(held, bytes, &fresh, way, |held| PoolBox::try_clone(held).ok())
    }

    fn take<'p>(_: &'p Self::Pool, held: Self::Held<'p>, way: u8) {
        match way % 2 {
            0 => drop(held),
            _ => drop(PoolBox::into_pin(held)),
        }
    }

    fn upkeep(pool: &Self::Pool, _: usize) {
        trim_classes_under_handles(pool);
    }

    fn count(pool: &Self::Pool) -> (usize, bool) {
        (pool.len(), false)
    }

    fn check_invariants(pool: &Self::Pool) {
        pool.check_invariants();
    }
}
