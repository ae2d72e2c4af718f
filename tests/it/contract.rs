//! The contract of the crate, a module a clause: re-entrancy, panics, pinning, threads, lifetimes,
//! sizes and addresses. What the compiler must refuse is in `ui-tests`, the auto traits in
//! `auto_traits`, sizes in `pool`.

use super::{Pool, PoolBox, surplus, trim, trim_under_handles};
use crate::support::{Tally, panic_message};

/// 1. User code may use the same pool in any way while the pool runs it.
mod reentrancy {
    use std::cell::RefCell;

    use super::*;
    use crate::support::Counted;

    /// A value whose destructor and clone use the pool it is in.
    struct Busy<'p> {
        pool: &'p Pool<Busy<'p>>,
        counted: Counted<'p>,
        depth: u32,
        child: RefCell<Option<PoolBox<'p, Busy<'p>>>>,
    }

    impl<'p> Busy<'p> {
        fn new(pool: &'p Pool<Busy<'p>>, counted: Counted<'p>, depth: u32) -> Self {
            Self { pool, counted, depth, child: RefCell::new(None) }
        }

        /// A value beside this one.
        fn another(&self, depth: u32) -> PoolBox<'p, Self> {
            self.pool.alloc(Busy::new(self.pool, self.counted.clone(), depth))
        }

        /// Fills, empties, reserves and trims.
        fn work(&self) {
            if self.depth == 0 {
                return;
            }
            let mut held: Vec<_> = (0..3).map(|_| self.another(self.depth - 1)).collect();
            self.pool.reserve(self.depth as usize * 40);
            held.swap_remove(0);
            *held[0].child.borrow_mut() = Some(self.another(0));
            trim_under_handles(self.pool);
            self.pool.check_invariants();
        }
    }

    impl Drop for Busy<'_> {
        fn drop(&mut self) {
            self.work();
        }
    }

    impl Clone for Busy<'_> {
        fn clone(&self) -> Self {
            self.work();
            Busy::new(self.pool, self.counted.clone(), self.depth)
        }
    }

    #[test]
    fn destructors_clones_and_constructors_use_their_own_pool() {
        let depth = if cfg!(miri) { 2 } else { 5 };
        let tally = Tally::default();
        let pool = Pool::new();
        let first = pool.alloc_with(|| {
            let value = Busy::new(&pool, tally.value(0), depth);
            value.work();
            value
        });
        let second = first.clone();
        drop(first);
        drop(PoolBox::into_inner(second));
        assert!(pool.is_empty());
        assert_eq!(tally.live(), 0);
        pool.check_invariants();
    }

    #[test]
    fn a_constructor_may_fill_the_last_slots() {
        let pool = Pool::bounded(3);
        let outer = pool.alloc_with(|| {
            let inner = pool.alloc(0);
            assert_eq!(pool.len(), 2, "the slot of the outer value is taken already");
            *inner + pool.alloc_with(|| pool.len()).checked_sub(2).unwrap()
        });
        assert_eq!((*outer, pool.len()), (1, 1));
    }

    #[test]
    fn dropping_a_handle_inside_a_destructor_of_a_full_pool_makes_room() {
        let tally = Tally::default();
        let pool = Pool::bounded(2);
        let parent = pool.alloc(Busy::new(&pool, tally.value(0), 0));
        *parent.child.borrow_mut() = Some(parent.another(0));
        let rest = surplus(&pool);
        assert!(pool.is_full());
        drop(parent);
        assert_eq!((pool.len(), tally.live()), (rest.len(), 0));
        drop(rest);
        assert!(pool.is_empty());
    }
}

/// 2. A panic of user code loses nothing and drops nothing twice.
mod panics {
    use super::*;

    #[test]
    fn a_destructor_that_panics_returns_its_slot() {
        let tally = Tally::default();
        let pool = Pool::bounded(1);
        for id in 0..3 {
            let bomb = pool.alloc(tally.bomb(id));
            assert!(panic_message(|| drop(bomb)).contains("panics"));
            assert_eq!((pool.len(), tally.live()), (0, 0));
            pool.check_invariants();
        }
    }

