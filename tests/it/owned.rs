//! Handles that keep their pool:
//!
//! - Each holds one strong count; the pool goes with the last handle or the last `Rc`, in any
//!   order, also inside a destructor, also when that panics.
//! - A pool that leaves its `Rc`, which it can when no such handle is left, is found where it is
//!   next.
//! - They are `PoolBox`es: cloned, taken apart, moved out of, pinned and leaked.

use std::cell::RefCell;
use std::mem;
use std::pin::Pin;

use typed_pool::PoolBox;

use super::{OwnedPoolBox, Pool, PoolBox as Borrowed, Shared, Weak, surplus};
use crate::support::{Counted, Tally, panic_file, panic_message};

/// A tally for values without a lifetime.
fn tally() -> &'static Tally {
    Box::leak(Box::default())
}

#[test]
fn a_handle_keeps_its_pool() {
    let tally = Tally::default();
    let pool = Shared::new(Pool::new());
    let weak = Shared::downgrade(&pool);
    let handle: OwnedPoolBox<_> = pool.alloc_owned(tally.value(1));
    let other = pool.alloc_owned_with(|| tally.value(2));
    drop((pool, other));
    assert_eq!((handle.id, tally.live(), weak.strong_count()), (1, 1, 1));
    assert_eq!(weak.upgrade().unwrap().len(), 1);
    drop(handle);
    assert_eq!(tally.live(), 0);
    assert!(weak.upgrade().is_none());
}

#[test]
fn each_handle_is_a_strong_count() {
    let mut pool = Shared::new(Pool::<u64>::bounded(10));
    let handles: Vec<_> = (0..4).map(|i| pool.alloc_owned(i)).collect();
    assert_eq!(Shared::strong_count(&pool), 5);
    let clone = handles[3].clone();
    assert_eq!((*clone, Shared::strong_count(&pool)), (3, 6));
    assert!(Shared::get_mut(&mut pool).is_none());
    pool = Shared::try_unwrap(pool).unwrap_err();
    drop(handles);
    assert_eq!(Shared::strong_count(&pool), 2);
    pool = Shared::try_unwrap(pool).unwrap_err();
    assert_eq!(PoolBox::into_inner(clone), 3);
    assert!(Shared::get_mut(&mut pool).is_some());
    let pool = Shared::try_unwrap(pool).unwrap();
    assert!(pool.is_empty());
    pool.check_invariants();
}

