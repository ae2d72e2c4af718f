// A local pool hands out no handle that lives for ever.
use typed_pool::{Pool, PoolBox};

fn main() {
    let pool = Pool::new();
    let _handle: PoolBox<'static, u32> = pool.alloc(7);
}
