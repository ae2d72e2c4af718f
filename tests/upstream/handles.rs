//! Handles and their upstream: the last that keeps a pool gives all of its memory back, clones and
//! fillings that upstream refuses lose nothing.

use std::panic::{self, AssertUnwindSafe};

use typed_pool::PoolBox;

use super::{Pool, Shared};
use crate::allocator::{bytes, calls, with_grants};
use crate::support::{Counted, Tally};

/// A value that counts, and whose destructor may panic, without a message that would take memory.
struct Quiet<'t> {
    _counted: Counted<'t>,
    panics: bool,
}

impl Drop for Quiet<'_> {
    fn drop(&mut self) {
        if self.panics {
            panic::resume_unwind(Box::new(()));
        }
    }
}

#[test]
fn the_last_handle_that_keeps_its_pool_gives_everything_back() {
    let tally = Tally::default();
    let value = |panics| Quiet { _counted: tally.value(0), panics };
    for panics in [false, true] {
        let before = bytes();
        for first in [true, false] {
            let pool = Shared::new(Pool::new());
            let last = pool.alloc_owned(value(panics));
            let handles = [(); 3].map(|()| pool.alloc_owned(value(false)));
            let many: Vec<_> = (0..5000).map(|_| pool.alloc_owned(value(false))).collect();
            if first {
                drop((handles, many));
                drop(pool);
            } else {
                drop(pool);
                drop((many, handles));
            }
            assert!(bytes() > before + 1000);
            let ended = panic::catch_unwind(AssertUnwindSafe(|| drop(last)));
            assert_eq!((ended.is_err(), tally.live()), (panics, 0));
        }
        assert_eq!(bytes(), before);
    }
}

#[test]
fn a_clone_and_a_handle_that_upstream_refuses_have_no_count() {
    let tally = Tally::default();
    let pool = Shared::new(Pool::new());
    let mut handles = Vec::with_capacity(20_000);
    handles.push(pool.alloc_owned(tally.value(0)));
    let mut refusals = 0;
    while handles.len() < 20_000 {
        let len = handles.len();
        let before = calls();
        if let Ok(clone) = with_grants(0, || PoolBox::try_clone(&handles[0])) {
            handles.push(clone);
        } else {
            refusals += 1;
            assert!(calls() > before, "upstream was asked");
            let refused = with_grants(0, || pool.try_alloc_owned(tally.value(1))).unwrap_err();
            assert_eq!((refused.is_full(), refused.into_inner().id), (false, 1));
            assert_eq!((Shared::strong_count(&pool), tally.live()), (len + 1, len));
            handles.push(pool.alloc_owned(tally.value(2)));
        }
        assert_eq!(Shared::strong_count(&pool), len + 2);
    }
    assert!(refusals > 2);
    pool.check_invariants();
}

#[test]
fn a_filling_that_upstream_ends_hands_the_rest_back() {
    let tally = Tally::default();
    for granted in 0..40 {
        let pool = Pool::new();
        let values = (0..20_000).map(|id| tally.value(id));
        match with_grants(granted, || pool.try_alloc_iter(values)) {
            Ok(handles) => assert_eq!((handles.len(), tally.live()), (20_000, 20_000)),
            Err(refused) => {
                assert!(!refused.is_full() && refused.error().to_string().contains("upstream"));
                let (stored, missing) = (refused.handles().len(), refused.missing());
                assert_eq!((stored + missing, pool.len()), (20_000, stored));
                let (handles, rest) = refused.into_parts();
                assert!(handles.iter().zip(0..).all(|(handle, id)| handle.id == id));
                let rest = pool.alloc_iter(rest);
                assert!(rest.iter().zip(stored as u64..).all(|(handle, id)| handle.id == id));
                assert_eq!((rest.len(), tally.live()), (missing, 20_000));
            }
        }
        assert_eq!((pool.len(), tally.live()), (0, 0));
        pool.check_invariants();
    }
}