#[test]
fn pools_and_handles_go_in_any_order() {
    enum Held<'t> {
        Pool(#[expect(dead_code, reason = "it is only held")] Shared<Pool<Counted<'t>>>),
        Handle(OwnedPoolBox<Counted<'t>>),
    }
    let mut rng = fastrand::Rng::with_seed(3);
    for _ in 0..if cfg!(miri) { 3 } else { 100 } {
        let tally = Tally::default();
        let pool = Shared::new(Pool::new());
        let weak = Shared::downgrade(&pool);
        let mut held: Vec<_> =
            (0..20).map(|id| Held::Handle(pool.alloc_owned(tally.value(id)))).collect();
        held.extend((0..5).map(|_| Held::Pool(Shared::clone(&pool))));
        drop(pool);
        rng.shuffle(&mut held);
        while let Some(one) = held.pop() {
            assert_eq!(weak.strong_count(), held.len() + 1);
            if let Held::Handle(handle) = &one {
                assert!(handle.id < 20);
            }
            drop(one);
        }
        assert_eq!((tally.live(), weak.strong_count()), (0, 0));
    }
}

#[test]
fn what_has_no_slot_has_no_count() {
    let pool = Shared::new(Pool::bounded(1));
    let first = pool.try_alloc_owned(1).unwrap();
    let rest = surplus(&pool);
    let refused = pool.try_alloc_owned(2).unwrap_err();
    assert!(refused.is_full());
    assert_eq!(refused.into_inner(), 2);
    assert_eq!(pool.try_alloc_owned_with(|| 3).unwrap_err().into_inner()(), 3);
    let words = "the pool is full: all of its slots are occupied, 1 in number";
    assert_eq!(panic_message(|| pool.alloc_owned(2)), words);
    assert_eq!(panic_message(|| pool.alloc_owned_with(|| unreachable!("not built"))), words);
    assert_eq!(panic_message(|| first.clone()), words);
    assert!(PoolBox::try_clone(&first).unwrap_err().is_full());
    let this_file = Some(file!().to_string());
    assert_eq!(panic_file(|| drop(pool.alloc_owned(2))), this_file);
    assert_eq!(panic_file(|| drop(pool.alloc_owned_with(|| 2))), this_file);
    assert_eq!(panic_file(|| drop(first.clone())), this_file);
    assert_eq!(Shared::strong_count(&pool), 2);
    drop((first, rest));
    assert_eq!(*pool.try_alloc_owned_with(|| 4).unwrap(), 4);
}

#[test]
fn what_panics_gives_slot_and_count_back() {
    struct Unclonable;
    impl Clone for Unclonable {
        fn clone(&self) -> Self {
            panic!("no clone")
        }
    }
    let pool = Shared::new(Pool::bounded(2));
    panic_message(|| pool.alloc_owned_with(|| panic!("no value")));
    panic_message(|| pool.try_alloc_owned_with(|| panic!("no value")).is_ok());
    let one = pool.alloc_owned(Unclonable);
    panic_message(|| one.clone());
    panic_message(|| PoolBox::try_clone(&one).is_ok());
    assert_eq!((pool.len(), Shared::strong_count(&pool)), (1, 2));
    pool.check_invariants();

    // The last handle of a pool whose destructor panics takes the pool along.
    let tally = Tally::default();
    let bombs = Shared::new(Pool::new());
    let weak = Shared::downgrade(&bombs);
    let bomb = bombs.alloc_owned(tally.bomb(1));
    drop(bombs);
    assert!(panic_message(|| drop(bomb)).contains("panics"));
    assert_eq!((tally.live(), weak.strong_count()), (0, 0));
}

/// A value that keeps others of its pool, and the pool, until it is dropped.
struct Keeper {
    #[expect(dead_code, reason = "it ends with its tally")]
    counted: Counted<'static>,
    handles: RefCell<Vec<OwnedPoolBox<Keeper>>>,
    pool: RefCell<Option<Shared<Pool<Keeper>>>>,
    panics: bool,
}

impl Keeper {
    fn new(tally: &'static Tally, panics: bool) -> Self {
        let counted = tally.value(0);
        Self { counted, handles: RefCell::default(), pool: RefCell::default(), panics }
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        // The pool is used in its own end, as far as its values know.
        if let Some(pool) = self.pool.take() {
            drop(pool.alloc_owned(Keeper::new(tally(), false)));
            pool.check_invariants();
            drop(pool);
        }
        self.handles.take().clear();
        assert!(!self.panics, "the keeper panics");
    }
}

#[test]
fn the_last_handle_goes_inside_a_destructor() {
    for panics in [false, true] {
        let tally = tally();
        let pool = Shared::new(Pool::new());
        let weak: Weak<Pool<Keeper>> = Shared::downgrade(&pool);
        let root = pool.alloc_owned(Keeper::new(tally, panics));
        for _ in 0..3 {
            let child = pool.alloc_owned(Keeper::new(tally, false));
            child.handles.borrow_mut().push(pool.alloc_owned(Keeper::new(tally, false)));
            root.handles.borrow_mut().push(child);
        }
        // The value has the last `Rc` of the pool that it is in, its handle the last count.
        *root.pool.borrow_mut() = Some(pool);
        assert_eq!((tally.live(), weak.strong_count()), (7, 8));
        if panics {
            assert_eq!(panic_message(|| drop(root)), "the keeper panics");
        } else {
            drop(root);
        }
        assert_eq!((tally.live(), weak.strong_count()), (0, 0));
    }
}

#[test]
fn the_last_handles_go_inside_a_destructor_in_another_pool() {
    let tally = Tally::default();
    let inner = Shared::new(Pool::new());
    let weak = Shared::downgrade(&inner);
    let outer = Shared::new(Pool::new());
    let held =
        outer.alloc_owned([inner.alloc_owned(tally.value(1)), inner.alloc_owned(tally.bomb(2))]);
    drop((inner, outer));
    assert_eq!(weak.strong_count(), 2);
    panic_message(|| drop(held));
    assert_eq!((tally.live(), weak.strong_count()), (0, 0));
}

/// A pool that is moved may come to lie where it was before, in another allocation: what was noted
/// of the former must not be used.
#[test]
fn a_pool_that_moved_is_found_where_it_is() {
    let tally = Tally::default();
    let mut pool = Pool::new();
    for round in 0..20 {
        let shared = Shared::new(pool);
        let weak = Shared::downgrade(&shared);
        let handles = [shared.alloc_owned(tally.value(round)), shared.alloc_owned(tally.value(0))];
        assert_eq!(weak.strong_count(), 3);
        drop(handles);
        pool = Shared::try_unwrap(shared).unwrap();
        assert_eq!((pool.len(), weak.strong_count()), (0, 0));
    }
    let shared = Shared::new(pool);
    let handle = shared.alloc_owned(tally.value(7));
    drop(shared);
    drop(handle);
    assert_eq!(tally.live(), 0);
}

#[test]
fn pools_that_are_exchanged_are_found_where_they_are() {
    let tally = Tally::default();
    let mut first = Shared::new(Pool::bounded(3));
    let mut second = Shared::new(Pool::new());
    drop((first.alloc_owned(tally.value(1)), second.alloc_owned(tally.value(2))));
    let (one, two) = (Shared::get_mut(&mut first).unwrap(), Shared::get_mut(&mut second).unwrap());
    mem::swap(one, two);
    let held = first.alloc_owned(tally.value(3));
    assert_eq!((Shared::strong_count(&first), Shared::strong_count(&second)), (2, 1));
    assert!(Shared::get_mut(&mut first).is_none());
    drop(second);
    drop(first);
    assert_eq!(held.id, 3);
    drop(held);
    assert_eq!(tally.live(), 0);
}

#[test]
fn handles_that_borrow_and_handles_that_keep_are_of_one_pool() {
    let pool = Shared::new(Pool::bounded(3));
    let mut kept = pool.alloc_owned(String::from("kept"));
    let borrowed: Borrowed<'_, _> = pool.alloc(String::from("borrowed"));
    *kept = String::from("new");
    let again = PoolBox::into_inner(pool.alloc_owned((*borrowed).clone()));
    assert_eq!((kept.as_str(), borrowed.as_str(), again.as_str()), ("new", "borrowed", "borrowed"));
    assert_eq!((pool.len(), Shared::strong_count(&pool)), (2, 2));
    drop(borrowed);
    drop(pool);
    assert_eq!(*kept, "new");
}

#[test]
fn a_value_may_refer_to_its_pool_weakly() {
    struct Node {
        pool: Weak<Pool<Node>>,
        next: Option<OwnedPoolBox<Node>>,
    }
    let pool = Shared::new_cyclic(|weak: &Weak<Pool<Node>>| {
        assert!(weak.upgrade().is_none());
        Pool::new()
    });
    let mut node = pool.alloc_owned(Node { pool: Shared::downgrade(&pool), next: None });
    drop(pool);
    let next = Node { pool: node.pool.clone(), next: None };
    node.next = node.pool.upgrade().map(|pool| pool.alloc_owned(next));
    let weak = node.pool.clone();
    assert_eq!(weak.strong_count(), 2);
    assert!(node.next.as_ref().is_some_and(|next| next.next.is_none() && next.pool.ptr_eq(&weak)));
    drop(node);
    assert_eq!(weak.strong_count(), 0);
}

#[test]
fn handles_are_taken_apart_and_put_together_with_their_count() {
    let tally = Tally::default();
    let pool = Shared::new(Pool::new());
    let raw = PoolBox::into_raw(pool.alloc_owned(tally.value(1)));
    assert_eq!((Shared::strong_count(&pool), tally.live()), (2, 1));
    drop(pool);
    // SAFETY: 1. and 2. the address just came from `into_raw`. 3. The count that is put together
    // with the handle keeps the pool, on this thread. 4. The value is still there.
    let handle: OwnedPoolBox<Counted<'_>> = unsafe { PoolBox::from_raw(raw) };
    let pool = PoolBox::pool(&handle);
    assert_eq!((handle.id, Shared::strong_count(&pool)), (1, 2));
    let pinned: Pin<OwnedPoolBox<_>> = PoolBox::into_pin(handle);
    drop(pool);
    assert_eq!((pinned.id, tally.live()), (1, 1));
    drop(pinned);
    assert_eq!(tally.live(), 0);
}

#[test]
#[cfg_attr(miri, ignore = "it leaks")]
fn a_handle_that_is_leaked_or_forgotten_keeps_its_pool_for_ever() {
    let pool = Shared::new(Pool::new());
    let weak = Shared::downgrade(&pool);
    let leaked: &'static mut [u64; 4] = PoolBox::leak(pool.alloc_owned([1; 4]));
    mem::forget(pool.alloc_owned([2; 4]));
    drop(pool);
    leaked[3] += 6;
    let pool = weak.upgrade().unwrap();
    assert_eq!((leaked[3], pool.len(), Shared::strong_count(&pool)), (7, 2, 3));
    pool.check_invariants();
}

#[test]
fn values_may_borrow() {
    let text = String::from("text");
    let handle: OwnedPoolBox<&str> = {
        let pool = Shared::new(Pool::<&'static str>::new());
        drop(pool.alloc_owned("static"));
        let shorter: Shared<Pool<&str>> = pool;
        shorter.alloc_owned(text.as_str())
    };
    assert_eq!(*handle, "text");
    let again = handle.clone();
    assert_eq!(PoolBox::pool(&again).len(), 2);
}

#[test]
fn units_are_kept_too() {
    use crate::support::Unit;

    let pool = Shared::new(Pool::bounded(3));
    let held = [pool.alloc_owned(Unit::new()), pool.alloc_owned(Unit::new())];
    drop(pool);
    assert_eq!(Unit::live(), 2);
    drop(held);
    assert_eq!(Unit::live(), 0);
}

/// A user's program: a world that owns its pools and its entities, and can be returned, stored and
/// taken apart in any order.
mod world {
    use typed_pool::coercion;

    use super::*;

    trait Component {
        fn step(&mut self) -> bool;
    }

    #[derive(Clone)]
    struct Countdown(u32);

    impl Component for Countdown {
        fn step(&mut self) -> bool {
            self.0 = self.0.saturating_sub(1);
            self.0 > 0
        }
    }

    struct Echo {
        sounds: Vec<String>,
    }

    impl Component for Echo {
        fn step(&mut self) -> bool {
            self.sounds.pop().is_some()
        }
    }

    struct World {
        countdowns: Shared<Pool<Countdown>>,
        echoes: Shared<Pool<Echo>>,
        template: OwnedPoolBox<Countdown>,
        components: Vec<OwnedPoolBox<dyn Component>>,
    }

    impl World {
        fn new() -> Self {
            let countdowns = Shared::new(Pool::new());
            let template = countdowns.alloc_owned(Countdown(3));
            Self { countdowns, echoes: Shared::new(Pool::bounded(2)), template, components: vec![] }
        }

        fn count_down(&mut self) {
            let countdown = self.template.clone();
            self.components.push(PoolBox::unsize(countdown, coercion!(dyn Component)));
        }

        /// Whether there was room for it.
        fn echo(&mut self, times: usize) -> bool {
            let echo = Echo { sounds: vec![String::from("hello"); times] };
            let stored = self.echoes.try_alloc_owned(echo);
            stored.is_ok_and(|echo| {
                self.components.push(PoolBox::unsize(echo, coercion!(dyn Component)));
                true
            })
        }

        fn step(&mut self) {
            self.components.retain_mut(|component| component.step());
        }
    }

    #[test]
    fn a_world_owns_its_pools_and_their_values() {
        let mut worlds: Vec<World> = (0..3).map(|_| World::new()).collect();
        for world in &mut worlds {
            (0..10).for_each(|_| world.count_down());
            assert!(world.echo(1) && world.echo(5) && !world.echo(9));
            world.step();
            world.step();
            assert_eq!((world.countdowns.len(), world.echoes.len()), (11, 1));
            world.step();
            assert_eq!((world.countdowns.len(), world.components.len()), (1, 1));
        }
        let World { countdowns, echoes, template, components } = worlds.remove(1);
        let weak = (Shared::downgrade(&countdowns), Shared::downgrade(&echoes));
        drop((countdowns, echoes));
        assert_eq!((weak.0.strong_count(), weak.1.strong_count()), (1, 1));
        drop(worlds);
        drop(components);
        assert_eq!((weak.0.strong_count(), weak.1.strong_count()), (1, 0));
        assert_eq!(PoolBox::into_inner(template).0, 3);
        assert_eq!(weak.0.strong_count(), 0);
    }
}
