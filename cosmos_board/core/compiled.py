"""Loops compiled by numba (extra `fast`).

Importing this module without numba raises ImportError, and decorating a function where there is
nowhere to cache compiled code raises RuntimeError; callers have a plain version for both.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numba

_Function = TypeVar("_Function", bound=Callable[..., Any])


def compile_with(**options: object) -> Callable[[_Function], _Function]:
    """Return a decorator that compiles a function and caches the machine code on disk.

    Args:
        options: Of `numba.njit`, such as `fastmath`. The GIL is released in any case.
    """
    decorator: Callable[[_Function], _Function] = numba.njit(cache=True, nogil=True, **options)
    return decorator


compile_loop = compile_with()
