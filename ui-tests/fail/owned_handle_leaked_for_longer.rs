// A value that a handle leaked, its pool being kept for ever, still borrows what it borrows.
use std::rc::Rc;

use typed_pool::{Pool, PoolBox};

fn main() {
    let text = String::from("text");
    let pool = Rc::new(Pool::new());
    let _leaked: &'static mut &str = PoolBox::leak(pool.alloc_owned(text.as_str()));
}
