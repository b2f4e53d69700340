"""Turns the public C headers into declarations for CFFI.

There is no second list of functions: what a header declares is what Python can call. The headers
are plain enough for that (no macros in signatures), and what this file does not understand is an
error, so that the two cannot drift apart silently. The compiler then checks every signature and
struct against the headers themselves.
"""

from __future__ import annotations

import re
from pathlib import Path

#: Headers with weaker promises that the package needs all the same.
_SYSTEM = ("sys/error.h",)

_COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL)
_CPLUSPLUS = re.compile(r"^#ifdef __cplusplus\n.*?^#endif\n", re.MULTILINE | re.DOTALL)
_GUARD = re.compile(
    r"^#ifndef (PRUNE_\w+_H)\n#define \1\n(.*)^#endif\n*\Z", re.MULTILINE | re.DOTALL
)
_INCLUDE = re.compile(r"^#include <([^>]+)>\n", re.MULTILINE)
_FUNCTION = re.compile(r"\b(prune_\w+)\s*\(")


def headers(include: Path) -> list[str]:
    """Names of the public headers, each after those that it includes."""
    folder = include / "prune"
    names = sorted(path.name for path in folder.glob("*.h")) + list(_SYSTEM)
    ordered: list[str] = []

    def visit(name: str) -> None:
        if name in ordered:
            return
        for target in _INCLUDE.findall((folder / name).read_text(encoding="utf-8")):
            if target.startswith("prune/"):
                visit(target[len("prune/") :])
        ordered.append(name)

    for name in names:
        visit(name)
    return ordered


def _declarations(path: Path) -> str:
    text = _COMMENT.sub("", path.read_text(encoding="utf-8"))
    text = re.sub(r"[ \t]+$", "", text, flags=re.MULTILINE)
    guarded = _GUARD.search(text.strip() + "\n")
    if guarded is None:
        raise ValueError(f"{path}: no include guard PRUNE_..._H around the whole header")
    text = _INCLUDE.sub("", _CPLUSPLUS.sub("", guarded.group(2)))
    directive = re.search(r"^\s*#.*", text, re.MULTILINE)
    if directive:
        raise ValueError(f"{path}: cannot translate '{directive.group().strip()}' for CFFI")
    return re.sub(r"\n{2,}", "\n", text).strip()


def declarations(include: Path) -> str:
    """All public declarations as one text for ``FFI.cdef``."""
    parts = [
        f"/* {name} */\n{_declarations(include / 'prune' / name)}" for name in headers(include)
    ]
    return "\n\n".join(parts) + "\n"


def function_names(text: str) -> set[str]:
    """Names that the text declares as functions, found without a C parser: a cross-check."""
    flat = re.sub(r"\{[^{}]*\}", "", text)
    found = set()
    for statement in flat.split(";"):
        match = _FUNCTION.search(statement)
        if match and "typedef" not in statement:
            found.add(match.group(1))
    return found
