// A pool may outlive what its values borrowed from, as long as their handles do not.
use typed_pool::Pool;

fn main() {
    let pool = Pool::new();
    for number in 0..3 {
        let text = number.to_string();
        let handle = pool.alloc(text.as_str());
        assert_eq!(handle.len(), 1);
    }
    assert!(pool.is_empty());
}
