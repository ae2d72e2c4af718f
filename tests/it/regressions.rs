//! How crates of this kind have been unsound, each way by name, and the test that shows that it is
//! none of this crate; what is said of a test begins with the same words.
//!
//! - Auto traits on handles and pools (missing `T: Send`/`T: Sync` bounds):
//!   `auto_traits`
//! - State changed after user code panicked:
//!   `regressions::state_is_complete_before_user_code_runs`
//! - User code under a lock or `&mut`:
//!   `regressions::no_borrow_is_live_while_user_code_runs`
//! - A box built before its initialiser ran:
//!   `regressions::no_handle_exists_before_its_value`
//! - Pin with a borrowed pool:
//!   `contract::the_memory_of_a_forgotten_pinned_value_outlives_its_pool`
//! - ABA in untagged lists:
//!   `regressions::a_slot_is_never_handed_out_twice`
//! - Reclamation by delay:
//!   `pool::trim_gives_back_what_is_vacant_and_nothing_else`
//!   `sync_handles::shrink_to_fit_gives_back_what_no_thread_uses`
//! - ZST, over-alignment, capacity 0, `size * count` overflow:
//!   `regressions::extreme_sizes_and_counts_are_handled`
//! - Lifetimes missing on derived types (iterators, uninit boxes, drains):
//!   `regressions::derived_handles_keep_the_slot`
//! - Provenance narrowed by `&mut T`:
//!   `regressions::exclusive_references_do_not_narrow_the_handle`
//! - Pointer–integer round trips:
//!   `source::no_pointer_is_made_of_an_integer`
//! - One shared static for "empty" that gets written:
//!   `regressions::empty_pools_share_nothing`
//! - Safe traits trusted by unsafe code:
//!   `regressions::traits_that_lie_are_harmless`
//! - Initialising twice:
//!   `regressions::writing_a_slot_drops_no_former_value`
//! - Orderings too weak:
//!   `sync_stress::mstress_of_small_values`
//! - Unchecked upstream failure:
//!   `upstream::an_allocation_that_upstream_refuses_gives_the_value_back`
//!   `upstream::whichever_request_is_refused_a_pool_for_many_threads_stays_whole`
//!
//! What the compiler refuses of them is in `ui-tests`: lifetimes, handles that are sent, a pool
//! that is trimmed under its handles. ABA and weak orderings are also what `src/sync/models.rs` is
//! about, and what the tests of threads are run for under ThreadSanitizer and Miri.

use core::alloc::Layout;
use core::ptr::NonNull;
use std::cell::Cell;
use std::collections::BTreeSet;
use std::rc::Rc;

use typed_pool::PoolError;

use super::{MemoryPool, Pool, PoolBox, block_count, surplus, trim_under_handles};
use crate::support::{Tally, Unit, panic_message};

/// State changed after user code panicked: counts and slots are right after each panic.
#[test]
fn state_is_complete_before_user_code_runs() {
    let pool = Pool::<Rc<Cell<usize>>>::bounded(4);
    for _ in 0..10 {
        panic_message(|| {
            let _kept = pool.alloc(Rc::default());
            pool.alloc_with(|| {
                pool.check_invariants();
                assert_eq!(pool.len(), 2);
                panic!("in the middle")
            })
        });
        assert_eq!(pool.len(), 0);
        pool.check_invariants();
    }
}

/// User code under a lock or `&mut`: a destructor finds its pool unlocked, at every depth.
#[test]
fn no_borrow_is_live_while_user_code_runs() {
    struct Probe<'p>(&'p Pool<Probe<'p>>, u32);
    impl Drop for Probe<'_> {
        fn drop(&mut self) {
            self.0.check_invariants();
            if self.1 > 0 {
                drop(self.0.alloc(Probe(self.0, self.1 - 1)));
                self.0.reserve(1000);
                trim_under_handles(self.0);
            }
        }
    }
    let pool = Pool::new();
    drop(pool.alloc(Probe(&pool, 20)));
    assert!(pool.is_empty());
}

/// A box built before its initialiser ran: no destructor runs for a value that never was.
#[test]
fn no_handle_exists_before_its_value() {
    struct Dropper(Rc<Cell<u32>>);
    impl Drop for Dropper {
        fn drop(&mut self) {
            self.0.set(self.0.get() + 1);
        }
    }
    let drops = Rc::new(Cell::new(0));
    let pool = Pool::<Dropper>::new();
    panic_message(|| pool.alloc_with(|| panic!("no value")));
    panic_message(|| pool.try_alloc_with(|| panic!("no value")).is_ok());
    drop(pool.alloc_uninit());
    assert_eq!((drops.get(), pool.len()), (0, 0));
    drop(pool.alloc(Dropper(drops.clone())));
    assert_eq!(drops.get(), 1);
}

