//! What the tests of threads have in common.

use std::env;
use std::process::Command;

use typed_pool::{PoolBox, SyncMemoryPool, SyncPool};

/// A handle that may be sent to other threads.
pub(crate) type Handle<'p, T> = PoolBox<'p, T, SyncMemoryPool>;

/// A number that is cut where an interpreter runs the tests.
pub(crate) fn size(usual: usize, interpreted: usize) -> usize {
    if cfg!(miri) { interpreted } else { usual }
}

/// A number of rounds, which `TYPED_POOL_STRESS` multiplies.
pub(crate) fn rounds(usual: usize, interpreted: usize) -> usize {
    let factor = env::var("TYPED_POOL_STRESS")
        .map_or(1, |factor| factor.parse().expect("TYPED_POOL_STRESS is a number"));
    factor * size(usual, interpreted)
}

/// Runs `test`, the path of the test that calls this, in a process of its own, where the threads of
/// no other test come and go; returns whether this is that process.
pub(crate) fn is_alone(test: &str) -> bool {
    const ALONE: &str = "TYPED_POOL_TEST_ALONE";
    if cfg!(miri) || env::var_os(ALONE).is_some() {
        return true;
    }
    let program = env::current_exe().expect("the program has a name");
    let output = Command::new(program).args(["--exact", test]).env(ALONE, "1").output();
    let output = output.expect("the program can be run");
    let words = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && words.contains("1 passed"), "{words}");
    false
}

/// A value that knows what each of its words is, and looks at them all when it ends.
pub(crate) struct Words<const N: usize>([u64; N]);

impl<const N: usize> Words<N> {
    /// A value that begins with `id`.
    pub(crate) fn new(id: u64) -> Self {
        Self(std::array::from_fn(|index| Self::word(id, index)))
    }

    /// Word `index` of the value that begins with `id`.
    fn word(id: u64, index: usize) -> u64 {
        if index == 0 { id } else { id.rotate_left(index as u32) ^ index as u64 }
    }

    /// What it begins with.
    pub(crate) fn id(&self) -> u64 {
        self.0[0]
    }

    /// Looks at every word.
    pub(crate) fn check(&self) {
        let id = self.0[0];
        for (index, word) in self.0.iter().enumerate() {
            assert_eq!(*word, Self::word(id, index), "word {index} of {id:#x} was overwritten");
        }
    }
}

impl<const N: usize> Drop for Words<N> {
    fn drop(&mut self) {
        self.check();
        // A value that is dropped twice fails the check, which no word of 0 passes but the first.
        std::hint::black_box(&mut self.0).fill(0);
    }
}

/// Checks a pool that no thread uses any more.
pub(crate) fn check_quiet<T>(pool: &SyncPool<T>) {
    assert!(pool.is_empty(), "{} slots were lost", pool.len());
    pool.check_invariants();
}
