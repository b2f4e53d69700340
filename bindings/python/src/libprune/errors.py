"""Exceptions, one per kind of failure; each carries the C library's one-line message.

All derive from :class:`LibpruneError`, and also from the built-in exception that a Python user
would expect, so that ``except ValueError`` and ``except OSError`` work too.
"""

from __future__ import annotations


class LibpruneError(Exception):
    """Any failure of the library. The message names the file, tensor or option at fault."""


class ArgumentError(LibpruneError, ValueError):
    """An argument is wrong."""


class OptionError(ArgumentError, TypeError):
    """A keyword option is unknown (the message names the nearest) or its value out of range."""


class FileError(LibpruneError, OSError):
    """The operating system refused: a missing file, a full disk."""


class FormatError(LibpruneError, ValueError):
    """A file's content is malformed."""


class ModelFormatError(FormatError):
    """A model file's content is malformed."""


class UnsupportedError(LibpruneError, NotImplementedError):
    """Well-formed, but not something this library handles."""


class ShapeError(LibpruneError, ValueError):
    """Sizes do not fit together."""


class OutOfMemoryError(LibpruneError, MemoryError):
    """Out of memory, or above a stated bound."""


class CancelledError(LibpruneError):
    """Stopped on request (Ctrl-C or :meth:`Context.cancel`) before there was a result."""


class InternalError(LibpruneError, RuntimeError):
    """A defect of the library: please report it."""


class ClosedError(LibpruneError, ValueError):
    """The object was closed before."""


class BusyError(LibpruneError, RuntimeError):
    """A callback asked for a context whose work it is a part of: give it a context of its own."""


#: By the C library's status codes.
BY_STATUS: dict[int, type[LibpruneError]] = {
    1: ArgumentError,
    2: FileError,
    3: FormatError,
    4: UnsupportedError,
    5: ShapeError,
    6: OutOfMemoryError,
    7: CancelledError,
    8: InternalError,
}
