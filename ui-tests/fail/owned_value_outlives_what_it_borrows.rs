// A handle that keeps its pool does not keep what its value borrows.
use std::rc::Rc;

use typed_pool::Pool;

fn main() {
    let pool = Rc::new(Pool::new());
    let handle = {
        let text = String::from("text");
        pool.alloc_owned(text.as_str())
    };
    println!("{handle}");
}
