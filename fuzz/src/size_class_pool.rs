//! The pools of size classes, of one thread and of many: values of any size and alignment, text,
//! rows of values, and blocks by way of `Allocator`.

/// The pool of one thread.
#[path = "."]
mod local {
    pub(super) mod classes;

    type SizeClassPool = typed_pool::SizeClassPool;
    type Memory = typed_pool::MemoryPool;

    /// Gives back what is vacant, where that can be done while handles live.
    fn trim(pool: &SizeClassPool) -> Option<usize> {
        Some(pool.trim())
    }

    /// Gives back what is vacant.
    fn trim_alone(pool: &mut SizeClassPool) -> usize {
        pool.trim()
    }
}

/// The pool of many threads, here used by one.
#[path = "."]
mod shared {
    #[expect(clippy::duplicate_mod, reason = "both kinds of pools do the same")]
    pub(super) mod classes;

    type SizeClassPool = typed_pool::SyncSizeClassPool;
    type Memory = typed_pool::SyncMemoryPool;

    /// Gives back what is vacant, where that can be done while handles live.
    fn trim(pool: &SizeClassPool) -> Option<usize> {
        // Pages go, if anything does, and chunks stay.
        pool.trim();
        None
    }

    /// Gives back what is vacant.
    fn trim_alone(pool: &mut SizeClassPool) -> usize {
        pool.shrink_to_fit()
    }
}

/// Plays the history that `data` stands for.
pub fn run(data: &[u8]) {
    match data.split_first() {
        Some((first, data)) if first % 4 == 0 => shared::classes::run(data),
        Some((_, data)) => local::classes::run(data),
        None => {}
    }
}
