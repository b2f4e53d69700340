"""Small HTML for notebooks: tables and thumbnails, readable on light and dark pages."""

from __future__ import annotations

import base64
import html
import struct
import zlib
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

_CELL = "padding:2px 10px;text-align:{};border:none"


def table(header: Sequence[str], rows: Iterable[Sequence[Any]], title: str = "") -> str:
    """A table; all columns but the first are numbers to the right."""
    parts = [f"<div><b>{html.escape(title)}</b>" if title else "<div>", "<table><thead><tr>"]
    for i, name in enumerate(header):
        style = _CELL.format("right" if i else "left")
        parts.append(f'<th style="{style}">{html.escape(str(name))}</th>')
    parts.append("</tr></thead><tbody>")
    for row in rows:
        cells = (
            f'<td style="{_CELL.format("right" if i else "left")}">{html.escape(str(cell))}</td>'
            for i, cell in enumerate(row)
        )
        parts.append(f"<tr>{''.join(cells)}</tr>")
    parts.append("</tbody></table></div>")
    return "".join(parts)


def png(rgb: NDArray[np.uint8]) -> bytes:
    """A picture as PNG bytes: no imaging package is needed for a thumbnail."""
    height, width, _ = rgb.shape

    def chunk(kind: bytes, data: bytes) -> bytes:
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    rows = np.zeros((height, 1 + 3 * width), np.uint8)
    rows[:, 1:] = rgb.reshape(height, -1)
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(rows.tobytes(), 6))
        + chunk(b"IEND", b"")
    )


def picture(rgb: NDArray[np.uint8], width: int, alt: str) -> str:
    step = max(1, rgb.shape[1] // (2 * width))
    data = base64.b64encode(png(np.ascontiguousarray(rgb[::step, ::step]))).decode()
    return (
        f'<img width="{width}" alt="{html.escape(alt)}" title="{html.escape(alt)}" '
        f'style="margin:2px" src="data:image/png;base64,{data}">'
    )


def thumbnails(samples: Any, count: int = 4) -> str:
    """Head line and a few pictures of a data set."""
    total = len(samples)
    chosen = sorted({round(i * (total - 1) / max(count - 1, 1)) for i in range(min(count, total))})
    pictures = []
    for i in chosen:
        sample = samples[i]
        pictures.append(picture(sample.image, 220, sample.name))
    return f"<div>{html.escape(repr(samples))}</div><div>{''.join(pictures)}</div>"
