//! The global allocator, made to behave alike from the first row on.

use std::hint::black_box;

/// Has the global allocator keep memory that is given back to it.
///
/// That of glibc asks the kernel for every large block and returns it at once, until one has been
/// freed: from then on it takes blocks of up to that size from its own, and keeps up to twice as
/// much to itself. Without this, a heap that is made anew for each fill would meet untouched pages,
/// and page faults would be most of what is measured.
pub(crate) fn settle_global_allocator() {
    drop(black_box(Vec::<u8>::with_capacity(31 << 20)));
}
