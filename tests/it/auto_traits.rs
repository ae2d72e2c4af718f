//! Facts about the public types, all checked by the compiler:
//!
//! - Auto traits on handles and pools (missing `T: Send`/`T: Sync` bounds): for every type, each of
//!   `Send`, `Sync`, `Unpin`, `UnwindSafe` and `RefUnwindSafe` holds or does not hold as a table
//!   says, for values that have them and for values that lack them.
//! - Those that hold under a bound hold for every type and every lifetime within the bound.
//! - A handle is one word, also as an `Option` and in a `Pin`, and two for an unsized value.

use std::cell::Cell;
use std::fmt::Debug;
use std::marker::PhantomPinned;
use std::mem::MaybeUninit;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::MutexGuard;

use typed_pool::{Coercion, InvalidFree, Memory, MemoryPool, Owned, OwnedPoolBox, Pool, PoolBox};
use typed_pool::{PoolError, PoolRef, PoolStats, SizeClassPool, SizeClassStats, TryAllocError};
#[cfg(feature = "std")]
use typed_pool::{SyncMemoryPool, SyncOwnedPoolBox, SyncPool, SyncSizeClassPool};

use crate::implements::implements;

/// Holds that a type implements a trait, or that it does not.
macro_rules! assert_implements {
    ($type:ty, $trait:ident, $expected:expr) => {
        const _: () = assert!(
    implements!($type: $trait) == $expected,
            concat!(
                "whether `",
                stringify!($type),
                "` is `",
                stringify!($trait),
                "` should be ",
                stringify!($expected),
            ),
        );
    };
}

/// Holds the auto traits of types, each a row.
macro_rules! assert_auto_traits {
    ($($type:ty: $send:ident $sync:ident $unpin:ident $unwind:ident $ref_unwind:ident,)*) => {
        $(
            assert_implements!($type, Send, $send);
            assert_implements!($type, Sync, $sync);
            assert_implements!($type, Unpin, $unpin);
            assert_implements!($type, UnwindSafe, $unwind);
            assert_implements!($type, RefUnwindSafe, $ref_unwind);
        )*
    };
}

type Guard = MutexGuard<'static, u32>;
type Exclusive = &'static mut u32;
type Handle<T> = PoolBox<'static, T>;
#[cfg(feature = "std")]
type SyncHandle<T> = PoolBox<'static, T, SyncMemoryPool>;

// The values that the tables below are about: between them, each trait is held and lacked alone.
assert_auto_traits! {
    //                               Send  Sync  Unpin UnwindSafe RefUnwindSafe
    u32:                             true  true  true  true  true,
    Rc<u32>:                         false false true  true  true,
    Cell<u32>:                       true  false true  true  false,
    Guard:                           false true  true  true  true,
    Exclusive:                       true  true  true  false true,
    PhantomPinned:                   true  true  false true  true,
    dyn Debug:                       false false false false false,
}

// A pool holds its values but gives none of them out: of them it is only as `Send` as they are.
assert_auto_traits! {
    //                               Send  Sync  Unpin UnwindSafe RefUnwindSafe
    Pool<u32>:                       true  false true  true  true,
    Pool<Rc<u32>>:                   false false true  true  true,
    Pool<Cell<u32>>:                 true  false true  true  true,
    Pool<Guard>:                     false false true  true  true,
    Pool<Exclusive>:                 true  false true  true  true,
    Pool<PhantomPinned>:             true  false true  true  true,
    Pool<Handle<u32>>:               false false true  true  true,
    &'static Pool<u32>:              false false true  true  true,
    MemoryPool:                      true  false true  true  true,
    &'static MemoryPool:             false false true  true  true,
    SizeClassPool:                   true  false true  true  true,
    &'static SizeClassPool:          false false true  true  true,
}

