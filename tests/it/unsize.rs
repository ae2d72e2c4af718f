//! Handles of trait objects and of slices of arrays:
//!
//! - They are used as what they have become, and drop the whole value and return its slot, also
//!   where its destructor panics or uses the pool.
//! - `dyn Any` is cast down, `dyn Fn` called, `dyn CallOnce` called by value, `dyn Future` polled
//!   where it is, `dyn Error` passed on.
//! - An expression tree has nodes of several types, each in its pool.

use std::any::Any;
use std::cell::RefCell;
use std::error::Error;
use std::fmt::{Debug, Display};
use std::rc::Rc;

use typed_pool::{CallOnce, PoolBox, coercion};

use super::{OwnedPoolBox, Pool, PoolBox as Handle, Shared, SizeClassPool};
use crate::support::{Tally, panic_message};

#[test]
fn a_trait_object_is_the_whole_value() {
    let tally = Tally::default();
    let pool = Pool::bounded(2);
    let shown: Handle<'_, dyn Debug + '_> =
        PoolBox::unsize(pool.alloc(tally.value(7)), coercion!(dyn Debug));
    assert!(format!("{shown:?}").contains("id: 7"));
    assert_eq!((pool.len(), tally.live()), (1, 1));
    drop(shown);
    assert_eq!((pool.len(), tally.live()), (0, 0));

    let bomb: Handle<'_, dyn Debug + '_> =
        PoolBox::unsize(pool.alloc(tally.bomb(8)), coercion!(dyn Debug));
    assert!(panic_message(|| drop(bomb)).contains("panics"));
    assert_eq!((pool.len(), tally.live()), (0, 0));
    pool.check_invariants();
}

#[test]
fn a_trait_object_keeps_its_pool_as_its_value_did() {
    let tally = Tally::default();
    let pool = Shared::new(Pool::new());
    let weak = Shared::downgrade(&pool);
    let shown: OwnedPoolBox<dyn Debug + '_> =
        PoolBox::unsize(pool.alloc_owned(tally.value(7)), coercion!(dyn Debug));
    let bomb: OwnedPoolBox<dyn Debug + '_> =
        PoolBox::unsize(pool.alloc_owned(tally.bomb(8)), coercion!(dyn Debug));
    drop(pool);
    assert_eq!(weak.strong_count(), 2);
    drop(shown);
    panic_message(|| drop(bomb));
    assert_eq!((weak.strong_count(), tally.live()), (0, 0));
}

#[test]
fn a_trait_object_of_any_size_and_alignment_finds_its_pool() {
    #[repr(align(4096))]
    struct Page(u8);
    struct Unit;
    trait Sum {
        fn sum(&self) -> u64;
    }
    impl Sum for Page {
        fn sum(&self) -> u64 {
            self.0.into()
        }
    }
    impl Sum for Unit {
        fn sum(&self) -> u64 {
            0
        }
    }
    impl<const N: usize> Sum for [u8; N] {
        fn sum(&self) -> u64 {
            self.iter().map(|byte| u64::from(*byte)).sum()
        }
    }
    fn check<T: Sum>(value: T, sum: u64, pool: &Pool<T>, classes: &SizeClassPool, again: T) {
        let one: Handle<'_, dyn Sum + '_> = PoolBox::unsize(pool.alloc(value), coercion!(dyn Sum));
        let two: Handle<'_, dyn Sum + '_> =
            PoolBox::unsize(classes.alloc(again), coercion!(dyn Sum));
        assert_eq!((one.sum(), two.sum(), pool.len(), classes.len()), (sum, sum, 1, 1));
        drop((one, two));
        assert_eq!((pool.len(), classes.len()), (0, 0));
        pool.check_invariants();
        classes.check_invariants();
    }
    let classes = SizeClassPool::new();
    check(Page(7), 7, &Pool::new(), &classes, Page(7));
    check(Unit, 0, &Pool::bounded(1), &classes, Unit);
    check([1], 1, &Pool::new(), &classes, [1]);
    check([1; 100], 100, &Pool::bounded(8), &classes, [1; 100]);
    check([1; 70_000], 70_000, &Pool::new(), &classes, [1; 70_000]);
}

#[test]
fn a_destructor_behind_a_trait_uses_its_pool() {
    struct Busy<'p> {
        pool: &'p Pool<Busy<'p>>,
        child: RefCell<Option<Handle<'p, dyn Work + 'p>>>,
    }
    trait Work {
        fn work(&self);
    }
    impl Work for Busy<'_> {
        fn work(&self) {
            let child = Busy { pool: self.pool, child: RefCell::new(None) };
            *self.child.borrow_mut() =
                Some(PoolBox::unsize(self.pool.alloc(child), coercion!(dyn Work)));
        }
    }
    impl Drop for Busy<'_> {
        fn drop(&mut self) {
            if let Some(child) = self.child.take() {
                let other = self.pool.alloc(Busy { pool: self.pool, child: RefCell::new(None) });
                drop((child, other));
            }
            self.pool.check_invariants();
        }
    }
    let pool = Pool::new();
    let busy = Busy { pool: &pool, child: RefCell::new(None) };
    let busy: Handle<'_, dyn Work + '_> = PoolBox::unsize(pool.alloc(busy), coercion!(dyn Work));
    busy.work();
    busy.work();
    assert_eq!(pool.len(), 2);
    drop(busy);
    assert!(pool.is_empty());
}

