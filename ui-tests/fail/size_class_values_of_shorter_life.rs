// A value in a pool of size classes does not borrow what ends before it.
use typed_pool::SizeClassPool;

fn main() {
    let pool = SizeClassPool::new();
    let handle = {
        let number = 7;
        pool.alloc(&number)
    };
    assert_eq!(**handle, 7);
}
