//! Values that count themselves, and ways to make them misbehave.

use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe, Location, catch_unwind};
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

/// Whether vacant pages go back to the system. With the feature `hardened` they hold something.
pub(crate) const GIVES_PAGES_BACK: bool =
    cfg!(all(feature = "madvise", not(feature = "hardened"), target_os = "linux", not(miri)));

/// The alignment of a chunk, which a full one is as large as, in bytes.
pub(crate) const CHUNK_ALIGN: usize =
    if cfg!(target_pointer_width = "64") { 256 << 10 } else { 16 << 10 };

/// The distance between slots for values of a size and an alignment, in bytes: with the feature
/// `hardened` there is a word more behind each value, and those of 16 bytes and more begin at
/// multiples of that.
pub(crate) fn stride_of(size: usize, align: usize) -> usize {
    let hardened = cfg!(feature = "hardened");
    let canary = if hardened { size_of::<usize>() } else { 0 };
    let apart = if hardened && size >= 16 { 16 } else { 1 };
    (size + canary).max(1).next_multiple_of(align.max(apart))
}

/// Counts constructions and destructions; each must meet its counterpart.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    made: AtomicUsize,
    dropped: AtomicUsize,
}

impl Tally {
    pub(crate) const fn new() -> Self {
        Self { made: AtomicUsize::new(0), dropped: AtomicUsize::new(0) }
    }

    /// The number of values alive, when no thread is about to make or to drop one.
    pub(crate) fn live(&self) -> usize {
        self.made() - self.dropped.load(Relaxed)
    }

    /// The number of values ever made.
    pub(crate) fn made(&self) -> usize {
        self.made.load(Relaxed)
    }

    /// Makes a value that counts.
    pub(crate) fn value(&self, id: u64) -> Counted<'_> {
        self.made.fetch_add(1, Relaxed);
        Counted { id, tally: self, panics_on_drop: false }
    }

    /// Makes a value whose destructor counts, then panics.
    pub(crate) fn bomb(&self, id: u64) -> Counted<'_> {
        let mut value = self.value(id);
        value.panics_on_drop = true;
        value
    }
}

/// A value that is counted by a [`Tally`].
#[derive(Debug)]
pub(crate) struct Counted<'t> {
    pub(crate) id: u64,
    tally: &'t Tally,
    panics_on_drop: bool,
}

impl Clone for Counted<'_> {
    fn clone(&self) -> Self {
        self.tally.value(self.id)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.tally.dropped.fetch_add(1, Relaxed);
        assert!(!self.panics_on_drop, "the destructor of {} panics", self.id);
    }
}

thread_local! {
    static UNITS: Cell<usize> = const { Cell::new(0) };
}

/// A value of size 0 that is counted, for each thread by itself.
#[derive(Debug)]
pub(crate) struct Unit(());

impl Unit {
    pub(crate) fn new() -> Self {
        UNITS.set(Self::live() + 1);
        Self(())
    }

    /// The number of units alive, where they end on the thread that made them.
    pub(crate) fn live() -> usize {
        UNITS.get()
    }
}

impl Drop for Unit {
    fn drop(&mut self) {
        UNITS.set(Self::live().checked_sub(1).expect("no unit is dropped twice"));
    }
}

/// Runs `f`, which is expected to panic; returns the message.
pub(crate) fn panic_message<R>(f: impl FnOnce() -> R) -> String {
    let Err(payload) = catch_unwind(AssertUnwindSafe(f)) else { panic!("no panic came") };
    match payload.downcast::<String>() {
        Ok(message) => *message,
        Err(payload) => payload.downcast_ref::<&str>().map_or_else(String::new, |s| s.to_string()),
    }
}

/// Runs `f`, which is expected to panic; returns the file that the panic is reported in.
pub(crate) fn panic_file(f: impl FnOnce()) -> Option<String> {
    /// The hook is one for all threads: they exchange it in turn.
    static HOOK: Mutex<()> = Mutex::new(());
    let _turn = HOOK.lock().unwrap_or_else(PoisonError::into_inner);
    let seen = Arc::new(Mutex::new(None));
    let report = Arc::clone(&seen);
    let own_thread = thread::current().id();
    let former = Arc::new(panic::take_hook());
    let others = Arc::clone(&former);
    // Tests on other threads may panic meanwhile, as they are meant to.
    panic::set_hook(Box::new(move |info| {
        if thread::current().id() == own_thread {
            *report.lock().unwrap() = info.location().map(Location::file).map(str::to_string);
        } else {
            others(info);
        }
    }));
    let result = catch_unwind(AssertUnwindSafe(f));
    drop(panic::take_hook());
    if let Ok(former) = Arc::try_unwrap(former) {
        panic::set_hook(former);
    }
    assert!(result.is_err());
    seen.lock().unwrap().take()
}