#[test]
fn any_is_cast_down_to_what_it_is() {
    let pool = Shared::new(Pool::new());
    let any = PoolBox::unsize(pool.alloc(7_u32), coercion!(dyn Any));
    let any = PoolBox::downcast::<i32>(any).unwrap_err();
    let mut number: Handle<'_, u32> = PoolBox::downcast(any).unwrap();
    *number += 1;
    let clone = number.clone();
    assert_eq!((*number, *clone, pool.len()), (8, 8, 2));

    let sent = PoolBox::unsize(number, coercion!(dyn Any + Send));
    assert_eq!(*PoolBox::downcast::<u32>(sent).unwrap(), 8);
    let kept = PoolBox::unsize(pool.alloc_owned(9), coercion!(dyn Any + Send + Sync));
    let kept = PoolBox::downcast::<u64>(kept).unwrap_err();
    assert!(kept.is::<u32>());
    let kept: OwnedPoolBox<u32> = PoolBox::downcast(kept).unwrap();
    drop(clone);
    drop(pool);
    assert_eq!(*kept.clone(), 9);
}

#[test]
fn closures_are_called() {
    let pool = Pool::new();
    let add = pool.alloc(|left: i32, right: i32| left + right);
    let shared: Handle<'_, dyn Fn(i32, i32) -> i32> =
        PoolBox::unsize(add, coercion!(dyn Fn(i32, i32) -> i32));
    assert_eq!(shared(1, shared(2, 3)), 6);

    let mut count = 0;
    let counters = Pool::new();
    let mut counter: Handle<'_, dyn FnMut(i32) + '_> =
        PoolBox::unsize(counters.alloc(|by| count += by), coercion!(dyn FnMut(i32)));
    counter(1);
    counter(2);
    drop(counter);
    assert_eq!(count, 3);
}