/// ABA in untagged lists, here its shape for one thread: a slot that is freed, taken and freed
/// again while another is in flight is never handed out twice.
#[test]
fn a_slot_is_never_handed_out_twice() {
    let pool = Pool::bounded(2);
    let first = pool.alloc(1);
    let place = PoolBox::as_ptr(&first);
    drop(first);
    let again = pool.alloc(2);
    assert_eq!(PoolBox::as_ptr(&again), place);
    let other = pool.alloc(3);
    assert_ne!(PoolBox::as_ptr(&other), place);
    drop(again);
    let third = pool.alloc(4);
    assert_ne!(PoolBox::as_ptr(&other), PoolBox::as_ptr(&third));
    let _rest = surplus(&pool);
    assert!(pool.try_alloc(5).is_err());
    assert_eq!((*other, *third), (3, 4));
    pool.check_invariants();
}

/// ZST, over-alignment, capacity 0, `size * count` overflow.
#[test]
fn extreme_sizes_and_counts_are_handled() {
    #[repr(align(4096))]
    struct WideUnit(Unit);
    let pool = Pool::bounded(5);
    let held: Vec<_> = (0..5).map(|_| pool.alloc(WideUnit(Unit::new()))).collect();
    assert!(held.iter().all(|unit| PoolBox::as_ptr(unit).is_aligned()));
    drop(surplus(&pool));
    let places: BTreeSet<_> = held.iter().map(PoolBox::as_ptr).collect();
    assert_eq!(places.len(), 5, "values of size 0 have slots of their own");
    assert_eq!(Unit::live(), 5);
    drop(held);
    assert_eq!((pool.len(), Unit::live()), (0, 0));
    assert!(Pool::<()>::bounded(0).try_alloc(()).is_err());
    for count in [usize::MAX, usize::MAX / 8, isize::MAX as usize, 1 << (usize::BITS - 4)] {
        assert!(matches!(Pool::<u64>::try_bounded(count), Err(PoolError::TooLarge { .. })));
        assert!(Pool::<u64>::try_with_capacity(count).is_err());
        assert!(MemoryPool::new(8, count).is_err());
        assert!(MemoryPool::new(count, 8).is_err());
    }
    let largest = Layout::from_size_align(isize::MAX as usize, 1).unwrap();
    assert!(matches!(MemoryPool::with_layout(largest, 1), Err(PoolError::TooLarge { .. })));
}

/// Lifetimes missing on derived types (iterators, uninit boxes, drains): an uninitialised handle
/// keeps its slot, as does what is made from it. Iterators and drains there are none.
#[test]
fn derived_handles_keep_the_slot() {
    let pool = Pool::<String>::bounded(1);
    let slot = pool.alloc_uninit();
    let rest = surplus(&pool);
    assert!(pool.is_full());
    let handle = PoolBox::write(slot, String::from("x"));
    let pinned = PoolBox::into_pin(handle);
    assert!(pool.is_full());
    drop((pinned, rest));
    assert!(pool.is_empty());
}

/// Provenance narrowed by `&mut T`: a handle works after exclusive references to its value and
/// raw round trips, in any order. (An interpreter that checks aliasing tells more than a run.)
#[test]
fn exclusive_references_do_not_narrow_the_handle() {
    let pool = Pool::new();
    let mut handle = pool.alloc([1_u64, 2]);
    let reference: &mut [u64; 2] = &mut handle;
    reference[0] = 10;
    let raw = PoolBox::into_raw(handle);
    // SAFETY: the address came from `into_raw`, the pool lives, and there is no other handle.
    let mut handle: PoolBox<'_, [u64; 2]> = unsafe { PoolBox::from_raw(raw) };
    handle[1] = 20;
    let copy = handle.clone();
    assert_eq!((*handle, *copy), ([10, 20], [10, 20]));
    drop(handle);
    drop(copy);
    assert!(pool.is_empty());
}

/// One shared static for "empty" that gets written: empty pools and magazines share nothing.
#[test]
fn empty_pools_share_nothing() {
    let pools: Vec<Pool<u64>> = (0..10).map(|_| Pool::new()).collect();
    let handles: Vec<_> = pools.iter().zip(0..).map(|(pool, i)| pool.alloc(i)).collect();
    assert!(pools.iter().all(|pool| pool.len() == 1));
    assert!(handles.iter().zip(0..).all(|(handle, i)| **handle == i));
    let none = [Pool::<u8>::bounded(0), Pool::bounded(0)];
    assert!(none.iter().all(|pool| pool.try_alloc(1).is_err()));
}

