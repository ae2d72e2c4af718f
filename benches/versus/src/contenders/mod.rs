//! Who is compared, and how each is made to do an operation.

use crate::heap::{Frees, Heap, Shared};
use crate::workloads::Workload;
use crate::workloads::operation::{Operation, Unable};

mod array_queue;
mod boxed;
mod bumpalo;
mod heapless;
mod infinity_pool;
mod keyed;
mod lockfree_object_pool;
mod malloc;
mod nexus_slab;
mod opool;
mod plurality;
mod refpool;
mod sharded_slab;
mod shared;
mod size_class_pool;
mod sync_pool;
mod typed_arena;
mod typed_pool;
mod typed_pool_options;

pub(crate) use self::shared::{SharedTask, on_each_shared};

use ::typed_pool::SizeClassPool;

use self::boxed::Boxed;
use self::bumpalo::BumpArena;
use self::infinity_pool::InfinityPool;
use self::keyed::{Slabbed, SlotMapped};
use self::malloc::{Jemalloc, Malloc, MiMalloc, SnMalloc};
use self::nexus_slab::{NexusBounded, NexusUnbounded};
use self::plurality::{PluralityAlloc, PluralityBox};
use self::refpool::RefPool;
use self::sync_pool::SyncPool;
use self::typed_arena::TypedArena;
use self::typed_pool::TypedPool;
use self::typed_pool_options::{BoundedPool, Huge, Plain, Prefaulted};

/// What sort of thing a contender is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The pool of this crate.
    Ours,
    /// The pool of this crate with options, in rows that they are for, and that for any size.
    OursWithOptions,
    /// The pool of this crate that threads share.
    OursShared,
    /// A pool whose handles free.
    RaiiPool,
    /// A pool that is to be told what to free.
    ManualPool,
    /// A pool, or a container, that threads share.
    SharedPool,
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
    pub(crate) const ALL: [Self; 9] = [
        Self::Ours,
        Self::OursWithOptions,
        Self::OursShared,
        Self::RaiiPool,
        Self::ManualPool,
        Self::SharedPool,
        Self::Allocator,
        Self::Keyed,
        Self::Arena,
    ];

    /// Whether it is of others, so that ours is compared with it.
    pub(crate) fn is_peer(self) -> bool {
        !matches!(self, Self::Ours | Self::OursWithOptions | Self::OursShared)
    }

    /// Whether sharing it is what it is for, which pictures and tables do not show.
    pub(crate) fn is_shared(self) -> bool {
        matches!(self, Self::OursShared | Self::SharedPool)
    }

    /// Whether the room of one value can be used again.
    pub(crate) fn frees(self) -> bool {
        self != Self::Arena
    }

    /// What it is, in words for reports.
    pub(crate) fn describe(self) -> &'static str {
        match self {
            Self::Ours => "this crate",
            Self::OursWithOptions => "with options, or for any size",
            Self::OursShared => "this crate, shared",
            Self::RaiiPool => "pool, its handles free",
            Self::ManualPool => "pool, freed by hand",
            Self::SharedPool => "pool for threads",
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

/// The place of the pool of this crate that threads share.
pub(crate) const OURS_SHARED: usize = 19;

/// The number of contenders.
pub(crate) const COUNT: usize = 26;

/// All contenders, in the order of the reports, of [`on_each`] and of [`on_each_shared`].
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
    Contender { name: "size_classes", title: "SizeClassPool", kind: Kind::OursWithOptions },
    Contender { name: "bounded", title: "bounded", kind: Kind::OursWithOptions },
    Contender { name: "prefaulted", title: "bounded, prefault", kind: Kind::OursWithOptions },
    Contender { name: "huge_pages", title: "bounded, huge pages", kind: Kind::OursWithOptions },
    Contender { name: "sync_pool", title: "typed-pool, shared", kind: Kind::OursShared },
    Contender { name: "plurality_mutex", title: "plurality, mutex", kind: Kind::SharedPool },
    Contender { name: "heapless", title: "heapless", kind: Kind::SharedPool },
    Contender { name: "sharded_slab", title: "sharded-slab", kind: Kind::SharedPool },
    Contender { name: "array_queue", title: "ArrayQueue of boxes", kind: Kind::SharedPool },
    Contender { name: "lockfree_pool", title: "lockfree-object-pool", kind: Kind::SharedPool },
    Contender { name: "opool", title: "opool", kind: Kind::SharedPool },
];

/// What a contender has for a task: a body, or why there is none; nothing at all where the task is
/// not about such contenders.
pub(crate) type Entry = Option<Result<Workload, Unable>>;

