// Values are not moved by compaction while one of them is borrowed.
use typed_pool::Pool;

fn main() {
    let pool = Pool::new();
    let mut handles = vec![pool.alloc(7), pool.alloc(8)];
    let borrowed = &*handles[1];
    pool.compact(&mut handles);
    assert_eq!(*borrowed, 8);
}
