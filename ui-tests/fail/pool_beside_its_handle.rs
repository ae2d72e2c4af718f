// A pool and a handle of it are not fields of one value, for the pool might end first.
use typed_pool::{Pool, PoolBox};

struct World<'p> {
    pool: Pool<u32>,
    handle: Option<PoolBox<'p, u32>>,
}

fn main() {
    let mut world = World { pool: Pool::new(), handle: None };
    world.handle = Some(world.pool.alloc(7));
}
