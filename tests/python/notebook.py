#!/usr/bin/env python3
"""notebook.py NOTEBOOK FOLDER: runs the code cells of a notebook in a fresh namespace.

Like a kernel, but in this process: the value of a cell's last expression is displayed, that is,
figures are written to FOLDER as PNG (to be looked at) and HTML forms are made. Any exception fails.
"""

from __future__ import annotations

import ast
import json
import sys
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
from matplotlib.figure import Figure


def display(value: Any, target: Path) -> None:
    if isinstance(value, Figure):
        value.savefig(target.with_suffix(".png"), dpi=80)
        print(f"  figure {target.with_suffix('.png').name}")
    elif hasattr(value, "_repr_html_"):
        html = value._repr_html_()
        if not html or "<" not in html:
            raise SystemExit(f"{type(value).__name__} has an empty display")
        target.with_suffix(".html").write_text(html, encoding="utf-8")
        print(f"  table {target.with_suffix('.html').name}")
    elif value is not None:
        print(" ", repr(value)[:300])


def run(cell: str, name: str, namespace: dict[str, Any], target: Path) -> None:
    tree = ast.parse(cell, name)
    last = tree.body[-1] if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    body = ast.Module(tree.body[:-1] if last else tree.body, [])
    exec(compile(body, name, "exec"), namespace)
    if last:
        display(
            eval(compile(ast.Expression(last.value), name, "eval"), namespace), target
        )


def main() -> None:
    path, folder = Path(sys.argv[1]), Path(sys.argv[2])
    notebook = json.loads(path.read_text(encoding="utf-8"))
    folder.mkdir(parents=True, exist_ok=True)
    namespace: dict[str, Any] = {"__name__": "__main__"}
    for i, cell in enumerate(notebook["cells"]):
        if cell["cell_type"] != "code":
            continue
        if cell["outputs"] or cell["execution_count"] is not None:
            raise SystemExit(
                f"{path}: cell {i} holds outputs; commit notebooks without them"
            )
        name = f"{path.name}[{i}]"
        print(name, flush=True)
        run("".join(cell["source"]), name, namespace, folder / f"{path.stem}-{i:02d}")


if __name__ == "__main__":
    main()
