// What a handle tells of its pool cannot outlive that.
use typed_pool::{Pool, PoolBox};

fn main() {
    let beside = {
        let pool = Pool::new();
        let handle = pool.alloc(7);
        PoolBox::pool(&handle)
    };
    println!("{}", beside.alloc(8));
}
