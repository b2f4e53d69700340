"""Progress of long work: a tqdm bar where that is installed and somebody looks, else nothing."""

from __future__ import annotations

import sys
import warnings
from typing import Any, Callable

Progress = Callable[[str, int, int], None]


def _somebody_looks() -> bool:
    if "IPython" in sys.modules:
        from IPython import get_ipython

        shell = get_ipython()
        if shell is not None and "ZMQ" in type(shell).__name__:
            return True
    return bool(getattr(sys.stderr, "isatty", lambda: False)())


class Bars:
    """One bar per stage, one stage at a time."""

    def __init__(self, tqdm: Any) -> None:
        self._tqdm = tqdm
        self._stage = ""
        self._bar: Any = None

    def __call__(self, stage: str, done: int, total: int) -> None:
        if self._bar is None or stage != self._stage or total != self._bar.total:
            self.close()
            self._stage = stage
            self._bar = self._tqdm(total=total, desc=stage, leave=False)
        self._bar.update(done - self._bar.n)

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None


def sink(progress: bool | Progress | None) -> Progress | None:
    """What receives (stage, done, total); ``None`` decides by itself, ``False`` is quiet."""
    if callable(progress):
        return progress
    if progress is False or (progress is None and not _somebody_looks()):
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from tqdm.auto import tqdm
    except ImportError:
        return None
    return Bars(tqdm)


def close(receiver: Progress | None) -> None:
    if isinstance(receiver, Bars):
        receiver.close()
