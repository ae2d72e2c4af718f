// A handle gives out one exclusive reference at a time.
use typed_pool::Pool;

fn main() {
    let pool = Pool::new();
    let mut handle = pool.alloc(7);
    let first: &mut u32 = &mut handle;
    let second: &mut u32 = &mut handle;
    *first += *second;
}
