//! Traits that a handle has because its value has them. Where a method has a default, it is
//! forwarded too if the value's own may be better.
#![forbid(unsafe_code)]

use core::cmp::Ordering;
use core::error::Error;
use core::fmt;
use core::future::Future;
use core::hash::{Hash, Hasher};
use core::iter::FusedIterator;
use core::pin::Pin;
use core::task::{Context, Poll};

use crate::memory::Memory;
use crate::pool_box::PoolBox;

impl<T: ?Sized + fmt::Debug, M: Memory> fmt::Debug for PoolBox<'_, T, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        T::fmt(self, f)
    }
}

impl<T: ?Sized + fmt::Display, M: Memory> fmt::Display for PoolBox<'_, T, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        T::fmt(self, f)
    }
}

impl<T: ?Sized + PartialEq, M: Memory> PartialEq for PoolBox<'_, T, M> {
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        T::eq(self, other)
    }

    #[inline]
    #[expect(clippy::partialeq_ne_impl, reason = "as `Box` does, the value's own is forwarded")]
    fn ne(&self, other: &Self) -> bool {
        T::ne(self, other)
    }
}

impl<T: ?Sized + Eq, M: Memory> Eq for PoolBox<'_, T, M> {}

impl<T: ?Sized + PartialOrd, M: Memory> PartialOrd for PoolBox<'_, T, M> {
    #[inline]
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        T::partial_cmp(self, other)
    }

    #[inline]
    fn lt(&self, other: &Self) -> bool {
        T::lt(self, other)
    }

    #[inline]
    fn le(&self, other: &Self) -> bool {
        T::le(self, other)
    }

    #[inline]
    fn gt(&self, other: &Self) -> bool {
        T::gt(self, other)
    }

    #[inline]
    fn ge(&self, other: &Self) -> bool {
        T::ge(self, other)
    }
}

impl<T: ?Sized + Ord, M: Memory> Ord for PoolBox<'_, T, M> {
    #[inline]
    fn cmp(&self, other: &Self) -> Ordering {
        T::cmp(self, other)
    }
}

impl<T: ?Sized + Hash, M: Memory> Hash for PoolBox<'_, T, M> {
    #[inline]
    fn hash<H: Hasher>(&self, state: &mut H) {
        T::hash(self, state);
    }
}

/// Forwards the `write_*` methods of a hasher, each for its type.
macro_rules! forward_writes {
    ($($method:ident: $type:ty),* $(,)?) => {
        $(
            fn $method(&mut self, value: $type) {
                T::$method(self, value);
            }
        )*
    };
}

impl<T: ?Sized + Hasher, M: Memory> Hasher for PoolBox<'_, T, M> {
    fn finish(&self) -> u64 {
        T::finish(self)
    }

    forward_writes! {
        write: &[u8],
        write_u8: u8, write_u16: u16, write_u32: u32, write_u64: u64, write_u128: u128,
        write_usize: usize,
        write_i8: i8, write_i16: i16, write_i32: i32, write_i64: i64, write_i128: i128,
        write_isize: isize,
    }
}

impl<T: ?Sized + Iterator, M: Memory> Iterator for PoolBox<'_, T, M> {
    type Item = T::Item;

    fn next(&mut self) -> Option<T::Item> {
        T::next(self)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        T::size_hint(self)
    }

    fn nth(&mut self, n: usize) -> Option<T::Item> {
        T::nth(self, n)
    }
}

impl<T: ?Sized + DoubleEndedIterator, M: Memory> DoubleEndedIterator for PoolBox<'_, T, M> {
    fn next_back(&mut self) -> Option<T::Item> {
        T::next_back(self)
    }

    fn nth_back(&mut self, n: usize) -> Option<T::Item> {
        T::nth_back(self, n)
    }
}

impl<T: ?Sized + ExactSizeIterator, M: Memory> ExactSizeIterator for PoolBox<'_, T, M> {
    fn len(&self) -> usize {
        T::len(self)
    }
}

impl<T: ?Sized + FusedIterator, M: Memory> FusedIterator for PoolBox<'_, T, M> {}

impl<T: ?Sized + Future + Unpin, M: Memory> Future for PoolBox<'_, T, M> {
    type Output = T::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T::Output> {
        T::poll(Pin::new(&mut **self), context)
    }
}

impl<T: ?Sized + Error, M: Memory> Error for PoolBox<'_, T, M> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        T::source(self)
    }

    #[expect(deprecated, reason = "old errors say what they are by it alone")]
    fn description(&self) -> &str {
        T::description(self)
    }

    #[expect(deprecated, reason = "old errors say where they come from by it alone")]
    fn cause(&self) -> Option<&dyn Error> {
        T::cause(self)
    }
}

impl<T: ?Sized + fmt::Write, M: Memory> fmt::Write for PoolBox<'_, T, M> {
    fn write_str(&mut self, s: &str) -> fmt::Result {
        T::write_str(self, s)
    }

    fn write_char(&mut self, c: char) -> fmt::Result {
        T::write_char(self, c)
    }

    fn write_fmt(&mut self, arguments: fmt::Arguments<'_>) -> fmt::Result {
        T::write_fmt(self, arguments)
    }
}

#[cfg(feature = "serde")]
impl<T: ?Sized + serde::Serialize, M: Memory> serde::Serialize for PoolBox<'_, T, M> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        T::serialize(self, serializer)
    }
}
