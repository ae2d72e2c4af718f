//! The loops that are counted: for pools of one thread and for those of many.

use std::hint::black_box;
use std::mem::MaybeUninit;

/// Keeps a loop from being unrolled or vectorised: each round ends in something unknown.
macro_rules! round {
    ($step:expr) => {{
        $step;
        black_box(());
    }};
}

#[inline(never)]
pub(crate) fn write_places(places: &mut [MaybeUninit<usize>]) {
    for place in places {
        round!(place.write(7));
    }
}

#[inline(never)]
pub(crate) fn read_places(places: &[usize]) {
    for place in places {
        // SAFETY: the place is initialised, and borrowed.
        round!(unsafe { std::ptr::from_ref(place).read_volatile() });
    }
}

/// Makes a module of the loops on one kind of pool. Its functions have no parameters for types,
/// since callgrind finds them by their names.
macro_rules! loops {
    ($name:ident, $Pool:ident, $MemoryPool:ident, $Shared:path, $Owned:ident) => {
        pub(crate) mod $name {
            use std::fmt::Debug;
            use std::hint::black_box;
            use std::mem::MaybeUninit;
            use std::ptr::NonNull;

            use typed_pool::{PoolBox, coercion, $MemoryPool, $Owned, $Pool};
            use $Shared as Shared;

            /// Runs the loop of a name for so many values.
            pub(crate) fn run(case: &str, times: usize) -> Result<(), String> {
                match case {
                    "alloc" | "alloc_fresh" | "free" | "free_all" | "free_dyn" => {
                        typed(case, times)
                    }
                    "alloc_owned" | "free_owned" => owned(case, times),
                    "allocate" | "deallocate" => untyped(case, times),
                    _ => return Err(format!("there is no case {case}")),
                }
                Ok(())
            }

            fn typed(case: &str, times: usize) {
                let pool = $Pool::with_capacity(times);
                let places = || (0..times).map(|_| MaybeUninit::uninit()).collect::<Vec<_>>();
                if case == "alloc_fresh" {
                    // The first enters the chunk.
                    drop(pool.alloc(1));
                    return alloc_fresh(&pool, &mut places());
                }
                let handles: Vec<_> = (0..times).map(|_| pool.alloc(1)).collect();
                match case {
                    "free" => free(handles),
                    "free_all" => free_all(handles),
                    "free_dyn" => {
                        let handles = handles.into_iter();
                        let unsized_ = handles.map(|h| PoolBox::unsize(h, coercion!(dyn Debug)));
                        free_dyn(unsized_.collect());
                    }
                    _ => {
                        drop(handles);
                        alloc(&pool, &mut places());
                    }
                }
            }

            fn owned(case: &str, times: usize) {
                let pool = Shared::new($Pool::with_capacity(times));
                let handles: Vec<_> = (0..times).map(|_| pool.alloc_owned(1)).collect();
                if case == "free_owned" {
                    return free_owned(handles);
                }
                drop(handles);
                let mut places: Vec<_> = (0..times).map(|_| MaybeUninit::uninit()).collect();
                alloc_owned(&pool, &mut places);
            }

            fn untyped(case: &str, times: usize) {
                // So large that the magazine holds them all, also if it has a part of the capacity.
                let pool = $MemoryPool::new(32, times * 16).expect("there is memory for as many");
                let blocks: Vec<_> = (0..times).filter_map(|_| pool.allocate()).collect();
                deallocate(&pool, &blocks);
                if case == "allocate" {
                    allocate(&pool, &mut vec![MaybeUninit::uninit(); times]);
                }
            }

            #[inline(never)]
            fn alloc<'p>(
                pool: &'p $Pool<u64>,
                places: &mut [MaybeUninit<PoolBox<'p, u64, $MemoryPool>>],
            ) {
                for place in places {
                    round!(place.write(pool.alloc(7)));
                }
            }

            #[inline(never)]
            fn alloc_fresh<'p>(
                pool: &'p $Pool<u64>,
                places: &mut [MaybeUninit<PoolBox<'p, u64, $MemoryPool>>],
            ) {
                for place in places {
                    round!(place.write(pool.alloc(9)));
                }
            }

            #[inline(never)]
            fn free(handles: Vec<PoolBox<'_, u64, $MemoryPool>>) {
                for handle in handles {
                    round!(drop(handle));
                }
            }

            #[inline(never)]
            fn free_all(handles: Vec<PoolBox<'_, u64, $MemoryPool>>) {
                drop(handles);
            }

            #[inline(never)]
            fn free_dyn(handles: Vec<PoolBox<'_, dyn Debug, $MemoryPool>>) {
                for handle in handles {
                    round!(drop(handle));
                }
            }

            #[inline(never)]
            fn alloc_owned(pool: &Shared<$Pool<u64>>, places: &mut [MaybeUninit<$Owned<u64>>]) {
                for place in places {
                    round!(place.write(pool.alloc_owned(7)));
                }
            }

            #[inline(never)]
            fn free_owned(handles: Vec<$Owned<u64>>) {
                for handle in handles {
                    round!(drop(handle));
                }
            }

            #[inline(never)]
            fn allocate(pool: &$MemoryPool, places: &mut [MaybeUninit<NonNull<u8>>]) {
                for place in places {
                    let Some(block) = pool.allocate() else { return };
                    round!(place.write(block));
                }
            }

            #[inline(never)]
            fn deallocate(pool: &$MemoryPool, blocks: &[NonNull<u8>]) {
                for block in blocks {
                    // SAFETY: the blocks came from this pool and are given back once.
                    round!(unsafe { pool.deallocate(*block) });
                }
            }
        }
    };
}

loops!(local, Pool, MemoryPool, std::rc::Rc, OwnedPoolBox);
loops!(shared, SyncPool, SyncMemoryPool, std::sync::Arc, SyncOwnedPoolBox);
