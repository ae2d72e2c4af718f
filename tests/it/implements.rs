//! Asks the compiler whether a type has a trait.

/// Whether a type without parameters implements a trait, as a constant.
///
/// A constant of the type itself hides one of a trait, and exists where its bounds hold.
macro_rules! implements {
    ($type:ty: $trait:path) => {{
        #[allow(dead_code, reason = "one of the two constants is not used")]
        trait Otherwise {
            const IMPLEMENTED: bool = false;
        }
        struct Probe<T: ?Sized>(std::marker::PhantomData<T>);
        impl<T: ?Sized> Otherwise for Probe<T> {}
        #[allow(dead_code, reason = "one of the two constants is not used")]
        impl<T: ?Sized + $trait> Probe<T> {
            const IMPLEMENTED: bool = true;
        }
        Probe::<$type>::IMPLEMENTED
    }};
}

pub(crate) use implements;
