//! Who is compared, and how each is made to do an operation.

use crate::heap::{Frees, Heap};
use crate::workloads::Workload;
use crate::workloads::operation::{Operation, Unable};

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
mod typed_pool_options;

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
use self::typed_pool_options::{BoundedPool, Huge, Plain, Prefaulted};

/// What sort of thing a contender is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The pool of this crate.
    Ours,
    /// The pool of this crate with options, in rows that they are for.
    OursWithOptions,
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
    /// What options and figures call it.
    pub(crate) name: &'static str,
    /// What reports call it.
    pub(crate) title: &'static str,
    pub(crate) kind: Kind,
}

impl Kind {
    /// All of them.
    pub(crate) const ALL: [Self; 7] = [
        Self::Ours,
        Self::OursWithOptions,
        Self::RaiiPool,
        Self::ManualPool,
        Self::Allocator,
        Self::Keyed,
        Self::Arena,
    ];

    /// Whether it is of others, so that ours is compared with it.
    pub(crate) fn is_peer(self) -> bool {
        !matches!(self, Self::Ours | Self::OursWithOptions)
    }

    /// Whether the room of one value can be used again.
    pub(crate) fn frees(self) -> bool {
        self != Self::Arena
    }

    /// What it is, in words for reports.
    pub(crate) fn describe(self) -> &'static str {
        match self {
            Self::Ours => "this crate",
            Self::OursWithOptions => "with options",
            Self::RaiiPool => "pool, its handles free",
            Self::ManualPool => "pool, freed by hand",
            Self::Allocator => "allocator",
            Self::Keyed => "container with keys",
            Self::Arena => "arena",
        }
    }
}

/// The number of values from which on it matters what pages they lie in.
const LARGE: usize = 1_000_000;

/// Why a pool with options is left out where they change nothing.
pub(crate) const AS_WITHOUT_OPTIONS: Unable = "as without options";

/// The place of the pool of this crate among [`ALL`].
pub(crate) const OURS: usize = 0;

/// The place of the baseline: in a run in which it is slow, the machine was.
pub(crate) const BASELINE: usize = 1;

/// The number of contenders.
pub(crate) const COUNT: usize = 18;

/// All contenders, in the order of the reports and of [`on_each`].
pub(crate) const ALL: [Contender; COUNT] = [
    Contender { name: "typed_pool", title: "typed-pool", kind: Kind::Ours },
    Contender { name: "box", title: "Box (system)", kind: Kind::Allocator },
    Contender { name: "mimalloc", title: "mimalloc", kind: Kind::Allocator },
    Contender { name: "jemalloc", title: "jemalloc", kind: Kind::Allocator },
    Contender { name: "snmalloc", title: "snmalloc", kind: Kind::Allocator },
    Contender { name: "typed_arena", title: "typed-arena", kind: Kind::Arena },
    Contender { name: "bumpalo", title: "bumpalo", kind: Kind::Arena },
    Contender { name: "slab", title: "slab", kind: Kind::Keyed },
    Contender { name: "slotmap", title: "slotmap", kind: Kind::Keyed },
    Contender { name: "nexus_bounded", title: "nexus-slab, bounded", kind: Kind::ManualPool },
    Contender { name: "nexus_unbounded", title: "nexus-slab", kind: Kind::ManualPool },
    Contender { name: "plurality_alloc", title: "plurality Alloc", kind: Kind::RaiiPool },
    Contender { name: "plurality_box", title: "plurality Box", kind: Kind::RaiiPool },
    Contender { name: "infinity_pool", title: "infinity_pool", kind: Kind::RaiiPool },
    Contender { name: "refpool", title: "refpool", kind: Kind::RaiiPool },
    Contender { name: "bounded", title: "bounded", kind: Kind::OursWithOptions },
    Contender { name: "prefaulted", title: "bounded, prefault", kind: Kind::OursWithOptions },
    Contender { name: "huge_pages", title: "bounded, huge pages", kind: Kind::OursWithOptions },
];

/// Something to do for values of `WORDS` words, on whatever sort of contender.
pub(crate) trait Task<const WORDS: usize> {
    /// Its body on a pool or a container: something that is made, frees and is dropped.
    fn on_pool<H: Frees<WORDS>>(&self) -> Result<Workload, Unable>;

    /// Its body on a pool with options, where it is one that they are for.
    fn on_options<H: Frees<WORDS>>(&self) -> Result<Workload, Unable>;

    /// Its body on an allocator, of which there is one.
    fn on_allocator<H: Frees<WORDS>>(&self) -> Result<Workload, Unable>;

    /// Its body on an arena, which takes values and no more.
    fn on_arena<H: Heap<WORDS>>(&self) -> Result<Workload, Unable>;
}

impl<const WORDS: usize> Task<WORDS> for Operation {
    fn on_pool<H: Frees<WORDS>>(&self) -> Result<Workload, Unable> {
        Self::on_pool::<WORDS, H>(*self)
    }

