// A handle of a pool of size classes does not outlive it.
use typed_pool::SizeClassPool;

fn main() {
    let text = {
        let pool = SizeClassPool::new();
        pool.alloc_str("text")
    };
    assert_eq!(&*text, "text");
}
