//! The values that come and go.

/// A resting order, say: 64 bytes, all of which follow from its number, so that it can be told
/// whether they are still what they were.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Order([u64; 8]);

impl Order {
    #[inline]
    pub(crate) fn new(number: u64) -> Self {
        let mut word = number;
        Self([(); 8].map(|()| {
            let this = word;
            // Each word determines the next one: no two orders share one at the same place.
            word = word.wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(23);
            this
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_has_64_bytes_that_are_its_own() {
        assert_eq!(size_of::<Order>(), 64);
        assert_eq!(Order::new(7), Order::new(7));
        let (Order(one), Order(other)) = (Order::new(1), Order::new(2));
        assert!(one.iter().zip(&other).all(|(one, other)| one != other));
    }
}