/// Safe traits trusted by unsafe code: a `Clone` or an iterator that lies changes no count.
#[test]
fn traits_that_lie_are_harmless() {
    struct Liar;
    impl Clone for Liar {
        fn clone(&self) -> Self {
            Liar
        }
        fn clone_from(&mut self, _: &Self) {
            panic!("says no")
        }
    }
    impl Iterator for Liar {
        type Item = u8;
        fn next(&mut self) -> Option<u8> {
            None
        }
        fn size_hint(&self) -> (usize, Option<usize>) {
            (usize::MAX, Some(0))
        }
    }
    let pool = Pool::bounded(2);
    let mut one = pool.alloc(Liar);
    let two = one.clone();
    panic_message(|| one.clone_from(&two));
    assert_eq!((one.size_hint(), one.next()), ((usize::MAX, Some(0)), None));
    drop((one, two));
    assert!(pool.is_empty());
}

/// Initialising twice: writing over an uninitialised slot's value drops nothing of it.
#[test]
fn writing_a_slot_drops_no_former_value() {
    let tally = Tally::default();
    let pool = Pool::bounded(1);
    drop(pool.alloc(tally.value(1)));
    let handle = PoolBox::write(pool.alloc_uninit(), tally.value(2));
    assert_eq!((handle.id, tally.live()), (2, 1));
    drop(handle);
    assert_eq!(tally.live(), 0);
}

/// A free that is none must not corrupt the pool.
#[test]
fn invalid_frees_leave_the_pool_as_it_was() {
    let pool = MemoryPool::new(40, 1000).unwrap();
    let all: Vec<_> = std::iter::from_fn(|| pool.allocate()).collect();
    for block in all.iter().step_by(2) {
        // SAFETY: the block came from this pool and is not used any more.
        unsafe { pool.deallocate(*block) };
    }
    for block in &all {
        for offset in [1, 8, 39] {
            let address = block.addr().get() + offset;
            let inside = NonNull::new(core::ptr::without_provenance_mut(address)).unwrap();
            // SAFETY: no block starts at the address.
            assert!(unsafe { pool.try_deallocate(inside) }.is_err());
        }
    }
    for block in all.iter().step_by(2) {
        // SAFETY: the block is vacant, so nobody uses it.
        assert!(unsafe { pool.try_deallocate(*block) }.is_err());
    }
    pool.check_invariants();
    assert_eq!(pool.len(), block_count(&pool) / 2);
    let rest = std::iter::from_fn(|| pool.allocate()).count();
    assert_eq!(rest, block_count(&pool).div_ceil(2));
}

/// More than the system can give is refused at once, not asked for piece by piece until the
/// memory of the machine is used up.
#[test]
#[cfg(target_pointer_width = "64")]
#[cfg_attr(miri, ignore = "asks the system for more than it has")]
fn impossible_capacities_are_refused_at_once() {
    // More than the address space of a process.
    let count = 1_usize << 45;
    let start = std::time::Instant::now();
    let refused = |result| matches!(result, Err(PoolError::OutOfMemory { .. }));
    assert!(refused(Pool::<u64>::try_with_capacity(count).map(drop)));
    assert!(refused(Pool::<u64>::try_bounded(count).map(drop)));
    let pool = Pool::<u64>::new();
    let one = pool.alloc(1);
    assert!(refused(pool.try_reserve(count)));
    assert!(start.elapsed() < std::time::Duration::from_secs(1));
    assert_eq!((*one, pool.len()), (1, 1));
}

/// A handle made for another type of the same size: `Clone` must find the alignment right, which
/// clause 4 of `from_raw` asks for; here it is the same.
#[test]
fn a_handle_of_another_type_clones_into_a_fitting_slot() {
    let pool = Pool::<[u64; 4]>::new();
    let raw = PoolBox::into_raw(pool.alloc([1, 2, 3, 4]));
    // SAFETY: the address came from `into_raw`, the pool lives on this thread, there is no other
    // handle, and the slot holds an `[i64; 4]`, of the size and alignment of the pool's type.
    let handle: PoolBox<'_, [i64; 4]> = unsafe { PoolBox::from_raw(raw.cast()) };
    let copy = handle.clone();
    assert!(PoolBox::as_ptr(&copy).is_aligned() && *copy == [1, 2, 3, 4]);
}
