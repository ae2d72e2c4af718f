// Nodes that change what they own behind a shared reference may own each other as well.
//
// A `RefCell` makes `Node<'p>` invariant: the pool is one of nodes that borrow this very pool, and
// covariance offers no longer `'p` for it to end with. So this holds only while the end of a pool
// uses no `T`, as it would if `Pool<T>` itself implemented `Drop`.
use std::cell::RefCell;

use typed_pool::{Pool, PoolBox};

struct Node<'p> {
    value: u32,
    next: RefCell<Option<PoolBox<'p, Node<'p>>>>,
}

impl<'p> Node<'p> {
    fn new(value: u32) -> Self {
        Self { value, next: RefCell::new(None) }
    }

    fn sum(&self) -> u32 {
        self.value + self.next.borrow().as_ref().map_or(0, |next| next.sum())
    }
}

fn main() {
    let pool = Pool::new();
    let head = pool.alloc(Node::new(1));
    let tail = pool.alloc(Node::new(2));
    *head.next.borrow_mut() = Some(tail);
    assert_eq!((head.sum(), pool.len()), (3, 2));
}
