//! The pattern in vacant slots, and how it is looked for.

/// What a byte of a vacant slot holds. Pointers of such bytes lead nowhere on most machines.
pub(super) const PATTERN: u8 = 0xDD;

/// A word of a vacant slot.
const WORD: usize = usize::from_ne_bytes([PATTERN; size_of::<usize>()]);

/// The number of bytes up to which a slot is looked at on the spot: so much code that an allocation
/// is still inlined.
pub(super) const FEW: usize =
    if cfg!(all(target_arch = "x86_64", target_feature = "sse2")) { 256 } else { 64 };

/// Whether a byte is not that of a vacant slot.
#[inline(always)]
pub(super) fn differs(content: &[u8]) -> bool {
    let (in_blocks, content) = blocks_differ(content);
    let mut words = content.chunks_exact(size_of::<usize>());
    let in_words = words.by_ref().fold(0, |wrong, word| {
        wrong | (usize::from_ne_bytes(word.try_into().expect("a word is as long")) ^ WORD)
    });
    let at_end = words.remainder().iter().fold(0, |wrong, byte| wrong | (byte ^ PATTERN));
    in_blocks | (in_words | usize::from(at_end) != 0)
}

/// Whether a byte of those that can be compared sixteen at once is not that of a vacant slot; and
/// the others. By words, which is what the compiler makes of it otherwise, it takes twice as many
/// instructions.
#[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
#[inline(always)]
fn blocks_differ(content: &[u8]) -> (bool, &[u8]) {
    use block::Block;

    let mut blocks = content.chunks_exact(Block::BYTES);
    let pattern = Block::read(&[PATTERN; Block::BYTES]);
    let alike = blocks.by_ref().fold(Block::read(&[u8::MAX; Block::BYTES]), |alike, block| {
        alike & Block::read(block.try_into().expect("a block is as long")).alike(pattern)
    });
    (!alike.is_ones(), blocks.remainder())
}

/// As above, where no bytes can be compared so.
#[cfg(not(all(target_arch = "x86_64", target_feature = "sse2")))]
#[inline(always)]
fn blocks_differ(content: &[u8]) -> (bool, &[u8]) {
    (false, content)
}

/// Sixteen bytes in a register, by SSE2.
#[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
mod block {
    use core::arch::x86_64 as sse2;
    use core::ops::BitAnd;

    /// Sixteen bytes.
    #[derive(Clone, Copy, Debug)]
    pub(super) struct Block(sse2::__m128i);

    impl Block {
        /// The number of them.
        pub(super) const BYTES: usize = 16;

        /// Those that lie somewhere, at any alignment.
        #[inline(always)]
        pub(super) fn read(bytes: &[u8; Self::BYTES]) -> Self {
            // SAFETY: what this is compiled for has SSE2. Valid: as many bytes lie there, and no
            // alignment is asked for.
            Self(unsafe { sse2::_mm_loadu_si128(bytes.as_ptr().cast()) })
        }

        /// Every bit of those bytes that are the same in both, and none of the others.
        #[inline(always)]
        pub(super) fn alike(self, other: Self) -> Self {
            // SAFETY: what this is compiled for has SSE2.
            Self(unsafe { sse2::_mm_cmpeq_epi8(self.0, other.0) })
        }

        /// Whether the highest bit of every byte is set.
        #[inline(always)]
        pub(super) fn is_ones(self) -> bool {
            // SAFETY: what this is compiled for has SSE2.
            unsafe { sse2::_mm_movemask_epi8(self.0) == 0xFFFF }
        }
    }

    impl BitAnd for Block {
        type Output = Self;

        #[inline(always)]
        fn bitand(self, other: Self) -> Self {
            // SAFETY: what this is compiled for has SSE2.
            Self(unsafe { sse2::_mm_and_si128(self.0, other.0) })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_other_bit_is_found_at_every_length() {
        let mut memory = [PATTERN; 4 * 16 + 16];
        for bytes in 0..4 * 16 {
            for start in [0, 1, 8] {
                assert!(!differs(&memory[start..start + bytes]));
                for at in start..start + bytes {
                    for bit in 0..u8::BITS {
                        memory[at] ^= 1 << bit;
                        assert!(differs(&memory[start..start + bytes]), "byte {at} of {bytes}");
                        memory[at] = PATTERN;
                    }
                }
                // What lies on either side does not count.
                let (before, after) = (start.checked_sub(1), start + bytes);
                before.into_iter().chain([after]).for_each(|at| memory[at] = !PATTERN);
                assert!(!differs(&memory[start..start + bytes]));
                before.into_iter().chain([after]).for_each(|at| memory[at] = PATTERN);
            }
        }
    }
}
