"""The ground floor: statuses to exceptions, C objects to Python ones, texts, views of memory."""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from typing import Any, Callable

import numpy as np

from . import errors
from ._libprune import ffi, lib

__all__ = ["Handle", "Owner", "check", "ffi", "lib", "parse_json", "pinned", "take_text", "view"]

_lifetimes = threading.RLock()
#: What Python callbacks raised lately, so that the exception of a failing call can name its cause.
_raised: list[BaseException] = []


def remember(error: BaseException) -> str:
    """Keeps what a callback raised and returns the one-line message for the C library."""
    text = f"{type(error).__name__}: {error}".replace("\n", " ")
    with _lifetimes:
        _raised.append(error)
        del _raised[:-8]
    return text


def _cause(message: str) -> BaseException | None:
    with _lifetimes:
        for error in reversed(_raised):
            text = f"{type(error).__name__}: {error}".replace("\n", " ")
            if text[:200] in message:
                _raised.remove(error)
                return error
    return None


def last_message() -> str:
    """This thread's latest message of the C library."""
    return str(ffi.string(lib.prune_last_error()).decode("utf-8", "replace"))


def check(status: int, kind: type[errors.LibpruneError] | None = None) -> None:
    """Raises the exception of a status; ``kind`` replaces the general one of that status."""
    if status == 0:
        return
    general = errors.BY_STATUS.get(int(status), errors.LibpruneError)
    chosen = kind if kind is not None and issubclass(kind, general) else general
    message = last_message()
    if chosen is errors.ArgumentError and message.startswith("option "):
        chosen = errors.OptionError
    raise chosen(message) from _cause(message)


class Handle:
    """A C object with what must outlive it.

    It is freed when it was dropped and nobody uses it: neither a running call, nor a view of its
    memory, nor another C object made from it. That holds in whatever order Python's collector
    takes things apart.
    """

    __slots__ = ("__weakref__", "_dropped", "_free", "_parents", "_users", "keep", "pointer")

    def __init__(
        self,
        pointer: Any,
        free: Callable[[Any], None],
        parents: Sequence[Handle] = (),
        keep: Any = None,
    ) -> None:
        self.pointer = pointer
        self.keep = keep
        self._free = free
        self._parents = tuple(parents)
        self._users = 0
        self._dropped = False
        with _lifetimes:
            for parent in self._parents:
                parent._users += 1

    @property
    def dropped(self) -> bool:
        return self._dropped

    def use(self, name: str) -> Any:
        """Pins the object and returns its pointer; :meth:`unuse` unpins."""
        with _lifetimes:
            if self._dropped:
                raise errors.ClosedError(f"this {name} is closed")
            self._users += 1
            return self.pointer

    def unuse(self) -> None:
        self._finish(lambda: setattr(self, "_users", self._users - 1))

    def drop(self) -> None:
        """Frees the object as soon as nobody uses it. A second call does nothing."""
        self._finish(lambda: setattr(self, "_dropped", True))

    def _finish(self, change: Callable[[], None]) -> None:
        dead: list[tuple[Callable[[Any], None], Any]] = []
        with _lifetimes:
            change()
            self._settle(dead)
        for free, pointer in dead:
            free(pointer)

    def _settle(self, dead: list[tuple[Callable[[Any], None], Any]]) -> None:
        if not self._dropped or self._users > 0 or self.pointer is None:
            return
        dead.append((self._free, self.pointer))
        self.pointer = None
        for parent in self._parents:
            parent._users -= 1
            parent._settle(dead)

    def __del__(self) -> None:
        try:
            self.drop()
        except Exception:  # the interpreter is going down
            return


class Owner:
    """A Python object that owns a C object."""

    _handle: Handle

    def close(self) -> None:
        """Gives the memory back now. Using the object afterwards raises :class:`ClosedError`.

        What still runs, and arrays that still look at its memory, are waited for.
        """
        self._handle.drop()

    @property
    def closed(self) -> bool:
        """Whether :meth:`close` was called."""
        return self._handle.dropped

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class pinned:  # noqa: N801 - reads like a function
    """``with pinned(a, b) as (pa, pb)``: pointers of owners, which nobody can free meanwhile."""

    def __init__(self, *owners: Owner) -> None:
        self._owners = owners
        self._held: list[Handle] = []

    def __enter__(self) -> tuple[Any, ...]:
        pointers = []
        try:
            for owner in self._owners:
                handle = owner._handle
                pointers.append(handle.use(type(owner).__name__))
                self._held.append(handle)
        except BaseException:
            self.__exit__()
            raise
        return tuple(pointers)

    def __exit__(self, *_: object) -> None:
        while self._held:
            self._held.pop().unuse()


class _Memory:
    """C memory as NumPy sees it; lives as long as an array looks at it."""

    def __init__(self, address: int, shape: tuple[int, ...], kind: str, owner: object) -> None:
        self.__array_interface__ = {
            "version": 3,
            "data": (address, True),
            "shape": shape,
            "typestr": kind,
        }
        self.owner = owner


def view(pointer: Any, shape: tuple[int, ...], kind: str, owner: object) -> np.ndarray[Any, Any]:
    """A read-only array over C memory that keeps ``owner`` alive."""
    address = int(ffi.cast("uintptr_t", pointer))
    return np.asarray(_Memory(address, shape, kind, owner))


def take_text(pointer: Any) -> str:
    """A text of the C library as ``str``; the C one is freed."""
    try:
        return str(ffi.string(pointer).decode("utf-8", "replace"))
    finally:
        lib.prune_text_free(pointer)


def text_of(pointer: Any) -> str | None:
    """A C string that belongs to somebody else; None for NULL."""
    return None if pointer == ffi.NULL else str(ffi.string(pointer).decode("utf-8", "replace"))


def parse_json(pointer: Any) -> Any:
    """A JSON text of the C library as Python objects; the C text is freed."""
    return json.loads(take_text(pointer))


def encode(text: Any) -> bytes:
    """Paths and names as the C library takes them."""
    import os

    return os.fsencode(text)