#[test]
fn a_closure_is_called_once_and_its_slot_goes_back() {
    let tally = Tally::default();
    let value = tally.value(7);
    let pool = Pool::new();
    let give: Handle<'_, dyn CallOnce<(), Output = _> + '_> =
        PoolBox::unsize(pool.alloc(move || value), coercion!(dyn CallOnce<(), Output = _>));
    let value = PoolBox::call_once(give, ());
    assert_eq!((value.id, pool.len(), tally.live()), (7, 0, 1));

    // What is not called is dropped; what panics is dropped once, and its slot goes back.
    let bombs = Pool::new();
    let call = |value| {
        bombs.alloc(move |panics: bool, _: u8, _: u16, _: u32| {
            let _value = &value;
            assert!(!panics, "the closure panics");
        })
    };
    type Call<'a> = dyn CallOnce<(bool, u8, u16, u32), Output = ()> + 'a;
    let two: [Handle<'_, Call<'_>>; 2] =
        [value, tally.value(8)].map(|value| PoolBox::unsize(call(value), coercion!(Call<'_>)));
    let [first, second] = two;
    assert_eq!((bombs.len(), tally.live()), (2, 2));
    drop(first);
    assert_eq!((bombs.len(), tally.live()), (1, 1));
    let message = panic_message(|| PoolBox::call_once(second, (true, 1, 2, 3)));
    assert_eq!((message.as_str(), bombs.len(), tally.live()), ("the closure panics", 0, 0));

    // The pool is used while one of its closures runs, and the closure is still in its slot.
    let pool = SizeClassPool::new();
    let run = pool.alloc(|| {
        assert_eq!(pool.len(), 1);
        pool.check_invariants();
        *pool.alloc(7)
    });
    assert_eq!((PoolBox::call_once(run, ()), pool.len()), (7, 0));
}

#[test]
fn what_lies_about_being_called_is_dropped_nowhere() {
    struct Liar(Rc<()>);
    impl CallOnce<u8> for Liar {
        type Output = u8;
        unsafe fn move_and_call(&mut self, argument: u8) -> u8 {
            argument
        }
    }
    let witness = Rc::new(());
    let pool = Pool::new();
    let liar = pool.alloc(Liar(Rc::clone(&witness)));
    assert!(Rc::ptr_eq(&liar.0, &witness));
    assert_eq!(PoolBox::call_once(liar, 7), 7);
    assert_eq!((Rc::strong_count(&witness), pool.len()), (2, 0));
}

#[test]
fn an_error_is_passed_on() {
    fn parse(text: &str) -> Result<i32, Box<dyn Error>> {
        let pool = Shared::new(Pool::new());
        let kept: Result<i32, OwnedPoolBox<dyn Error>> = text
            .parse::<i32>()
            .map_err(|error| PoolBox::unsize(pool.alloc_owned(error), coercion!(dyn Error)));
        Ok(kept?)
    }
    assert_eq!(parse("7").unwrap(), 7);
    assert!(parse("x").unwrap_err().to_string().contains("invalid digit"));

    let pool = Pool::new();
    let pooled = |error| pool.alloc(error);
    let parse = |text: &str| -> Result<u8, Handle<'_, dyn Error + Send + Sync>> {
        Ok(text.parse().map_err(pooled)?)
    };
    assert_eq!(parse("7").unwrap(), 7);
    assert!(parse("256").unwrap_err().to_string().contains("too large"));
    assert!(pool.is_empty());
}

#[test]
fn an_array_becomes_a_slice() {
    let tally = Tally::default();
    let pool = Pool::new();
    let array = pool.alloc([0, 1, 2].map(|id| tally.value(id)));
    let slice: Handle<'_, [_]> = PoolBox::unsize(array, coercion!([_]));
    assert_eq!((slice.len(), slice[2].id, pool.len()), (3, 2, 1));
    let mut clone = slice.clone();
    clone[0].id = 7;
    clone.clone_from(&slice);
    assert_eq!((clone[0].id, pool.len(), tally.live()), (0, 2, 6));
    drop((slice, clone));
    assert_eq!((pool.len(), tally.live()), (0, 0));
}

/// Auto traits go, a trait object stays one.
#[test]
fn a_trait_object_becomes_one_with_fewer_traits() {
    let pool = Pool::new();
    let more: Handle<'_, dyn Display + Send + Sync> =
        PoolBox::unsize(pool.alloc(7), coercion!(dyn Display + Send + Sync));
    let less: Handle<'_, dyn Display> = PoolBox::unsize(more, coercion!(dyn Display));
    assert_eq!(less.to_string(), "7");
}

/// A user's program: an expression whose nodes are of several types, each in a pool of its own.
mod expressions {
    use super::*;

    trait Expression<'p> {
        fn value(&self) -> f64;
        fn text(&self) -> String;
    }

    type Node<'p> = Handle<'p, dyn Expression<'p> + 'p>;

    struct Number(f64);

    struct Binary<'p> {
        operator: char,
        left: Node<'p>,
        right: Node<'p>,
    }

    struct Negated<'p>(Node<'p>);

    impl<'p> Expression<'p> for Number {
        fn value(&self) -> f64 {
            self.0
        }

        fn text(&self) -> String {
            self.0.to_string()
        }
    }

    impl<'p> Expression<'p> for Binary<'p> {
        fn value(&self) -> f64 {
            let (left, right) = (self.left.value(), self.right.value());
            match self.operator {
                '+' => left + right,
                '*' => left * right,
                other => unreachable!("there is no operator {other}"),
            }
        }

        fn text(&self) -> String {
            format!("({} {} {})", self.left.text(), self.operator, self.right.text())
        }
    }

    impl<'p> Expression<'p> for Negated<'p> {
        fn value(&self) -> f64 {
            -self.0.value()
        }

        fn text(&self) -> String {
            format!("-{}", self.0.text())
        }
    }

    /// Makes nodes.
    struct Nodes<'p> {
        numbers: &'p Pool<Number>,
        binaries: &'p Pool<Binary<'p>>,
        negated: &'p Pool<Negated<'p>>,
    }

    impl<'p> Nodes<'p> {
        fn number(&self, value: f64) -> Node<'p> {
            PoolBox::unsize(self.numbers.alloc(Number(value)), coercion!(dyn Expression<'p>))
        }

        fn binary(&self, left: Node<'p>, operator: char, right: Node<'p>) -> Node<'p> {
            let node = self.binaries.alloc(Binary { operator, left, right });
            PoolBox::unsize(node, coercion!(dyn Expression<'p>))
        }

        fn negated(&self, inner: Node<'p>) -> Node<'p> {
            PoolBox::unsize(self.negated.alloc(Negated(inner)), coercion!(dyn Expression<'p>))
        }
    }

    #[test]
    fn an_expression_is_evaluated_and_printed() {
        let (numbers, binaries, negated) = (Pool::new(), Pool::new(), Pool::new());
        let nodes = Nodes { numbers: &numbers, binaries: &binaries, negated: &negated };
        let sum = nodes.binary(nodes.number(1.0), '+', nodes.number(2.0));
        let product = nodes.binary(sum, '*', nodes.negated(nodes.number(4.0)));
        assert_eq!((product.value(), product.text().as_str()), (-12.0, "((1 + 2) * -4)"));
        assert_eq!((numbers.len(), binaries.len(), negated.len()), (3, 2, 1));
        drop(product);
        assert_eq!((numbers.len(), binaries.len(), negated.len()), (0, 0, 0));
    }
}
