//! Values that are made once, when they are first needed.
#![forbid(unsafe_code)]

use core::cell::OnceCell;
#[cfg(feature = "std")]
use std::sync::OnceLock;

/// A place for a value that is made once.
#[allow(unreachable_pub, reason = "a bound of a public trait, which older compilers do not see")]
pub trait Once<T>: Default {
    /// The value, if it has been made.
    fn get(&self) -> Option<&T>;

    /// The value, which is to be `value` unless it has been made before.
    fn get_or_set(&self, value: T) -> &T;
}

impl<T> Once<T> for OnceCell<T> {
    #[inline]
    fn get(&self) -> Option<&T> {
        OnceCell::get(self)
    }

    fn get_or_set(&self, value: T) -> &T {
        self.get_or_init(|| value)
    }
}

#[cfg(feature = "std")]
impl<T> Once<T> for OnceLock<T> {
    #[inline]
    fn get(&self) -> Option<&T> {
        OnceLock::get(self)
    }

    fn get_or_set(&self, value: T) -> &T {
        self.get_or_init(|| value)
    }
}
