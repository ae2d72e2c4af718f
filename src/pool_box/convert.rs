//! Handles that become others, and what takes several of them in, as with `Box`.

use alloc::string::String;
use core::error::Error;
use core::pin::Pin;
use core::ptr::NonNull;
use core::slice;

use crate::memory::Memory;
use crate::pool_box::PoolBox;
use crate::pool_box::unsize::coercion;

impl<'p, T: ?Sized, M: Memory> From<PoolBox<'p, T, M>> for Pin<PoolBox<'p, T, M>> {
    #[inline]
    fn from(handle: PoolBox<'p, T, M>) -> Self {
        PoolBox::into_pin(handle)
    }
}

impl<'p, T, M: Memory, const N: usize> From<PoolBox<'p, [T; N], M>> for PoolBox<'p, [T], M> {
    #[inline]
    fn from(array: PoolBox<'p, [T; N], M>) -> Self {
        PoolBox::unsize(array, coercion!([T]))
    }
}

impl<'p, T, M: Memory, const N: usize> TryFrom<PoolBox<'p, [T], M>> for PoolBox<'p, [T; N], M> {
    /// The handle, where there are not `N` values.
    type Error = PoolBox<'p, [T], M>;

    #[inline]
    fn try_from(slice: PoolBox<'p, [T], M>) -> Result<Self, Self::Error> {
        if slice.len() != N {
            return Err(slice);
        }
        let array = PoolBox::into_raw(slice).cast::<[T; N]>();
        // SAFETY: 1. and 2. the address just came from `into_raw`, and goes nowhere else. 3. The
        // lifetime and the thread are the same. 4. There are `N` values in a row, which the slot
        // has room for, as every one like it has.
        Ok(unsafe { PoolBox::from_raw(array) })
    }
}

/// Makes handles of errors those of trait objects, as `?` does where a function returns one.
macro_rules! from_errors {
    ($($($auto:ident)*;)*) => {
        $(
            impl<'p, E, M: Memory> From<PoolBox<'p, E, M>>
                for PoolBox<'p, dyn Error $(+ $auto)* + 'p, M>
            where
                E: Error $(+ $auto)* + 'p,
            {
                #[inline]
                fn from(error: PoolBox<'p, E, M>) -> Self {
                    PoolBox::unsize(error, coercion!(dyn Error $(+ $auto)* + 'p))
                }
            }
        )*
    };
}

from_errors! {
    ;
    Send;
    Send Sync;
}

impl<'p, M: Memory> From<PoolBox<'p, str, M>> for PoolBox<'p, [u8], M> {
    #[inline]
    fn from(text: PoolBox<'p, str, M>) -> Self {
        let len = text.len();
        let bytes = NonNull::slice_from_raw_parts(PoolBox::into_raw(text).cast(), len);
        // SAFETY: 1. and 2. the address just came from `into_raw`, and goes nowhere else. 3. The
        // lifetime and the thread are the same. 4. Text of that length is as many bytes.
        unsafe { PoolBox::from_raw(bytes) }
    }
}

impl<'h, T, M: Memory> IntoIterator for &'h PoolBox<'_, [T], M> {
    type Item = &'h T;
    type IntoIter = slice::Iter<'h, T>;

    #[inline]
    fn into_iter(self) -> slice::Iter<'h, T> {
        self.iter()
    }
}

impl<'p, M: Memory> Extend<PoolBox<'p, str, M>> for String {
    fn extend<I: IntoIterator<Item = PoolBox<'p, str, M>>>(&mut self, texts: I) {
        texts.into_iter().for_each(|text| self.push_str(&text));
    }
}

impl<'p, M: Memory> FromIterator<PoolBox<'p, str, M>> for String {
    fn from_iter<I: IntoIterator<Item = PoolBox<'p, str, M>>>(texts: I) -> Self {
        let mut joined = Self::new();
        joined.extend(texts);
        joined
    }
}
