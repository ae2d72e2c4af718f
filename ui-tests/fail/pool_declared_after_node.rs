// Nodes that own handles of their pool are declared behind it: what is declared last ends first.
use typed_pool::{Pool, PoolBox};

struct Node<'p> {
    next: Option<PoolBox<'p, Node<'p>>>,
}

fn main() {
    let mut head = Node { next: None };
    let pool = Pool::new();
    head.next = Some(pool.alloc(Node { next: None }));
}
