// A struct owns its pool and its handles, and can be moved and returned.
use std::rc::Rc;

use typed_pool::{OwnedPoolBox, Pool};

struct World {
    alive: Vec<OwnedPoolBox<u32>>,
    pool: Rc<Pool<u32>>,
}

impl World {
    fn new() -> Self {
        let pool = Rc::new(Pool::new());
        Self { alive: (0..3).map(|number| pool.alloc_owned(number)).collect(), pool }
    }
}

fn main() {
    let World { alive, pool } = World::new();
    assert_eq!((alive.len(), pool.len()), (3, 3));
    drop(pool);
    assert_eq!(*alive[2], 2);
}
