// A value does not borrow from what its handle outlives: the end of the handle is a use of it.
use typed_pool::Pool;

fn main() {
    let pool = Pool::new();
    let _handle;
    let text = String::from("short");
    _handle = pool.alloc(text.as_str());
}
