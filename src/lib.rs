//! A typed object pool: `Box`-like handles on slots of one size, for code that creates and
//! destroys many values of one type.
//!
//! [`Pool::alloc`] moves a value into a slot and returns a [`PoolBox`], which makes the slot vacant
//! again when it is dropped. [`MemoryPool`] is the same without a type: blocks of raw memory, as
//! many as it was made with. [`SizeClassPool`] takes values of any type and size, and serves
//! collections as an allocator. [`OwnedPoolBox`] is a handle that keeps its pool; which handle
//! serves what is a table in the documentation of [`PoolBox`]. `SyncPool`, `SyncMemoryPool` and
//! `SyncSizeClassPool` are the same for many threads.
//!
//! ```
//! use typed_pool::{Pool, PoolBox};
//!
//! struct Enemy {
//!     health: u32,
//! }
//!
//! let pool = Pool::new();
//! let mut enemies: Vec<PoolBox<Enemy>> =
//!     (1..=3).map(|health| pool.alloc(Enemy { health })).collect();
//! for enemy in &mut enemies {
//!     enemy.health -= 1;
//! }
//! enemies.retain(|enemy| enemy.health > 0);
//! assert_eq!(pool.len(), 2);
//! ```
//!
//! # Words
//!
//! Sizes are in bytes and counts in slots.
//!
//! - A **slot** is room for one value; its **stride** is the distance to the next. It is
//!   **occupied** or **vacant**. [`MemoryPool`] calls its slots blocks, for that is all they are to
//!   its user.
//! - A **chunk** is an aligned unit of memory: a header, a vacancy bitmap and slots. It is
//!   **entered**, its header and bitmap written, when its first slot is needed. A **reservation**
//!   is one upstream allocation that holds one or more chunks in a row.
//! - The **magazine** is the stack of vacant slots in front: of what it holds, what was freed last
//!   is taken first.
//! - The **vacancy bitmap** has a bit for each slot of its chunk, set where the slot is vacant and
//!   not in the front. To **spill** is to set the bit of a slot that finds the magazine full, to
//!   **refill** to move slots from the bitmaps to the front. A **run**, neighbours that are all
//!   vacant, comes back as a **bump window**. Magazine and window together are the **front**, what
//!   is behind them the **depot**, and both together the **core** of a pool.
//! - In a pool that threads share, each has a magazine of its own, found by the **number** of the
//!   thread, and may have a **shelf** beside it, on which it lays slots by, half a magazine at
//!   once, and from which others may take them. A **token** stands for a slot in a bitmap or on a
//!   shelf: who has taken one will find a slot. A **hint** says where vacant slots may be found.
//! - Sizes are divided into **classes**; a value of one lies in a slot of the class's size.
//! - A **tract** is a unit of memory, as long and as aligned as a large chunk, that classes of one
//!   pool share: small chunks in it are made of whole **granules**, 64 of which it has. Tracts are
//!   the **ground** that such a pool grows on. A chunk that has one slot, for a value too large for
//!   a class, is a **lone** one.
//! - A **handle** is what owns an occupied slot.
//! - The **capacity** is the number of slots held now, the **len** that of the occupied ones.
//! - **Upstream** is the global allocator, where chunks come from.
//!
//! # Features
//!
//! - `std` (on by default): `SyncPool` and `SyncMemoryPool`, and the traits of `std::io` on
//!   handles. Without it the crate needs only `core` and `alloc`.
//! - `allocator-api2`: references to [`SizeClassPool`], to [`MemoryPool`] and to their twins for
//!   threads implement `Allocator` of the crate of that name, for its collections and those of
//!   crates that support it, such as `hashbrown`.
//! - `madvise`: [`Pool::trim`] of bounded pools, and `SyncPool::trim`, give vacant pages back to
//!   the kernel of Linux, by way of `libc`.
//! - `hardened`: finds mistakes of unsafe code that gives slots back or writes to them, as below.
//! - `serde`: figures such as [`PoolStats`], and handles of values that can be, are serialised.
//! - `huge-pages`: what [`PoolBuilder::huge_pages`] asks for on Linux, by way of `libc`.
//!
//! # Hardened
//!
//! With the feature `hardened`, vacant slots are filled with a pattern, which is looked at when
//! they are taken again, and behind each slot stands a word, its canary, which is looked at when it
//! is given back. A registry of all chunks tells whether a pointer is the start of a slot.
//!
//! | what is found | when | how it ends |
//! |---|---|---|
//! | [`MemoryPool::deallocate`] of a block twice, of an address in a block, of another pool's, of a value with a handle, or of none; the same of blocks of a class by `Allocator` | at once | panic, nothing changed |
//! | [`PoolBox::from_raw`] twice, after the drop, of another kind of pool, of an address that no handle was taken apart into | at once | panic, nothing changed |
//! | two handles of one value | with debug assertions on, at the second drop, while its chunk is there; else when the slot is taken by two values at once | abort |
//! | a byte written to the word behind a slot, which is as long as a value or its class | when the value is dropped, given back or moved | abort |
//! | a byte written to a vacant slot | when the slot is taken again | abort |
//! | a byte written to the word behind a vacant slot | when a block is taken there, or with debug assertions on a value; else when that value is dropped or moved | abort |
//!
//! A panic comes with the place of the call. An abort comes after a message that names the slot:
//! what would be unwound trusts the memory. A slot that has been taken again in between is
//! occupied: the second of the two that give it back is found then. What several threads do to one
//! slot at once is a data race, and may go unseen.
//!
//! The registry takes 256 KiB for each 8 GiB of addresses that chunks lie in (2 KiB on 32-bit
//! targets), for ever. A slot takes a word more, rounded up to the alignment: for
//! [`SizeClassPool`], whose classes are aligned to what divides them, twice as much at worst.
//! Entering a chunk writes all of it, and pages are not given back (`madvise`). Every byte of a
//! slot is written once more and read once more; with debug assertions on, vacant slots are marked
//! besides. Without the feature, nothing of this is there.
//!
//! Programs under AddressSanitizer can be built with `RUSTFLAGS="-Zsanitizer=address --cfg
//! typed_pool_sanitize"`: vacant slots of chunks that were entered are poisoned, and every use of
//! one is reported at the spot, reads too. Whole units of eight bytes are, so that of smaller
//! values some go unseen.
#![no_std]

