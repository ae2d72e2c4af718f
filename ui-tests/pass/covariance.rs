// Handles and pools are covariant: `'p` may be shortened, and so may what values borrow from.
use typed_pool::{Pool, PoolBox};

fn shorten_handle<'p, 's>(handle: PoolBox<'p, u32>) -> PoolBox<'s, u32>
where
    'p: 's,
{
    handle
}

fn shorten_value_of_handle<'p, 's>(handle: PoolBox<'p, &'static str>) -> PoolBox<'p, &'s str> {
    handle
}

fn shorten_value_of_pool<'s>(pool: Pool<&'static str>) -> Pool<&'s str> {
    pool
}

fn shorten_behind_reference<'a, 'p, 's>(
    handle: &'a PoolBox<'p, &'static str>,
) -> &'a PoolBox<'a, &'s str> {
    handle
}

fn main() {
    let pool = Pool::new();
    assert_eq!(*shorten_handle(pool.alloc(7)), 7);

    let text = String::from("short");
    let pool = Pool::<&'static str>::new();
    let handle = pool.alloc("static");
    assert_eq!(**shorten_behind_reference(&handle), "static");
    let mut handle = shorten_value_of_handle(handle);
    *handle = &text;
    assert_eq!(*handle, "short");
    drop(handle);

    let pool = shorten_value_of_pool(pool);
    assert_eq!(*pool.alloc(&text), "short");
}
