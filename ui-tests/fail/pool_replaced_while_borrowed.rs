// Another pool does not take the place of one that a handle borrows.
use typed_pool::Pool;

fn main() {
    let mut pool = Pool::new();
    let handle = pool.alloc(7);
    pool = Pool::new();
    assert_eq!(*handle, 7);
    assert!(pool.is_empty());
}