// A handle of a `Pool` reaches the pool, so it stays on its thread whatever its value is.
assert_auto_traits! {
    //                               Send  Sync  Unpin UnwindSafe RefUnwindSafe
    Handle<u32>:                     false false true  true  true,
    Handle<Rc<u32>>:                 false false true  true  true,
    Handle<Cell<u32>>:               false false true  true  false,
    Handle<Guard>:                   false false true  true  true,
    Handle<Exclusive>:               false false true  false true,
    Handle<PhantomPinned>:           false false true  true  true,
    Handle<MaybeUninit<u32>>:        false false true  true  true,
    Handle<[u32]>:                   false false true  true  true,
    Handle<dyn Debug>:               false false true  false false,
    Handle<dyn Debug + Send + Sync>: false false true  false false,
    Pin<Handle<PhantomPinned>>:      false false true  true  true,
}

// A handle that keeps a `Pool` stays on its thread too, as the `Rc` does.
assert_auto_traits! {
    //                               Send  Sync  Unpin UnwindSafe RefUnwindSafe
    OwnedPoolBox<u32>:               false false true  true  true,
    OwnedPoolBox<Rc<u32>>:           false false true  true  true,
    OwnedPoolBox<Cell<u32>>:         false false true  true  false,
    OwnedPoolBox<Guard>:             false false true  true  true,
    OwnedPoolBox<Exclusive>:         false false true  false true,
    OwnedPoolBox<PhantomPinned>:     false false true  true  true,
    OwnedPoolBox<dyn Debug + Send + Sync>: false false true  false false,
    Pin<OwnedPoolBox<PhantomPinned>>: false false true  true  true,
}

// What leads to a pool is as a reference to it. Nobody has an `Owned`, but whether it is `Sync`
// tells what handles are.
assert_auto_traits! {
    //                               Send  Sync  Unpin UnwindSafe RefUnwindSafe
    PoolRef<'static, u32>:           false false true  true  true,
    PoolRef<'static, Rc<u32>>:       false false true  true  true,
    PoolRef<'static, PhantomPinned>: false false true  true  true,
    Owned<MemoryPool>:               false false true  true  true,
    Coercion<u32, dyn Debug>:        true  true  true  true  true,
    Coercion<Rc<u32>, dyn Debug>:    true  true  true  true  true,
}

#[cfg(feature = "std")]
assert_auto_traits! {
    //                               Send  Sync  Unpin UnwindSafe RefUnwindSafe
    SyncOwnedPoolBox<u32>:           true  true  true  true  true,
    SyncOwnedPoolBox<Rc<u32>>:       false false true  true  true,
    SyncOwnedPoolBox<Cell<u32>>:     true  false true  true  false,
    SyncOwnedPoolBox<Guard>:         false true  true  true  true,
    SyncOwnedPoolBox<Exclusive>:     true  true  true  false true,
    SyncOwnedPoolBox<PhantomPinned>: true  true  true  true  true,
    SyncOwnedPoolBox<OwnedPoolBox<u32>>: false false true  true  true,
    SyncOwnedPoolBox<[u32]>:         true  true  true  true  true,
    SyncOwnedPoolBox<dyn Debug>:     false false true  false false,
    SyncOwnedPoolBox<dyn Debug + Send>: true  false true  false false,
    SyncOwnedPoolBox<dyn Debug + Sync>: false true  true  false false,
    Pin<SyncOwnedPoolBox<PhantomPinned>>: true  true  true  true  true,
    PoolRef<'static, u32, SyncMemoryPool>: true  true  true  true  true,
    PoolRef<'static, Rc<u32>, SyncMemoryPool>: false false true  true  true,
    PoolRef<'static, Cell<u32>, SyncMemoryPool>: true  true  true  true  true,
    PoolRef<'static, Guard, SyncMemoryPool>: false false true  true  true,
    Owned<SyncMemoryPool>:           false true  true  true  true,
}

