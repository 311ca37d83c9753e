"""Reading the columns of a kernel where it left them."""

import ctypes
import struct

import pytest

from engine.runtime.native_block import PartColumns


@pytest.fixture
def room():
    libc = ctypes.CDLL(None)
    libc.malloc.restype = ctypes.c_void_p
    libc.free.argtypes = [ctypes.c_void_p]
    address = libc.malloc(512 * 8)
    ctypes.memset(address, 0, 512 * 8)
    yield address
    libc.free(address)


def test_a_column_that_grew_where_it_was_is_read_whole(room):
    memory = bytearray(24)
    columns = PartColumns(memory, 0, "q")
    struct.pack_into("=3q", memory, 0, 256, 256, room)
    assert len(columns.values(256)[0]) == 256
    struct.pack_into("=3q", memory, 0, 300, 512, room)
    assert len(columns.values(300)[0]) == 300
    assert len(columns.copies(300)[0]) == 300 * 8


def test_columns_that_never_grew_are_empty():
    columns = PartColumns(bytearray(32), 0, "qd")
    assert columns.values(0) == [[], []]
    columns.free()
    assert columns.values(0) == [[], []]
