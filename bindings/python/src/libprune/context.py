"""Contexts: the thread pool that work runs on, its log, progress and cancellation."""

from __future__ import annotations

import contextlib
import logging
import signal
import threading
from collections.abc import Iterator
from typing import Any, Callable

from . import _progress, errors
from ._core import Handle, Owner, check, encode, ffi, lib, pinned, text_of

__all__ = ["Context", "default_context"]

logger = logging.getLogger("libprune")
logger.addHandler(logging.NullHandler())
_levels = {0: logging.DEBUG, 1: logging.INFO, 2: logging.WARNING}
_local = threading.local()

Progress = Callable[[str, int, int], None]


class Context(Owner):
    """A pool of threads and an instruction set.

    Most programs never see one: models and data sets share :func:`default_context`, and every
    :class:`Session` has its own. A context does one thing at a time; a second thread waits.

    Parameters
    ----------
    threads : int
        Worker threads; 0 means as many as the process may run on.
    isa : str, optional
        ``"portable"``, ``"avx2"``, ``"avxvnni"``, ``"avx512"``, ``"avx512vnni"``, ``"amx"``;
        default ``$PRUNE_ISA``, else the best that processor and operating system allow.

    Raises
    ------
    ArgumentError
        For an instruction set that is unknown or that this machine lacks.
    """

    def __init__(self, threads: int = 0, isa: str | None = None) -> None:
        self._lock = threading.RLock()
        self._depth = 0
        self._sink: Progress | None = None
        state = ffi.new("prunepy_state *")
        me = ffi.new_handle(_Callbacks(self))
        state.python = me
        options = ffi.new("prune_context_options *")
        lib.prune_context_options_init(options)
        options.threads = threads
        name = ffi.new("char[]", encode(isa)) if isa else ffi.NULL
        options.isa = name
        options.user = state
        options.log = lib.prunepy_log
        options.progress = lib.prunepy_progress
        options.cancel = ffi.addressof(lib, "prunepy_cancelled")
        out = ffi.new("prune_context **")
        check(lib.prune_context_create(out, options))
        self._state = state
        self._handle = Handle(out[0], lib.prune_context_free, keep=(state, me))

    @property
    def threads(self) -> int:
        """Threads of the pool, the calling one included."""
        with pinned(self) as (pointer,):
            return int(lib.prune_context_threads(pointer))

    @property
    def isa(self) -> str:
        """Instruction set in use."""
        with pinned(self) as (pointer,):
            return str(text_of(lib.prune_context_isa(pointer)))

    def cancel(self) -> None:
        """Stops what this context is working on, from any thread; like Ctrl-C."""
        self._state.cancel = 1

    def __repr__(self) -> str:
        if self.closed:
            return "<libprune.Context, closed>"
        return f"<libprune.Context: {self.threads} threads, {self.isa}>"

    @contextlib.contextmanager
    def _exclusive(self) -> Iterator[None]:
        """The context belongs to this thread meanwhile."""
        inside = getattr(_local, "callbacks", 0) > 0
        if not self._lock.acquire(blocking=not inside):
            raise errors.BusyError(
                "a callback used a context that waits for it: give it a Context of its own"
            )
        try:
            yield
        finally:
            self._lock.release()

    @contextlib.contextmanager
    def _working(
        self, *owners: Owner, progress: bool | Progress | None = None, partial: bool = False
    ) -> Iterator[_Work]:
        """Runs long work: exclusive, with a progress bar, and Ctrl-C asks it to stop.

        ``partial``: the caller looks at ``interrupted`` himself and has a result all the same.
        """
        with self._exclusive(), pinned(self, *owners) as pointers:
            work = _Work(pointers[1:])
            outermost = self._depth == 0
            watching = outermost and _may_watch()
            self._depth += 1
            if outermost:
                self._state.cancel = 0
                self._sink = _progress.sink(progress)
            if watching:
                self._state.listens = 1
                _watch.acquire()
                lib.prunepy_watch_begin()
            try:
                yield work
            finally:
                self._depth -= 1
                if watching:
                    work.interrupted = bool(lib.prunepy_watch_end())
                    _watch.release()
                    self._state.listens = 0
                if outermost:
                    _progress.close(self._sink)
                    self._sink = None
            if work.interrupted and not partial:
                raise KeyboardInterrupt


class _Callbacks:
    """What C callbacks know of a context, without keeping it alive."""

    def __init__(self, context: Context) -> None:
        import weakref

        self.context = weakref.ref(context)


class _Work:
    """One long call. ``interrupted`` is valid afterwards."""

    def __init__(self, pointers: tuple[Any, ...]) -> None:
        self.pointers = pointers
        self.interrupted = False


_watch = threading.Lock()


def _may_watch() -> bool:
    """Only the main thread is interrupted, and only where nobody else watches already."""
    if threading.current_thread() is not threading.main_thread() or _watch.locked():
        return False
    return callable(signal.getsignal(signal.SIGINT))


_default: Context | None = None
_default_lock = threading.Lock()


def default_context() -> Context:
    """The context of everything that is not given one; made on first use."""
    global _default
    with _default_lock:
        if _default is None or _default.closed:
            _default = Context()
        return _default


@contextlib.contextmanager
def in_callback() -> Iterator[None]:
    """Marks that this thread runs Python code for the C library."""
    _local.callbacks = getattr(_local, "callbacks", 0) + 1
    try:
        yield
    finally:
        _local.callbacks -= 1


def _context_of(user: Any) -> Context | None:
    state = ffi.cast("prunepy_state *", user)
    callbacks: _Callbacks = ffi.from_handle(state.python)
    return callbacks.context()


@ffi.def_extern(name="prunepy_log")  # type: ignore[untyped-decorator]
def _log(_user: Any, level: int, line: Any) -> None:
    with in_callback():
        logger.log(_levels.get(int(level), logging.INFO), "%s", text_of(line))


@ffi.def_extern(name="prunepy_progress")  # type: ignore[untyped-decorator]
def _report(user: Any, stage: Any, done: int, total: int) -> None:
    context = _context_of(user)
    if context is None or context._sink is None:
        return
    with in_callback():
        try:
            context._sink(str(text_of(stage)), int(done), int(total))
        except Exception:
            logger.exception("the progress callback failed; no more progress is shown")
            context._sink = None
