"""Keyword options from the C library's own option tables, at run time.

Names, types, defaults, ranges and help texts exist once, in C. A keyword is the option's name with
``_`` for ``-``.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Callable, TypeVar

import numpy as np

from ._core import check, ffi, lib, text_of

_TYPES = {0: "bool", 1: "int", 2: "int", 3: "float", 4: "str", 5: "choice"}

#: Stage -> name of its struct; its table comes from ``prune_<stage>_option_table()``.
STAGES = (
    "load",
    "new",
    "save",
    "cut",
    "trim",
    "tune",
    "quant",
    "compress",
    "dataset",
    "evaluation",
    "synth",
    "timing",
    "compare",
)


@dataclass(frozen=True)
class Option:
    """One row of an option table."""

    name: str
    type: str
    default: str | None
    minimum: float
    maximum: float
    choices: tuple[str, ...]
    help: str

    @property
    def keyword(self) -> str:
        return self.name.replace("-", "_")

    def describe(self) -> str:
        kind = " | ".join(f'"{c}"' for c in self.choices) if self.choices else self.type
        default = "unset" if self.default is None else self.default
        return f"{self.keyword} : {kind}, default {default}\n    {self.help}."


def _table(stage: str) -> Any:
    return getattr(lib, f"prune_{stage}_option_table")()


def options(stage: str) -> list[Option]:
    """The options of a stage (``"trim"``, ``"tune"``, ...), as the C library states them."""
    table = _table(stage)
    rows = []
    for i in range(table.count):
        row = table.options[i]
        choices = text_of(row.choices)
        rows.append(
            Option(
                str(text_of(row.name)),
                _TYPES[int(row.type)],
                text_of(row.default_value),
                row.minimum,
                row.maximum,
                tuple(choices.split("|")) if choices else (),
                str(text_of(row.help)),
            )
        )
    return rows


def _text(value: Any) -> str:
    if isinstance(value, (bool, np.bool_)):
        return "true" if value else "false"
    if isinstance(value, (float, np.floating)):
        return repr(float(value))
    if isinstance(value, (int, np.integer)):
        return str(int(value))
    if isinstance(value, os.PathLike):
        return str(os.fspath(value))
    if isinstance(value, (list, tuple)):
        return ",".join(_text(v) for v in value)
    return str(value)


class Filled:
    """Option structs of some stages, filled from keywords; texts live as long as this."""

    def __init__(self, stages: Iterable[str], keywords: Mapping[str, Any], title: str = "") -> None:
        self.structs: dict[str, Any] = {}
        self._texts: list[Any] = []
        self._tables = {stage: _table(stage) for stage in stages}
        for stage, table in self._tables.items():
            struct = ffi.new(f"prune_{stage}_options *")
            lib.prune_options_init(table, struct)
            self.structs[stage] = struct
        for keyword, value in keywords.items():
            if value is not None:
                self._set(keyword.replace("_", "-"), _text(value), title)

    def __getitem__(self, stage: str) -> Any:
        return self.structs[stage]

    def keep(self, text: Any) -> Any:
        """A C string that lives as long as the options."""
        pointer = ffi.new("char[]", os.fsencode(text))
        self._texts.append(pointer)
        return pointer

    def _set(self, name: str, text: str, title: str) -> None:
        """As on the command line: an option that several tables have is set in all of them, unless
        one means something else by the same word."""
        c_name, c_text = self.keep(name), self.keep(text)
        kind = None
        for stage, table in self._tables.items():
            row = lib.prune_options_find(table, c_name)
            if row == ffi.NULL or (kind is not None and row.type != kind):
                continue
            kind = row.type
            check(lib.prune_options_set(table, self.structs[stage], c_name, c_text))
        if kind is None:
            self._refuse(c_name, c_text, title)

    def _refuse(self, c_name: Any, c_text: Any, title: str) -> None:
        """The C library's message for an unknown name, with the nearest word of all tables."""
        rows = [t.options[i] for t in self._tables.values() for i in range(t.count)]
        merged = ffi.new("prune_option[]", [r for r in rows])
        table = ffi.new("prune_option_table *")
        table.stage = self.keep(title or next(iter(self._tables)))
        table.options = merged
        table.count = len(rows)
        check(lib.prune_options_set(table, ffi.NULL, c_name, c_text))


F = TypeVar("F", bound=Callable[..., Any])


def documented(*stages: str, skip: Iterable[str] = ()) -> Callable[[F], F]:
    """Adds the options of some stages to a function's docstring."""

    def decorate(function: F) -> F:
        seen = set(skip)
        lines = []
        for stage in stages:
            for option in options(stage):
                if option.keyword not in seen:
                    seen.add(option.keyword)
                    lines.append(option.describe())
        body = "\n".join(lines).replace("\n", "\n    ")
        base = (function.__doc__ or "").rstrip()
        function.__doc__ = f"{base}\n\n    Other Parameters\n    ----------------\n    {body}\n    "
        return function

    return decorate
