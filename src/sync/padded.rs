//! Room on all sides of what threads contend for.
#![forbid(unsafe_code)]

use core::ops::Deref;

/// A value that shares no cache line with anything else, nor the pair of lines that some processors
/// fetch together.
#[derive(Debug, Default)]
#[repr(align(128))]
pub(super) struct Padded<T>(pub(super) T);

impl<T> Deref for Padded<T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        &self.0
    }
}
