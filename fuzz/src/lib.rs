//! What is fuzzed, one module a target: each has a function `run` that takes any bytes for a
//! history of operations, plays it against a model and panics where they differ.
//!
//! None of it needs the fuzzer. `cargo +nightly fuzz run TARGET` (in the folder above) fuzzes;
//! `cargo test` replays what is kept in `corpus/`, and `cargo run --bin TARGET -- FILE...` the
//! files that it is given.

pub mod bytes;
pub mod memory_pool;
pub mod panics;
pub mod pool;
pub mod size_class_pool;
pub mod sync_pool;
pub mod trace;

#[doc(hidden)]
#[cfg(fuzzing)]
pub use libfuzzer_sys;

/// A target's name, and what it runs.
pub type Target = (&'static str, fn(&[u8]));

/// All targets.
pub const TARGETS: [Target; 5] = [
    ("memory_pool", memory_pool::run),
    ("pool", pool::run),
    ("size_class_pool", size_class_pool::run),
    ("sync_pool", sync_pool::run),
    ("trace", trace::run),
];

/// The program of a target: fuzzes it, or replays files where it is built without the fuzzer.
#[macro_export]
macro_rules! target {
    ($name:ident) => {
        #[cfg(fuzzing)]
        $crate::libfuzzer_sys::fuzz_target!(
            init: $crate::panics::expect_some(),
            |data: &[u8]| $crate::$name::run(data)
        );

        #[cfg(not(fuzzing))]
        fn main() -> std::process::ExitCode {
            $crate::replay_files($crate::$name::run)
        }
    };
}

/// Runs a target on the files that are named on the command line.
pub fn replay_files(run: fn(&[u8])) -> std::process::ExitCode {
    panics::expect_some();
    for path in std::env::args_os().skip(1) {
        match std::fs::read(&path) {
            Ok(bytes) => run(&bytes),
            Err(error) => {
                eprintln!("cannot read {}: {error}", path.display());
                return 2.into();
            }
        }
    }
    std::process::ExitCode::SUCCESS
}
