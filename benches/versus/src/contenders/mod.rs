//! Who is compared, and how each is made to do an operation.

use crate::workloads::{Operation, Unable, Workload};

mod boxed;
mod bumpalo;
mod infinity_pool;
mod keyed;
mod malloc;
mod nexus_slab;
mod plurality;
mod refpool;
mod typed_arena;
mod typed_pool;

use self::boxed::Boxed;
use self::bumpalo::BumpArena;
use self::infinity_pool::InfinityPool;
use self::keyed::{Slabbed, SlotMapped};
use self::malloc::{Jemalloc, Malloc, MiMalloc, SnMalloc};
use self::nexus_slab::{NexusBounded, NexusUnbounded};
use self::plurality::{PluralityAlloc, PluralityBox};
use self::refpool::RefPool;
use self::typed_arena::TypedArena;
use self::typed_pool::TypedPool;

/// What sort of thing a contender is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The pool of this crate.
    Ours,
    /// A pool whose handles free.
    RaiiPool,
    /// A pool that is to be told what to free.
    ManualPool,
    /// A general allocator.
    Allocator,
    /// A container that gives keys.
    Keyed,
    /// An arena, which frees everything at once.
    Arena,
}

/// Someone who is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Contender {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
}

/// The number of contenders.
pub(crate) const COUNT: usize = 15;

/// All contenders, in the order of the reports and of [`on_each`].
pub(crate) const ALL: [Contender; COUNT] = [
    Contender { name: "typed_pool", kind: Kind::Ours },
    Contender { name: "box", kind: Kind::Allocator },
    Contender { name: "mimalloc", kind: Kind::Allocator },
    Contender { name: "jemalloc", kind: Kind::Allocator },
    Contender { name: "snmalloc", kind: Kind::Allocator },
    Contender { name: "typed_arena", kind: Kind::Arena },
    Contender { name: "bumpalo", kind: Kind::Arena },
    Contender { name: "slab", kind: Kind::Keyed },
    Contender { name: "slotmap", kind: Kind::Keyed },
    Contender { name: "nexus_bounded", kind: Kind::ManualPool },
    Contender { name: "nexus_unbounded", kind: Kind::ManualPool },
    Contender { name: "plurality_alloc", kind: Kind::RaiiPool },
    Contender { name: "plurality_box", kind: Kind::RaiiPool },
    Contender { name: "infinity_pool", kind: Kind::RaiiPool },
    Contender { name: "refpool", kind: Kind::RaiiPool },
];

/// The body of `operation` on every contender, for values of `WORDS` words.
pub(crate) fn on_each<const WORDS: usize>(
    operation: Operation,
) -> [Result<Workload, Unable>; COUNT] {
    [
        operation.on_pool::<WORDS, TypedPool<WORDS>>(),
        operation.on_allocator::<WORDS, Boxed>(),
        operation.on_allocator::<WORDS, Malloc<MiMalloc>>(),
        operation.on_allocator::<WORDS, Malloc<Jemalloc>>(),
        operation.on_allocator::<WORDS, Malloc<SnMalloc>>(),
        operation.on_arena::<WORDS, TypedArena<WORDS>>(),
        operation.on_arena::<WORDS, BumpArena>(),
        operation.on_pool::<WORDS, Slabbed<WORDS>>(),
        operation.on_pool::<WORDS, SlotMapped<WORDS>>(),
        operation.on_pool::<WORDS, NexusBounded<WORDS>>(),
        operation.on_pool::<WORDS, NexusUnbounded<WORDS>>(),
        operation.on_pool::<WORDS, PluralityAlloc<WORDS>>(),
        operation.on_pool::<WORDS, PluralityBox<WORDS>>(),
        operation.on_pool::<WORDS, InfinityPool<WORDS>>(),
        operation.on_pool::<WORDS, RefPool<WORDS>>(),
    ]
}
