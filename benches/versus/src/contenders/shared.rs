//! Contenders that threads share, and how each is made to do something.

use super::array_queue::BoxQueue;
use super::boxed::Boxed;
use super::heapless::{HeaplessPool, Pooled};
use super::lockfree_object_pool::LockfreePool;
use super::malloc::{Jemalloc, Malloc, MiMalloc, SnMalloc};
use super::opool::OPool;
use super::plurality::PluralityMutex;
use super::sharded_slab::ShardedSlab;
use super::sync_pool::SyncPool;
use super::{BASELINE, COUNT, Entry, OURS_SHARED};
use crate::heap::{Shared, Value};
use crate::workloads::Workload;
use crate::workloads::operation::Unable;

/// Something for threads to do with values of `WORDS` words.
pub(crate) trait SharedTask<const WORDS: usize> {
    /// Its body on a heap that they share.
    fn on<H: Shared<WORDS>>(&self) -> Result<Workload, Unable>;
}

/// The entry of every contender for a task of threads, in the order of [`super::ALL`]. Allocators,
/// the baseline first, and what threads share are each in a row there.
pub(crate) fn on_each_shared<const WORDS: usize, T: SharedTask<WORDS>>(task: &T) -> [Entry; COUNT]
where
    Value<WORDS>: Pooled,
{
    let allocators = [
        task.on::<Boxed>(),
        task.on::<Malloc<MiMalloc>>(),
        task.on::<Malloc<Jemalloc>>(),
        task.on::<Malloc<SnMalloc>>(),
    ];
    let shared = [
        task.on::<SyncPool<WORDS>>(),
        task.on::<PluralityMutex<WORDS>>(),
        task.on::<HeaplessPool<WORDS>>(),
        task.on::<ShardedSlab<WORDS>>(),
        task.on::<BoxQueue<WORDS>>(),
        task.on::<LockfreePool<WORDS>>(),
        task.on::<OPool<WORDS>>(),
    ];
    let mut entries = [const { None }; COUNT];
    entries[BASELINE..].iter_mut().zip(allocators).for_each(|(entry, body)| *entry = Some(body));
    entries[OURS_SHARED..].iter_mut().zip(shared).for_each(|(entry, body)| *entry = Some(body));
    entries
}
