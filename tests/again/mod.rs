//! A test that runs itself again, as a program of its own, which may come to a bad end.

use std::env;
use std::process::{Command, Output};

/// Says to a program which of the tests it is.
const VARIABLE: &str = "TYPED_POOL_TEST_AGAIN";

/// Runs the test of a name, which calls this, as a program of its own; in that program it is
/// `body`.
pub(crate) fn run(name: &str, body: impl FnOnce()) -> Option<Output> {
    if env::var(VARIABLE).is_ok_and(|wanted| wanted == name) {
        body();
        return None;
    }
    let program = env::current_exe().unwrap();
    let arguments = ["--exact", name, "--nocapture", "--test-threads=1"];
    Some(Command::new(program).args(arguments).env(VARIABLE, name).output().unwrap())
}
