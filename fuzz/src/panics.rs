//! Panics that are meant, among those that are findings.

use std::any::Any;
use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Once;

/// What is thrown on purpose.
pub struct Deliberate;

thread_local! {
    static EXPECTING: Cell<bool> = const { Cell::new(false) };
}

/// Has threads keep silent on panics that they expect. The fuzzer takes every panic for a finding
/// by its hook, which is called for the others only.
pub fn expect_some() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let former = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !EXPECTING.get() || !is_meant(info.payload()) {
                former(info);
            }
        }));
    });
}

/// Whether a pool or a test says this on purpose: that it is full, has no room, or is deliberate.
fn is_meant(payload: &(dyn Any + Send)) -> bool {
    let words = payload.downcast_ref::<String>().map(String::as_str);
    payload.is::<Deliberate>()
        || words.is_some_and(|words| {
            words.starts_with("the pool is full") || words.starts_with("no room for")
        })
}

/// Panics on purpose, past the hook.
pub fn throw() -> ! {
    resume_unwind(Box::new(Deliberate))
}

/// Runs what may panic on purpose: `None` where it did. Every other panic goes on.
pub fn catch<R>(run: impl FnOnce() -> R) -> Option<R> {
    let outer = EXPECTING.replace(true);
    let result = catch_unwind(AssertUnwindSafe(run));
    EXPECTING.set(outer);
    match result {
        Ok(result) => Some(result),
        Err(payload) if is_meant(&*payload) => None,
        Err(payload) => resume_unwind(payload),
    }
}