// Whoever shares a pool for many threads may put values in, which end elsewhere: it is shared where
// they may be sent.
#[cfg(feature = "std")]
assert_auto_traits! {
    //                               Send  Sync  Unpin UnwindSafe RefUnwindSafe
    SyncPool<u32>:                   true  true  true  true  true,
    SyncPool<Rc<u32>>:               false false true  true  true,
    SyncPool<Cell<u32>>:             true  true  true  true  true,
    SyncPool<Guard>:                 false false true  true  true,
    SyncPool<Exclusive>:             true  true  true  true  true,
    SyncPool<PhantomPinned>:         true  true  true  true  true,
    SyncPool<Handle<u32>>:           false false true  true  true,
    SyncPool<SyncHandle<u32>>:       true  true  true  true  true,
    &'static SyncPool<u32>:          true  true  true  true  true,
    &'static SyncPool<Guard>:        false false true  true  true,
    SyncMemoryPool:                  true  true  true  true  true,
    &'static SyncMemoryPool:         true  true  true  true  true,
    SyncSizeClassPool:               true  true  true  true  true,
    &'static SyncSizeClassPool:      true  true  true  true  true,
}

// A handle of a pool for many threads is sent and shared as its value is.
#[cfg(feature = "std")]
assert_auto_traits! {
    //                               Send  Sync  Unpin UnwindSafe RefUnwindSafe
    SyncHandle<u32>:                 true  true  true  true  true,
    SyncHandle<Rc<u32>>:             false false true  true  true,
    SyncHandle<Cell<u32>>:           true  false true  true  false,
    SyncHandle<Guard>:               false true  true  true  true,
    SyncHandle<Exclusive>:           true  true  true  false true,
    SyncHandle<PhantomPinned>:       true  true  true  true  true,
    SyncHandle<MaybeUninit<u32>>:    true  true  true  true  true,
    SyncHandle<Handle<u32>>:         false false true  true  true,
    SyncHandle<[u32]>:               true  true  true  true  true,
    SyncHandle<dyn Debug>:           false false true  false false,
    SyncHandle<dyn Debug + Send>:    true  false true  false false,
    SyncHandle<dyn Debug + Sync>:    false true  true  false false,
    Pin<SyncHandle<PhantomPinned>>:  true  true  true  true  true,
}

// A refused value is in its error; a refused address is not.
assert_auto_traits! {
    //                               Send  Sync  Unpin UnwindSafe RefUnwindSafe
    TryAllocError<u32>:              true  true  true  true  true,
    TryAllocError<Rc<u32>>:          false false true  true  true,
    TryAllocError<Cell<u32>>:        true  false true  true  false,
    TryAllocError<Guard>:            false true  true  true  true,
    TryAllocError<Exclusive>:        true  true  true  false true,
    TryAllocError<PhantomPinned>:    true  true  false true  true,
    PoolError:                       true  true  true  true  true,
    InvalidFree:                     true  true  true  true  true,
    PoolStats:                       true  true  true  true  true,
    SizeClassStats:                  true  true  true  true  true,
}

fn assert_send<X: ?Sized + Send>() {}
fn assert_sync<X: ?Sized + Sync>() {}
fn assert_unpin<X: ?Sized + Unpin>() {}
fn assert_unwind_safe<X: ?Sized + UnwindSafe>() {}
fn assert_ref_unwind_safe<X: ?Sized + RefUnwindSafe>() {}

/// What holds for every value of a pool.
fn pool_of_any<T>() {
    assert_unpin::<Pool<T>>();
    assert_unwind_safe::<Pool<T>>();
    assert_ref_unwind_safe::<Pool<T>>();
}

/// What holds for every value of a handle, whatever memory it lies in.
fn handle_of_any<'p, T: ?Sized + 'p, M: Memory + 'p>() {
    assert_unpin::<PoolBox<'p, T, M>>();
    assert_unpin::<Pin<PoolBox<'p, T, M>>>();
}

/// What holds for every value that is `Send`.
fn of_send<T: Send>() {
    assert_send::<Pool<T>>();
    assert_send::<TryAllocError<T>>();
}

/// What holds for every value that is `Sync`.
fn of_sync<T: Sync>() {
    assert_sync::<TryAllocError<T>>();
}

/// What holds for every value that is `Send`, in a pool for many threads.
#[cfg(feature = "std")]
fn in_sync_pool<'p, T: Send + 'p>() {
    assert_send::<SyncPool<T>>();
    assert_sync::<SyncPool<T>>();
    assert_send::<&'p SyncPool<T>>();
}

