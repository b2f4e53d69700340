#!/usr/bin/env python3
"""picture.py WIDTH HEIGHT OUT.png OUT.rgb: a made-up scene, as PNG and as the same raw pixels."""
import struct
import sys
import zlib


def pixel(x, y, width, height):
    """A floor that gets lighter towards the camera, and a box on it."""
    if width // 3 < x < width // 2 and height // 3 < y < 3 * height // 4:
        return 200, 60 + x % 16, 40
    noise = (x * 7919 + y * 104729) % 13
    shade = 90 + 120 * y // height + noise
    return shade, shade - 20, shade // 2


def chunk(kind, data):
    body = kind + data
    return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))


def main():
    width, height = int(sys.argv[1]), int(sys.argv[2])
    rows = [b"".join(bytes(pixel(x, y, width, height)) for x in range(width)) for y in range(height)]
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    with open(sys.argv[3], "wb") as png:
        png.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header))
        png.write(chunk(b"IDAT", zlib.compress(b"".join(b"\0" + row for row in rows))))
        png.write(chunk(b"IEND", b""))
    with open(sys.argv[4], "wb") as raw:
        raw.write(b"".join(rows))


if __name__ == "__main__":
    main()
