//! The traits of `std::io` and `std::os` that a handle has because its value has them.
#![forbid(unsafe_code)]

use std::fmt;
use std::io::{self, BufRead, IoSlice, IoSliceMut, Read, Seek, SeekFrom, Write};
#[cfg(unix)]
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::string::String;
use std::vec::Vec;

use crate::memory::Memory;
use crate::pool_box::PoolBox;

impl<T: ?Sized + Read, M: Memory> Read for PoolBox<'_, T, M> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        T::read(self, buffer)
    }

    fn read_vectored(&mut self, buffers: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        T::read_vectored(self, buffers)
    }

    fn read_to_end(&mut self, buffer: &mut Vec<u8>) -> io::Result<usize> {
        T::read_to_end(self, buffer)
    }

    fn read_to_string(&mut self, buffer: &mut String) -> io::Result<usize> {
        T::read_to_string(self, buffer)
    }

    fn read_exact(&mut self, buffer: &mut [u8]) -> io::Result<()> {
        T::read_exact(self, buffer)
    }
}

impl<T: ?Sized + Write, M: Memory> Write for PoolBox<'_, T, M> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        T::write(self, buffer)
    }

    fn write_vectored(&mut self, buffers: &[IoSlice<'_>]) -> io::Result<usize> {
        T::write_vectored(self, buffers)
    }

    fn flush(&mut self) -> io::Result<()> {
        T::flush(self)
    }

    fn write_all(&mut self, buffer: &[u8]) -> io::Result<()> {
        T::write_all(self, buffer)
    }

    fn write_fmt(&mut self, arguments: fmt::Arguments<'_>) -> io::Result<()> {
        T::write_fmt(self, arguments)
    }
}

impl<T: ?Sized + BufRead, M: Memory> BufRead for PoolBox<'_, T, M> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        T::fill_buf(self)
    }

    fn consume(&mut self, amount: usize) {
        T::consume(self, amount);
    }

    fn read_until(&mut self, byte: u8, buffer: &mut Vec<u8>) -> io::Result<usize> {
        T::read_until(self, byte, buffer)
    }

    fn skip_until(&mut self, byte: u8) -> io::Result<usize> {
        T::skip_until(self, byte)
    }

    fn read_line(&mut self, buffer: &mut String) -> io::Result<usize> {
        T::read_line(self, buffer)
    }
}

impl<T: ?Sized + Seek, M: Memory> Seek for PoolBox<'_, T, M> {
    fn seek(&mut self, position: SeekFrom) -> io::Result<u64> {
        T::seek(self, position)
    }

    fn rewind(&mut self) -> io::Result<()> {
        T::rewind(self)
    }

    fn seek_relative(&mut self, offset: i64) -> io::Result<()> {
        T::seek_relative(self, offset)
    }

    fn stream_position(&mut self) -> io::Result<u64> {
        T::stream_position(self)
    }
}

#[cfg(unix)]
impl<T: ?Sized + AsFd, M: Memory> AsFd for PoolBox<'_, T, M> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        T::as_fd(self)
    }
}

#[cfg(unix)]
impl<T: AsRawFd, M: Memory> AsRawFd for PoolBox<'_, T, M> {
    fn as_raw_fd(&self) -> RawFd {
        T::as_raw_fd(self)
    }
}
