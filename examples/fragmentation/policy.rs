//! What is done about memory that is reserved and not occupied.

use typed_pool::{Pool, PoolBox};

use crate::order::Order;

/// A policy, the same for the whole day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Policy {
    /// Nothing is given back before the pool is dropped.
    None,
    /// [`Pool::trim`] every ten minutes.
    Trim,
    /// The pool gives chunks back by itself: `release_empty_chunks(true)`.
    Automatic,
    /// [`Pool::compact`] every ten minutes.
    Compact,
}

impl Policy {
    pub(crate) const ALL: &[Self] = &[Self::None, Self::Trim, Self::Automatic, Self::Compact];

    /// The minutes from one [`Policy::act`] to the next.
    pub(crate) const MINUTES: usize = 10;

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Trim => "trim",
            Self::Automatic => "automatic",
            Self::Compact => "compact",
        }
    }

    /// An empty pool for it.
    pub(crate) fn pool(self) -> Pool<Order> {
        Pool::builder().release_empty_chunks(self == Self::Automatic).build()
    }

    /// Does what is to be done every ten minutes; returns how many values were moved.
    pub(crate) fn act<'p>(
        self,
        pool: &'p Pool<Order>,
        handles: &mut [Option<PoolBox<'p, Order>>],
    ) -> usize {
        match self {
            Self::None | Self::Automatic => 0,
            Self::Trim => {
                pool.trim();
                0
            }
            Self::Compact => pool.compact(handles.iter_mut().flatten()).moved,
        }
    }
}
