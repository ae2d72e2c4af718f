//! Uses both pools with nothing below them but an allocator of its own; exits with 0 where all is
//! well. For Linux on x86-64.
#![no_std]
#![no_main]

use core::alloc::{GlobalAlloc, Layout};
use core::arch::{asm, global_asm};
use core::cell::UnsafeCell;
use core::panic::PanicInfo;
use core::sync::atomic::{AtomicUsize, Ordering};

use typed_pool::{MemoryPool, Pool, PoolBox};

const HEAP: usize = 4 << 20;

/// Hands out pieces of a static array and takes none back.
struct Bump {
    heap: UnsafeCell<[u8; HEAP]>,
    used: AtomicUsize,
}

// SAFETY: the program has one thread.
unsafe impl Sync for Bump {}

// SAFETY: pieces do not overlap, since `used` only grows; they are aligned as asked for.
unsafe impl GlobalAlloc for Bump {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let base = self.heap.get() as usize;
        let start = (base + self.used.load(Ordering::Relaxed)).next_multiple_of(layout.align());
        let end = start - base + layout.size();
        if end > HEAP {
            return core::ptr::null_mut();
        }
        self.used.store(end, Ordering::Relaxed);
        self.heap.get().cast::<u8>().wrapping_add(start - base)
    }

    unsafe fn dealloc(&self, _: *mut u8, _: Layout) {}
}

#[global_allocator]
static ALLOCATOR: Bump = Bump { heap: UnsafeCell::new([0; HEAP]), used: AtomicUsize::new(0) };

fn exit(code: i32) -> ! {
    // SAFETY: `exit` takes one number and does not return.
    unsafe { asm!("syscall", in("rax") 60, in("rdi") code, options(noreturn)) }
}

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    exit(1)
}

/// The precompiled `alloc` names this function of the standard library; nothing unwinds here.
#[unsafe(no_mangle)]
extern "C" fn rust_eh_personality() {}

// What compiled code takes for granted of a C library.
global_asm!(
    ".globl memcpy, memmove, memset",
    "memcpy: mov rax, rdi; mov rcx, rdx; rep movsb; ret",
    "memmove: cmp rdi, rsi; jbe memcpy",
    "mov rax, rdi; mov rcx, rdx; lea rdi, [rdi + rdx - 1]; lea rsi, [rsi + rdx - 1]",
    "std; rep movsb; cld; ret",
    "memset: mov r8, rdi; mov eax, esi; mov rcx, rdx; rep stosb; mov rax, r8; ret",
);

// The stack is aligned at the start of a program, as it is in front of a call.
global_asm!(".globl _start", "_start:", "call {run}", "ud2", run = sym run);

extern "C" fn run() -> ! {
    let pool = Pool::new();
    let mut list: Option<PoolBox<'_, u64>> = None;
    for number in 0..1000 {
        let last = list.replace(pool.alloc(number));
        assert!(last.is_none_or(|last| *last + 1 == number));
    }
    assert!(pool.len() == 1);
    let Ok(blocks) = MemoryPool::new(32, 10) else { exit(2) };
    let mut taken = 0;
    while blocks.allocate().is_some() {
        taken += 1;
    }
    assert!(taken == 10 && blocks.is_full());
    exit(0)
}