/// What holds for handles in a memory that is shared between threads.
#[cfg(feature = "std")]
fn handle_in_shared_memory<'p, T, U, M>()
where
    T: ?Sized + Send + 'p,
    U: ?Sized + Sync + 'p,
    M: Memory + Sync + 'p,
{
    assert_send::<PoolBox<'p, T, M>>();
    assert_sync::<PoolBox<'p, U, M>>();
}

/// What holds for every value that is `UnwindSafe`.
fn of_unwind_safe<'p, T: UnwindSafe, U: ?Sized + UnwindSafe + 'p, M: Memory + 'p>() {
    assert_unwind_safe::<TryAllocError<T>>();
    assert_unwind_safe::<PoolBox<'p, U, M>>();
}

/// What holds for every value that is `RefUnwindSafe`.
fn of_ref_unwind_safe<'p, T: RefUnwindSafe, U: ?Sized + RefUnwindSafe + 'p, M: Memory + 'p>() {
    assert_ref_unwind_safe::<TryAllocError<T>>();
    assert_ref_unwind_safe::<PoolBox<'p, U, M>>();
}

/// The compiler checks the functions above for all types at once; one call each makes them used.
#[test]
fn bounds_suffice() {
    pool_of_any::<u32>();
    handle_of_any::<u32, MemoryPool>();
    handle_of_any::<u32, Owned<MemoryPool>>();
    of_send::<u32>();
    of_sync::<u32>();
    of_unwind_safe::<u32, u32, MemoryPool>();
    of_ref_unwind_safe::<u32, u32, MemoryPool>();
}

/// As [`bounds_suffice`], for pools for many threads.
#[test]
#[cfg(feature = "std")]
fn bounds_suffice_between_threads() {
    in_sync_pool::<u32>();
    handle_of_any::<u32, SyncMemoryPool>();
    handle_in_shared_memory::<u32, u32, SyncMemoryPool>();
    handle_in_shared_memory::<u32, u32, Owned<SyncMemoryPool>>();
    of_unwind_safe::<u32, u32, SyncMemoryPool>();
    of_ref_unwind_safe::<u32, u32, SyncMemoryPool>();
}

/// Holds the size of a type, in words.
macro_rules! assert_words {
    ($($type:ty: $words:literal,)*) => {
        $(
            const _: () = assert!(
                size_of::<$type>() == $words * size_of::<usize>()
                    && align_of::<$type>() == align_of::<usize>(),
                concat!("`", stringify!($type), "` should be ", stringify!($words), " words"),
            );
        )*
    };
}

assert_words! {
    Handle<u32>: 1,
    Handle<()>: 1,
    Handle<[u64; 1000]>: 1,
    Option<Handle<u32>>: 1,
    Option<Option<Handle<u32>>>: 2,
    Pin<Handle<u32>>: 1,
    Option<Pin<Handle<u32>>>: 1,
    Handle<dyn Debug>: 2,
    Option<Handle<dyn Debug>>: 2,
    Handle<[u32]>: 2,
    OwnedPoolBox<u32>: 1,
    Option<OwnedPoolBox<u32>>: 1,
    Pin<OwnedPoolBox<u32>>: 1,
    OwnedPoolBox<dyn Debug>: 2,
    PoolRef<'static, u32>: 1,
    Option<PoolRef<'static, u32>>: 1,
    Pool<[u64; 1000]>: 1,
    Option<Pool<u32>>: 1,
    MemoryPool: 1,
    Option<MemoryPool>: 1,
}

#[cfg(feature = "std")]
assert_words! {
    SyncHandle<u32>: 1,
    Option<SyncHandle<u32>>: 1,
    SyncHandle<dyn Debug>: 2,
    SyncOwnedPoolBox<u32>: 1,
    Option<SyncOwnedPoolBox<u32>>: 1,
    PoolRef<'static, u32, SyncMemoryPool>: 1,
    SyncPool<[u64; 1000]>: 1,
    SyncMemoryPool: 1,
}
