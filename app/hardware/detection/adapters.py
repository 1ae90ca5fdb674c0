"""Asks Windows' DXGI for the graphics adapters, through its COM interfaces; called in a probe, since drivers hang."""

import ctypes
import sys
import uuid
from collections.abc import Iterator
from typing import Any

from app.hardware.detection.answers import DxgiAdapter
from app.hardware.detection.windows import adapter, with_budgets

_FACTORY1 = uuid.UUID("770aae78-f26f-4dba-a829-253c83d1b387").bytes_le
_ADAPTER3 = uuid.UUID("645967a4-1392-4310-a798-8053ce3e93fd").bytes_le
"""IDXGIFactory1 and IDXGIAdapter3 (dxgi.h, dxgi1_4.h)."""
_QUERY_INTERFACE, _RELEASE = 0, 2
_ENUM_ADAPTERS1 = 12
_GET_DESC1 = 10
_QUERY_VIDEO_MEMORY_INFO = 14
"""Places in the interfaces' tables of functions."""
_DESC1_SIZE = 320
_INFO_SIZE = 32
_LOCAL, _SHARED = 0, 1


def dxgi_adapters() -> tuple[DxgiAdapter, ...]:
    """Every adapter with its memory and budgets; () on other systems and where DXGI is missing."""
    if sys.platform != "win32":
        return ()
    try:
        library = ctypes.WinDLL("dxgi")
    except OSError:
        return ()
    factory = ctypes.c_void_p()
    if library.CreateDXGIFactory1(_FACTORY1, ctypes.byref(factory)) != 0:
        return ()
    try:
        return tuple(_describe(found) for found in _adapters(factory))
    finally:
        _call(factory, _RELEASE)


def _adapters(factory: ctypes.c_void_p) -> Iterator[ctypes.c_void_p]:
    index = 0
    while True:
        found = ctypes.c_void_p()
        if _call(factory, _ENUM_ADAPTERS1, ctypes.c_uint(index), ctypes.byref(found)) != 0:
            return
        try:
            yield found
        finally:
            _call(found, _RELEASE)
        index += 1


def _describe(found: ctypes.c_void_p) -> DxgiAdapter:
    description = ctypes.create_string_buffer(_DESC1_SIZE)
    _call(found, _GET_DESC1, description)
    described = adapter(description.raw)
    newer = ctypes.c_void_p()
    if _call(found, _QUERY_INTERFACE, _ADAPTER3, ctypes.byref(newer)) != 0:
        return described
    try:
        return with_budgets(described, _memory(newer, _LOCAL), _memory(newer, _SHARED))
    finally:
        _call(newer, _RELEASE)


def _memory(found: ctypes.c_void_p, group: int) -> bytes:
    information = ctypes.create_string_buffer(_INFO_SIZE)
    _call(found, _QUERY_VIDEO_MEMORY_INFO, ctypes.c_uint(0), ctypes.c_uint(group), information)
    return information.raw


def _call(this: ctypes.c_void_p, place: int, *arguments: Any) -> int:
    """The function at that place of a COM object's table; its HRESULT, 0 for success."""
    table = ctypes.cast(this, ctypes.POINTER(ctypes.POINTER(ctypes.c_void_p)))
    kinds = (type(argument) if isinstance(argument, ctypes.c_uint) else ctypes.c_void_p for argument in arguments)
    function = ctypes.CFUNCTYPE(ctypes.c_long, ctypes.c_void_p, *kinds)(table[0][place] or 0)
    return int(function(this, *arguments))