    fn on_options<H: Frees<WORDS>>(&self) -> Result<Workload, Unable> {
        if self.count() < LARGE {
            Err(AS_WITHOUT_OPTIONS)
        } else {
            Self::on_pool::<WORDS, H>(*self)
        }
    }

    fn on_allocator<H: Frees<WORDS>>(&self) -> Result<Workload, Unable> {
        Self::on_allocator::<WORDS, H>(*self)
    }

    fn on_arena<H: Heap<WORDS>>(&self) -> Result<Workload, Unable> {
        Self::on_arena::<WORDS, H>(*self)
    }
}

/// The body of a task on every contender, in the order of [`ALL`].
pub(crate) fn on_each<const WORDS: usize, T: Task<WORDS>>(
    task: &T,
) -> [Result<Workload, Unable>; COUNT] {
    [
        task.on_pool::<TypedPool<WORDS>>(),
        task.on_allocator::<Boxed>(),
        task.on_allocator::<Malloc<MiMalloc>>(),
        task.on_allocator::<Malloc<Jemalloc>>(),
        task.on_allocator::<Malloc<SnMalloc>>(),
        task.on_arena::<TypedArena<WORDS>>(),
        task.on_arena::<BumpArena>(),
        task.on_pool::<Slabbed<WORDS>>(),
        task.on_pool::<SlotMapped<WORDS>>(),
        task.on_pool::<NexusBounded<WORDS>>(),
        task.on_pool::<NexusUnbounded<WORDS>>(),
        task.on_pool::<PluralityAlloc<WORDS>>(),
        task.on_pool::<PluralityBox<WORDS>>(),
        task.on_pool::<InfinityPool<WORDS>>(),
        task.on_pool::<RefPool<WORDS>>(),
        task.on_options::<BoundedPool<WORDS, Plain>>(),
        task.on_options::<BoundedPool<WORDS, Prefaulted>>(),
        task.on_options::<BoundedPool<WORDS, Huge>>(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::live::{Live, Places, put_and_free};

    /// Checks what heaps give back, on the spot.
    struct Check;

    /// What a heap that was checked answers.
    const CHECKED: Result<Workload, Unable> = Err("checked");

    impl<const WORDS: usize> Task<WORDS> for Check {
        fn on_pool<H: Frees<WORDS>>(&self) -> Result<Workload, Unable> {
            values_last::<WORDS, H>();
            room_is_used_again::<WORDS, H>();
            CHECKED
        }

        fn on_options<H: Frees<WORDS>>(&self) -> Result<Workload, Unable> {
            <Self as Task<WORDS>>::on_pool::<H>(self)
        }

        fn on_allocator<H: Frees<WORDS>>(&self) -> Result<Workload, Unable> {
            <Self as Task<WORDS>>::on_pool::<H>(self)
        }

        fn on_arena<H: Heap<WORDS>>(&self) -> Result<Workload, Unable> {
            values_last::<WORDS, H>();
            CHECKED
        }
    }

    /// Values read as they were put in, also after the heap was emptied.
    fn values_last<const WORDS: usize, H: Heap<WORDS>>() {
        let mut heap = H::with_room(20);
        for _ in 0..3 {
            let mut live = Live::<WORDS, H>::with_room(&heap, 20);
            live.fill(20);
            assert_eq!(live.sum(), 190);
            drop(live);
            heap = heap.emptied(20);
        }
    }

    /// Values that stay are left alone by those that come and go.
    fn room_is_used_again<const WORDS: usize, H: Frees<WORDS>>() {
        let heap = H::with_room(21);
        let mut live = Live::<WORDS, H>::with_room(&heap, 20);
        live.fill(20);
        for round in 0..5 {
            live.replace(round, 100);
            put_and_free(&heap, 7);
        }
        assert_eq!(live.sum(), 190 - 10 + 500);
        live.swap_free(0);
        live.push(1_000);
        live.hand_over();
        assert_eq!(live.sum(), 190 - 10 + 400 + 1_000);
        live.free_from(3);
        assert_eq!(live.len(), 3);
        live.free_in_both_orders(2);
        assert_eq!(live.sum(), 0);

        let mut places = Places::<WORDS, H>::new(&heap, 2);
        places.put(0, 5);
        places.toggle(1, 6);
        places.touch(0, 8);
        assert_eq!([places.read(0), places.read(1)], [Some(8), Some(6)]);
        places.toggle(1, 9);
        places.free(0);
        places.touch(0, 3);
        assert_eq!([places.read(0), places.read(1)], [None, None]);
    }

    #[test]
    fn every_contender_keeps_values_and_uses_room_again() {
        for checked in [on_each::<1, _>(&Check), on_each::<4, _>(&Check), on_each::<128, _>(&Check)]
        {
            assert!(checked.iter().all(|heap| heap.as_ref().err() == Some(&"checked")));
        }
    }

    #[test]
    fn ours_and_the_baseline_are_where_they_are_said_to_be() {
        assert_eq!(ALL[OURS].kind, Kind::Ours);
        assert_eq!(ALL[BASELINE].name, "box");
    }
}
