// A value may borrow the pool that it lies in, and use it when it is dropped.
use typed_pool::{Pool, PoolBox};

struct Parent<'p> {
    pool: &'p Pool<Parent<'p>>,
    child: Option<PoolBox<'p, Parent<'p>>>,
}

impl Drop for Parent<'_> {
    fn drop(&mut self) {
        if let Some(child) = self.child.take() {
            let len = self.pool.len();
            drop(child);
            assert_eq!(self.pool.len(), len - 1);
        }
    }
}

fn main() {
    let pool = Pool::new();
    let child = pool.alloc(Parent { pool: &pool, child: None });
    let parent = pool.alloc(Parent { pool: &pool, child: Some(child) });
    drop(parent);
    assert!(pool.is_empty());

    // The end of the scope drops a handle and then its pool in the same way.
    let _late = pool.alloc(Parent { pool: &pool, child: None });
}
