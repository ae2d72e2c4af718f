//! The pattern in vacant slots, and how it is looked for.

pub(super) use blocks::FEW;
use blocks::blocks_differ;

/// What a byte of a vacant slot holds. Pointers of such bytes lead nowhere on most machines.
pub(super) const PATTERN: u8 = 0xDD;

/// A word of a vacant slot.
const WORD: usize = usize::from_ne_bytes([PATTERN; size_of::<usize>()]);

/// Whether any byte of `content` is not [`PATTERN`].
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

/// Sixteen bytes at once, where there is SSE2: all x86-64 has it, but kernels do without.
#[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
mod blocks {
    use core::arch::x86_64 as sse2;
    use core::ops::BitAnd;

    use super::PATTERN;

    /// The number of bytes up to which a slot is looked at on the spot: no more code than lets an
    /// allocation still be inlined.
    pub(in super::super) const FEW: usize = 256;

    /// Whether a whole block of sixteen bytes holds anything but the pattern; and the bytes behind
    /// the last whole block. The compiler by itself compares by words, which takes twice as many
    /// instructions.
    #[inline(always)]
    pub(super) fn blocks_differ(content: &[u8]) -> (bool, &[u8]) {
        let mut blocks = content.chunks_exact(Block::BYTES);
        let pattern = Block::read(&[PATTERN; Block::BYTES]);
        let alike = blocks.by_ref().fold(Block::read(&[u8::MAX; Block::BYTES]), |alike, block| {
            alike & Block::read(block.try_into().expect("a block is as long")).alike(pattern)
        });
        (!alike.is_ones(), blocks.remainder())
    }

    /// Sixteen bytes in a register.
    #[derive(Clone, Copy, Debug)]
    struct Block(sse2::__m128i);

    impl Block {
        const BYTES: usize = 16;

        /// Those that lie somewhere, at any alignment.
        #[inline(always)]
        fn read(bytes: &[u8; Self::BYTES]) -> Self {
            // SAFETY: what this is compiled for has SSE2. Valid: sixteen bytes lie there, and no
            // alignment is asked for.
            Self(unsafe { sse2::_mm_loadu_si128(bytes.as_ptr().cast()) })
        }

        /// All ones in each byte that is the same in both, zeros in the others.
        #[inline(always)]
        fn alike(self, other: Self) -> Self {
            // SAFETY: what this is compiled for has SSE2.
            Self(unsafe { sse2::_mm_cmpeq_epi8(self.0, other.0) })
        }

        /// Whether all bytes are ones, where each is that or zeros.
        #[inline(always)]
        fn is_ones(self) -> bool {
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

/// As above, where no bytes are compared so.
#[cfg(not(all(target_arch = "x86_64", target_feature = "sse2")))]
mod blocks {
    pub(in super::super) const FEW: usize = 64;

    #[inline(always)]
    pub(super) fn blocks_differ(content: &[u8]) -> (bool, &[u8]) {
        (false, content)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_other_byte_is_found_at_every_length() {
        let mut memory = [PATTERN; FEW + 32];
        for bytes in (0..4 * 16).chain([FEW - 1, FEW, FEW + 1, FEW + 17]) {
            for start in [0, 1, 8] {
                assert!(!differs(&memory[start..start + bytes]));
                for at in start..start + bytes {
                    for mask in [1, 1 << 7, u8::MAX] {
                        memory[at] ^= mask;
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

    #[test]
    fn bytes_that_differ_alike_do_not_make_up_for_each_other() {
        for apart in [1, 8, 16, 48, 96] {
            for first in 0..100 - apart {
                let mut memory = [PATTERN; 100];
                memory[first] ^= 0b100;
                memory[first + apart] ^= 0b100;
                assert!(differs(&memory), "bytes {first} and {}", first + apart);
            }
        }
    }
}
