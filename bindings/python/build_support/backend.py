"""The build backend: scikit-build-core, plus the C sources in source distributions.

In a checkout the C tree lies two folders up and is built from there. A source distribution cannot
reach above its own folder, so it carries a copy in ``csource/``; CMakeLists.txt takes that one
where it exists.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

from scikit_build_core.build import (
    build_editable,
    build_wheel,
    get_requires_for_build_editable,
    get_requires_for_build_sdist,
    get_requires_for_build_wheel,
    prepare_metadata_for_build_editable,
    prepare_metadata_for_build_wheel,
)
from scikit_build_core.build import build_sdist as _build_sdist

__all__ = [
    "build_editable",
    "build_sdist",
    "build_wheel",
    "get_requires_for_build_editable",
    "get_requires_for_build_sdist",
    "get_requires_for_build_wheel",
    "prepare_metadata_for_build_editable",
    "prepare_metadata_for_build_wheel",
]

#: What the libraries are built from, relative to the repository's root.
C_SOURCES = ("CMakeLists.txt", "LICENSE", "cmake", "include", "libprune", "eval", "pipelines")
_IGNORED = shutil.ignore_patterns("__pycache__", "build", "dist", ".*", "*.pyc")


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, ignore=_IGNORED)
    else:
        shutil.copy2(source, target)


def build_sdist(sdist_directory: str, config_settings: Any = None) -> str:
    """Builds from a scratch copy of the package folder with the C tree inside."""
    here = Path.cwd()
    output = Path(sdist_directory).resolve()
    if (here / "csource").is_dir():  # already unpacked from a source distribution
        return str(_build_sdist(str(output), config_settings))
    with tempfile.TemporaryDirectory() as scratch:
        package = Path(scratch) / "package"
        _copy(here, package)
        (package / "csource").mkdir()
        for name in C_SOURCES:
            _copy(here.parent.parent / name, package / "csource" / name)
        _copy(here.parent.parent / "LICENSE", package / "LICENSE")
        os.chdir(package)
        try:
            return str(_build_sdist(str(output), config_settings))
        finally:
            os.chdir(here)
