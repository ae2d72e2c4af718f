// Nodes of one pool may own each other, where the pool is declared before them.
use typed_pool::{Pool, PoolBox};

struct Node<'p> {
    value: u32,
    next: Option<PoolBox<'p, Node<'p>>>,
}

fn main() {
    let pool = Pool::new();
    let mut head = pool.alloc(Node { value: 1, next: None });
    let tail = pool.alloc(Node { value: 2, next: None });
    head.next = Some(tail);
    let sum = head.value + head.next.as_ref().map_or(0, |tail| tail.value);
    assert_eq!((sum, pool.len()), (3, 2));
}
