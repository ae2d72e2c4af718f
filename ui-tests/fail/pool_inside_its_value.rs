// A pool is not moved into a value that it holds.
use typed_pool::Pool;

struct Holder {
    pool: Option<Pool<Holder>>,
}

fn main() {
    let pool = Pool::new();
    let mut holder = pool.alloc(Holder { pool: None });
    holder.pool = Some(pool);
}
