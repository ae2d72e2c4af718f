// A pool that lies in no `Rc` gives no handles that keep it.
use typed_pool::Pool;

fn main() {
    let pool = Pool::new();
    let handle = pool.alloc_owned(7);
    println!("{handle}");
}