    #[test]
    fn a_value_moved_out_panics_outside_the_pool() {
        let tally = Tally::default();
        let pool = Pool::bounded(1);
        let value = PoolBox::into_inner(pool.alloc(tally.bomb(1)));
        assert!(pool.is_empty());
        panic_message(|| drop(value));
        assert_eq!(tally.live(), 0);
    }

    #[test]
    fn a_constructor_that_panics_leaves_the_slot_vacant() {
        let pool = Pool::<u64>::bounded(1);
        for _ in 0..3 {
            panic_message(|| pool.alloc_with(|| panic!("no value")));
            panic_message(|| pool.try_alloc_with(|| panic!("no value")).is_ok());
            assert!(pool.is_empty());
            pool.check_invariants();
        }
        assert_eq!(*pool.alloc(7), 7);
    }

    #[test]
    fn a_clone_that_panics_leaves_the_slot_vacant() {
        struct Unclonable;
        impl Clone for Unclonable {
            fn clone(&self) -> Self {
                panic!("no clone")
            }
        }
        let pool = Pool::bounded(2);
        let mut one = pool.alloc(Unclonable);
        panic_message(|| one.clone());
        assert_eq!(pool.len(), 1);
        let two = pool.alloc(Unclonable);
        panic_message(|| one.clone_from(&two));
        assert_eq!(pool.len(), 2);
        drop((one, two));
        assert!(pool.is_empty());
        pool.check_invariants();
    }

    #[test]
    fn the_rest_of_a_collection_goes_when_one_destructor_panics() {
        let tally = Tally::default();
        let pool = Pool::new();
        let handles: Vec<_> = (0..100)
            .map(|id| pool.alloc(if id == 50 { tally.bomb(id) } else { tally.value(id) }))
            .collect();
        panic_message(|| drop(handles));
        assert_eq!((pool.len(), tally.live()), (0, 0));
    }

    #[test]
    fn a_refused_value_whose_destructor_panics_is_dropped_once() {
        let tally = Tally::default();
        let pool = Pool::bounded(0);
        let error = pool.try_alloc(tally.bomb(1)).unwrap_err();
        panic_message(|| drop(error));
        assert_eq!(tally.live(), 0);
    }
}

/// 3. A pinned value keeps its memory until it is dropped, also when its handle is forgotten.
mod pinning {
    use core::marker::PhantomPinned;
    use core::mem;
    use core::pin::Pin;

    use super::*;

    /// A value that others may point into while it is pinned.
    struct Pinned(u64, PhantomPinned);

    /// Pin with a borrowed pool: the pool can go before the value, if the handle is forgotten.
    #[test]
    fn the_memory_of_a_forgotten_pinned_value_outlives_its_pool() {
        let count = if cfg!(miri) { 500 } else { 20_000 };
        for bounded in [false, true] {
            let mut pool = if bounded { Pool::bounded(count) } else { Pool::new() };
            let others: Vec<_> =
                (0..count as u64 - 1).map(|i| pool.alloc(Pinned(i, PhantomPinned))).collect();
            let handle = PoolBox::into_pin(pool.alloc(Pinned(77, PhantomPinned)));
            let raw: *const Pinned = &*handle;
            mem::forget(handle);
            drop(others);
            trim(&mut pool);
            drop(pool);
            // Whatever is allocated now must not come to lie over the value.
            let noise: Vec<Vec<u8>> = (0..64).map(|_| vec![0xAA; 200_000]).collect();
            // SAFETY: the value was pinned and never dropped, so its memory is still its own: that
            // is what this test is about.
            assert_eq!(unsafe { (*raw).0 }, 77);
            drop(noise);
        }
    }

