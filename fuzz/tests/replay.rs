//! Replays what the fuzzer has found worth keeping, and runs each target on bytes that nobody
//! chose.

use std::fs;
use std::path::Path;
use std::thread;

use typed_pool_fuzz::{TARGETS, panics};

/// Plays one input, on a stack that large values find room on. The name of the thread stands in
/// the message of a panic.
fn play(name: String, run: fn(&[u8]), bytes: Vec<u8>) {
    let thread = thread::Builder::new().name(name.clone()).stack_size(64 << 20);
    let played = thread.spawn(move || run(&bytes)).expect("a thread can be started").join();
    assert!(played.is_ok(), "{name} fails");
}

#[test]
fn every_input_of_the_corpus_is_played_to_its_end() {
    panics::expect_some();
    for (name, run) in TARGETS {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(name);
        let mut paths: Vec<_> = fs::read_dir(&folder)
            .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
            .map(|entry| entry.expect("the folder can be read").path())
            .collect();
        paths.sort();
        assert!(!paths.is_empty(), "no input for {name}");
        for path in paths {
            let bytes = fs::read(&path).expect("an input can be read");
            play(path.display().to_string(), run, bytes);
        }
    }
}

#[test]
fn bytes_of_any_kind_are_a_history() {
    panics::expect_some();
    let mut state = 1_u64;
    let mut random = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    for (name, run) in TARGETS {
        for length in [0, 1, 2, 3, 5, 8, 100, 300] {
            for number in 0..20 {
                let bytes = (0..length).map(|_| random() as u8).collect();
                play(format!("{name}, {length} bytes, {number}"), run, bytes);
            }
        }
    }
}
