// A handle on a short-lived reference does not take the place of one on a long-lived reference.
use typed_pool::PoolBox;

fn assign<'p, 's>(long: &mut PoolBox<'p, &'static str>, short: PoolBox<'p, &'s str>) {
    *long = short;
}

fn main() {
    let _ = assign;
}