/// Something to do for values of `WORDS` words, on whatever sort of contender.
pub(crate) trait Task<const WORDS: usize> {
    /// Its body on a pool or a container: something that is made, frees and is dropped.
    fn on_pool<H: Frees<WORDS>>(&self) -> Result<Workload, Unable>;

    /// Its body on a pool with options, where it is one that they are for.
    fn on_options<H: Frees<WORDS>>(&self) -> Result<Workload, Unable>;

    /// Its body on the pool of this crate that threads share, where it is to show what that costs
    /// a single thread.
    fn on_ours_shared<H: Shared<WORDS>>(&self) -> Entry;

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

    fn on_ours_shared<H: Shared<WORDS>>(&self) -> Entry {
        matches!(self, Self::Pair | Self::RandomReplace(_))
            .then(|| Self::on_pool::<WORDS, H>(*self))
    }

    fn on_allocator<H: Frees<WORDS>>(&self) -> Result<Workload, Unable> {
        Self::on_allocator::<WORDS, H>(*self)
    }

    fn on_arena<H: Heap<WORDS>>(&self) -> Result<Workload, Unable> {
        Self::on_arena::<WORDS, H>(*self)
    }
}

/// The entry of every contender for a task of one thread, in the order of [`ALL`].
pub(crate) fn on_each<const WORDS: usize, T: Task<WORDS>>(task: &T) -> [Entry; COUNT] {
    [
        Some(task.on_pool::<TypedPool<WORDS>>()),
        Some(task.on_allocator::<Boxed>()),
        Some(task.on_allocator::<Malloc<MiMalloc>>()),
        Some(task.on_allocator::<Malloc<Jemalloc>>()),
        Some(task.on_allocator::<Malloc<SnMalloc>>()),
        Some(task.on_arena::<TypedArena<WORDS>>()),
        Some(task.on_arena::<BumpArena>()),
        Some(task.on_pool::<Slabbed<WORDS>>()),
        Some(task.on_pool::<SlotMapped<WORDS>>()),
        Some(task.on_pool::<NexusBounded<WORDS>>()),
        Some(task.on_pool::<NexusUnbounded<WORDS>>()),
        Some(task.on_pool::<PluralityAlloc<WORDS>>()),
        Some(task.on_pool::<PluralityBox<WORDS>>()),
        Some(task.on_pool::<InfinityPool<WORDS>>()),
        Some(task.on_pool::<RefPool<WORDS>>()),
        Some(task.on_pool::<SizeClassPool>()),
        Some(task.on_options::<BoundedPool<WORDS, Plain>>()),
        Some(task.on_options::<BoundedPool<WORDS, Prefaulted>>()),
        Some(task.on_options::<BoundedPool<WORDS, Huge>>()),
        task.on_ours_shared::<SyncPool<WORDS>>(),
        None,
        None,
        None,
        None,
        None,
        None,
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

        fn on_ours_shared<H: Shared<WORDS>>(&self) -> Entry {
            None
        }

        fn on_allocator<H: Frees<WORDS>>(&self) -> Result<Workload, Unable> {
            <Self as Task<WORDS>>::on_pool::<H>(self)
        }

        fn on_arena<H: Heap<WORDS>>(&self) -> Result<Workload, Unable> {
            values_last::<WORDS, H>();
            CHECKED
        }
    }

    impl<const WORDS: usize> SharedTask<WORDS> for Check {
        fn on<H: Shared<WORDS>>(&self) -> Result<Workload, Unable> {
            let heap = H::with_room(1);
            let handle = heap.put(7);
            // SAFETY: 1. made in the line above.
            assert!(unsafe { heap.is_whole(&handle) });
            // SAFETY: 1. made above.
            unsafe { heap.free(handle) };
            <Self as Task<WORDS>>::on_pool::<H>(self)
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
        let lists = [
            on_each::<1, _>(&Check),
            on_each::<4, _>(&Check),
            on_each::<128, _>(&Check),
            on_each_shared::<4, _>(&Check),
            on_each_shared::<8, _>(&Check),
        ];
        for list in lists {
            let mut entries = list.iter().flatten();
            assert!(entries.all(|entry| entry.as_ref().err() == Some(&"checked")));
        }
    }

    #[test]
    fn tasks_of_threads_are_for_whom_threads_share() {
        for (entry, contender) in on_each_shared::<4, _>(&Check).iter().zip(ALL) {
            let shares = contender.kind.is_shared() || contender.kind == Kind::Allocator;
            assert_eq!(entry.is_some(), shares, "{}", contender.name);
        }
    }

    #[test]
    fn ours_and_the_baseline_are_where_they_are_said_to_be() {
        assert_eq!(ALL[OURS].kind, Kind::Ours);
        assert_eq!(ALL[OURS_SHARED].kind, Kind::OursShared);
        assert_eq!(ALL[BASELINE].name, "box");
    }
}