    #[test]
    fn a_pinned_value_is_dropped_in_place() {
        struct Place(*const Place, PhantomPinned);
        impl Drop for Place {
            fn drop(&mut self) {
                assert_eq!(self.0, self as *const Self, "dropped elsewhere");
            }
        }
        let pool = Pool::new();
        let mut handle = pool.alloc(Place(core::ptr::null(), PhantomPinned));
        handle.0 = PoolBox::as_ptr(&handle);
        let pinned: Pin<PoolBox<'_, Place>> = handle.into();
        let elsewhere = Box::new(pinned);
        drop(elsewhere);
        assert!(pool.is_empty());
    }

    #[test]
    fn leaked_values_do_not_keep_the_memory() {
        // A leak checker would report the memory of these pools if they were kept.
        let mut growing = Pool::new();
        let mut bounded = Pool::bounded(10);
        for pool in [&mut growing, &mut bounded] {
            let leaked = PoolBox::leak(pool.alloc([7_u64; 100]));
            leaked[99] += 1;
            assert_eq!((leaked[99], pool.len()), (8, 1));
            assert_eq!(trim(pool), 0, "the slot stays occupied");
            pool.check_invariants();
        }
    }
}

/// 4. Pools and the values in them may be sent to other threads.
mod threads {
    use super::*;

    #[test]
    fn a_pool_works_on_the_thread_it_is_sent_to() {
        let pool = Pool::<Vec<u64>>::with_capacity(10);
        let held: Vec<_> = (0..5).map(|i| pool.alloc(vec![i])).collect();
        drop(held);
        let pool = std::thread::spawn(move || {
            let held: Vec<_> = (0..50).map(|i| pool.alloc(vec![i])).collect();
            assert!(held.iter().zip(0..).all(|(vec, i)| vec[0] == i));
            drop(held);
            pool
        });
        let pool = pool.join().unwrap();
        assert!(pool.is_empty());
        pool.check_invariants();
    }
}

/// 5. Lifetimes that the compiler must accept.
mod lifetimes {
    use super::*;

    #[test]
    fn handles_are_covariant() {
        fn shorter<'a>(handle: PoolBox<'a, &'static str>, text: &'a str) -> PoolBox<'a, &'a str> {
            let mut handle: PoolBox<'a, &'a str> = handle;
            *handle = text;
            handle
        }
        let text = String::from("local");
        let pool = Pool::<&'static str>::new();
        assert_eq!(*shorter(pool.alloc("static"), &text), "local");
    }

    #[test]
    fn a_value_may_borrow_what_outlives_the_pool() {
        let text = String::from("text");
        let pool = Pool::new();
        let handle = pool.alloc(text.as_str());
        assert_eq!(handle.len(), 4);
    }
}

/// 7. Values stay where they are.
mod addresses {
    use super::*;

    #[test]
    fn values_stay_in_place_while_the_pool_grows_and_trims() {
        let pool = Pool::new();
        let first = pool.alloc(7_u64);
        let place = PoolBox::as_ptr(&first);
        let count = if cfg!(miri) { 1500 } else { 100_000 };
        let others: Vec<_> = (0..count).map(|i| pool.alloc(i)).collect();
        drop(others);
        trim_under_handles(&pool);
        let moved = Box::new(first);
        assert_eq!((PoolBox::as_ptr(&moved), **moved), (place, 7));
    }

    #[test]
    fn a_pool_with_forgotten_and_leaked_values_may_be_moved() {
        let pool = Pool::new();
        core::mem::forget(pool.alloc([1_u64; 4]));
        PoolBox::leak(pool.alloc([2_u64; 4]));
        let raw = PoolBox::into_raw(pool.alloc([3_u64; 4]));
        let moved = Box::new(pool);
        // SAFETY: the address came from `into_raw`, the pool lives, if elsewhere, and there is no
        // other handle.
        let handle = unsafe { PoolBox::<[u64; 4]>::from_raw(raw) };
        assert_eq!((*handle, moved.len()), ([3; 4], 3));
        let clone = handle.clone();
        assert_eq!(moved.len(), 4);
        drop((handle, clone));
        assert_eq!(moved.len(), 2);
        moved.check_invariants();
    }
}
