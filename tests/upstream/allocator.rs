//! A global allocator that counts for each thread, and refuses on demand.

use core::alloc::{GlobalAlloc, Layout};
use core::cell::Cell;
use std::alloc::System;

/// What the allocator knows of one thread; tests run on threads of their own.
#[derive(Clone, Copy)]
struct Account {
    /// Calls that asked for memory.
    calls: usize,
    /// Bytes given and not taken back.
    bytes: isize,
    /// The number of further calls that succeed; all after them are refused.
    granted: usize,
    /// The number of further calls in front of one that is refused alone.
    spared: Option<usize>,
    /// The size of the largest request that succeeds, in bytes.
    largest: usize,
}

impl Account {
    const fn new() -> Self {
        Self { calls: 0, bytes: 0, granted: usize::MAX, spared: None, largest: usize::MAX }
    }

    /// Counts one more call, for so many bytes; returns whether it succeeds.
    fn grants(&mut self, bytes: usize) -> bool {
        self.calls += 1;
        if bytes > self.largest {
            return false;
        }
        if self.granted != usize::MAX {
            let granted = self.granted > 0;
            self.granted = self.granted.saturating_sub(1);
            return granted;
        }
        match &mut self.spared {
            None => true,
            Some(0) => {
                self.spared = None;
                false
            }
            Some(spared) => {
                *spared -= 1;
                true
            }
        }
    }
}

thread_local! {
    static ACCOUNT: Cell<Account> =
        const { Cell::new(Account::new()) };
}

struct Upstream;

// SAFETY: memory comes from and goes to the system's allocator by the caller's own layout; where a
// request is refused, null is a documented answer. Nothing here allocates or unwinds.
unsafe impl GlobalAlloc for Upstream {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let mut account = ACCOUNT.get();
        let granted = account.grants(layout.size());
        if granted {
            account.bytes += layout.size() as isize;
        }
        ACCOUNT.set(account);
        if !granted {
            return core::ptr::null_mut();
        }
        // SAFETY: the caller's own promise.
        unsafe { System.alloc(layout) }
    }

    /// What the registry of hardened pools asks for is no pool's, and stays.
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        const LEAF: usize = if cfg!(target_pointer_width = "64") { 256 << 10 } else { 2 << 10 };
        if cfg!(feature = "hardened") && layout.size() == LEAF {
            // SAFETY: the caller's own promise.
            return unsafe { System.alloc_zeroed(layout) };
        }
        // SAFETY: the caller's own promise.
        let memory = unsafe { self.alloc(layout) };
        if !memory.is_null() {
            // SAFETY: so many bytes were just allocated.
            unsafe { memory.write_bytes(0, layout.size()) };
        }
        memory
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        let mut account = ACCOUNT.get();
        account.bytes -= layout.size() as isize;
        ACCOUNT.set(account);
        // SAFETY: the caller's own promise.
        unsafe { System.dealloc(memory, layout) };
    }
}

#[global_allocator]
static UPSTREAM: Upstream = Upstream;

/// Runs `f` while only the next `granted` calls succeed.
pub(crate) fn with_grants<R>(granted: usize, f: impl FnOnce() -> R) -> R {
    ACCOUNT.set(Account { granted, ..ACCOUNT.get() });
    let result = f();
    ACCOUNT.set(Account { granted: usize::MAX, ..ACCOUNT.get() });
    result
}

/// Runs `f` while requests for more than `largest` bytes are refused.
pub(crate) fn with_largest<R>(largest: usize, f: impl FnOnce() -> R) -> R {
    ACCOUNT.set(Account { largest, ..ACCOUNT.get() });
    let result = f();
    ACCOUNT.set(Account { largest: usize::MAX, ..ACCOUNT.get() });
    result
}

/// Runs `f` while the call behind the next `spared` ones is refused, and no other.
pub(crate) fn with_refusal<R>(spared: usize, f: impl FnOnce() -> R) -> R {
    ACCOUNT.set(Account { spared: Some(spared), ..ACCOUNT.get() });
    let result = f();
    ACCOUNT.set(Account { spared: None, ..ACCOUNT.get() });
    result
}

/// The number of further calls that succeed.
#[cfg(feature = "std")]
pub(crate) fn granted_yet() -> usize {
    ACCOUNT.get().granted
}

pub(crate) fn calls() -> usize {
    ACCOUNT.get().calls
}

pub(crate) fn bytes() -> isize {
    ACCOUNT.get().bytes
}
