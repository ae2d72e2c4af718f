// A handle of a `Pool` does not lie in a static.
use typed_pool::PoolBox;

static HANDLES: [PoolBox<'static, u32>; 0] = [];

fn main() {
    assert!(HANDLES.is_empty());
}
