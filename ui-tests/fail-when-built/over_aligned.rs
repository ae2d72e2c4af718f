// A pool of values that are aligned to more than 4096 bytes is not built.
use typed_pool::Pool;

#[repr(align(8192))]
struct OverAligned;

fn main() {
    let pool = Pool::<OverAligned>::new();
    assert!(pool.is_empty());
}