extern crate alloc;
#[cfg(any(test, feature = "std", typed_pool_faults))]
extern crate std;

// Bottom-up: a module uses only those above it.
mod fault;
mod error;
mod atomic;
mod bit_tree;
mod geometry;
mod size_class;
mod granules;
mod fixed;
mod once;
mod chunk;
mod guard;
mod pages;
mod magazine;
mod window;
mod ground;
mod reservation;
mod plan;
mod stats;
mod size_class_stats;
mod chunk_summary;
mod compaction;
mod depot;
mod front;
mod stock;
mod memory;
mod pool_core;
mod local_core;
#[cfg(feature = "std")]
mod sync;
mod block_pool;
mod memory_pool;
#[cfg(feature = "std")]
mod sync_memory_pool;
mod pool_box;
mod pool_ref;
mod typed_pool;
mod pool;
#[cfg(feature = "std")]
mod sync_pool;
mod owned;
mod builder;
#[cfg(feature = "allocator-api2")]
mod direct;
mod classed_pool;
mod size_class_pool;
#[cfg(feature = "std")]
mod sync_size_class_pool;
#[cfg(feature = "allocator-api2")]
mod allocator;

pub use block_pool::BlockPool;
pub use builder::PoolBuilder;
pub use chunk_summary::{ChunkSummary, Chunks};
pub use classed_pool::ClassedPool;
pub use compaction::CompactStats;
pub use error::{InvalidFree, PoolError, TryAllocError, TryAllocIterError};
pub use memory::Memory;
pub use memory_pool::MemoryPool;
#[cfg(feature = "std")]
pub use owned::SyncOwnedPoolBox;
pub use owned::{Owned, OwnedPoolBox};
pub use pool::Pool;
pub use pool_box::{CallOnce, Coercion, PoolBox};
pub use pool_ref::PoolRef;
pub use size_class_pool::SizeClassPool;
pub use size_class_stats::SizeClassStats;
pub use stats::PoolStats;
#[cfg(feature = "std")]
pub use sync_memory_pool::SyncMemoryPool;
#[cfg(feature = "std")]
pub use sync_pool::SyncPool;
#[cfg(feature = "std")]
pub use sync_size_class_pool::SyncSizeClassPool;
pub use typed_pool::TypedPool;

// What macros need, and tests.
#[doc(hidden)]
pub mod __private {
    pub use core::ptr::NonNull;

    #[cfg(typed_pool_faults)]
    pub use crate::fault::{Stopped, go_on, stop_after};
}

// Compiles and runs the examples of the README with those of the documentation.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
