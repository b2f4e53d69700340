"""Regenerates reference_pictures.h and golden/kinds/: picture files of the rarer kinds, with what
Pillow's exif_transpose and convert("RGB") read from them. OpenCV must read the same, but for JPEG
rounding.

    python3 tests/image/make_pictures.py

The tests need neither: the results are committed.
"""
import pathlib
import struct
import zlib

import cv2
import numpy as np
from PIL import Image, ImageOps

here = pathlib.Path(__file__).parent
kinds = here / "golden" / "kinds"
kinds.mkdir(parents=True, exist_ok=True)
lines = ["/* Made by make_pictures.py with Pillow %s, OpenCV %s. */"
         % (Image.__version__, cv2.__version__), "#include <stdint.h>", ""]
rng = np.random.default_rng(11)
H, W = 9, 11


def emit(name, array):
    lines.append("static const uint8_t %s[] = {" % name)
    row = "   "
    for v in array.flatten():
        if len(row) + len(str(v)) > 96:
            lines.append(row)
            row = "   "
        row += " %d," % v
    lines.extend([row, "};", ""])


def expect(file, tolerance=0):
    """What a reader must find: Pillow's pixels, and OpenCV's."""
    path = kinds / file
    rgb = np.asarray(ImageOps.exif_transpose(Image.open(path)).convert("RGB"))
    other = cv2.imread(str(path), cv2.IMREAD_COLOR)[..., ::-1]
    assert rgb.shape == other.shape, (file, rgb.shape, other.shape)
    apart = np.abs(rgb.astype(int) - other).max()
    assert apart <= tolerance, (file, apart)
    emit(file.replace(".", "_"), rgb)


def png(file, kind, depth, samples, interlaced=False, chunks=()):
    """Writes h x w x channels samples of `depth` bits as PNG colour type `kind`."""
    h, w, channels = samples.shape

    def packed(part):
        out = b""
        for row in part:
            bits = "".join(format(int(v), "0%db" % depth) for v in row.flatten())
            bits += "0" * (-len(bits) % 8)
            out += b"\0" + bytes(int(bits[i:i + 8], 2) for i in range(0, len(bits), 8))
        return out

    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(
            ">I", zlib.crc32(name + data))
    adam7 = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2),
             (1, 0, 2, 1)]
    parts = [samples[y::dy, x::dx] for y, x, dy, dx in adam7] if interlaced else [samples]
    data = b"".join(packed(p) for p in parts if p.size)
    (kinds / file).write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", w, h, depth, kind, 0, 0,
                                                          int(interlaced)))
        + b"".join(chunk(*c) for c in chunks) + chunk(b"IDAT", zlib.compress(data, 9))
        + chunk(b"IEND", b""))


def noise(bits, channels):
    return rng.integers(0, 1 << bits, (H, W, channels), dtype=np.uint16)


colours = rng.integers(0, 256, (16, 3), dtype=np.uint8).tobytes()
transparent = (b"tRNS", bytes(range(0, 256, 16)))
for file, kind, depth, channels, interlaced, chunks in (
        ("rgb16.png", 2, 16, 3, False, ()),
        ("rgba8.png", 6, 8, 4, False, ()),
        ("rgba16_interlaced.png", 6, 16, 4, True, ()),
        ("greyalpha8.png", 4, 8, 2, False, ()),
        ("grey4.png", 0, 4, 1, False, ()),
        ("grey2_interlaced.png", 0, 2, 1, True, ()),
        ("rgb8_interlaced.png", 2, 8, 3, True, ()),
        ("palette4_transparent.png", 3, 4, 1, False, ((b"PLTE", colours), transparent)),
        ("palette1_interlaced.png", 3, 1, 1, True, ((b"PLTE", colours[:6]),))):
    png(file, kind, depth, noise(depth, channels), interlaced, chunks)
    expect(file)
# Pillow saturates 16-bit grey (I;16) instead of scaling it, and takes the upper half of grey with
# alpha: the upper halves are what OpenCV reads in both.
grey = noise(16, 1)
png("grey16.png", 0, 16, grey)
emit("grey16_png", np.repeat(grey >> 8, 3, axis=2))
assert (cv2.imread(str(kinds / "grey16.png"))[..., :1] == grey >> 8).all()
png("greyalpha16.png", 4, 16, np.dstack([grey, noise(16, 1)]))
emit("greyalpha16_png", np.repeat(grey >> 8, 3, axis=2))


def exif(orientation, order):
    """A TIFF structure with another tag in front, in either byte order."""
    mark = {"<": b"II", ">": b"MM"}[order]
    return mark + struct.pack(order + "HIH", 42, 8, 2) + struct.pack(
        order + "HHIHH", 0x0100, 3, 1, W, 0) + struct.pack(
        order + "HHIHH", 0x0112, 3, 1, orientation, 0) + struct.pack(order + "I", 0)


photo = cv2.resize(rng.integers(0, 256, (3, 4, 3), dtype=np.uint8), (W, H),
                   interpolation=cv2.INTER_CUBIC)
for k in range(1, 9):
    file = "orientation%d.jpg" % k
    Image.fromarray(photo).save(kinds / file, quality=92, subsampling=0, progressive=k % 2 == 0,
                                exif=b"Exif\0\0" + exif(k, "<>"[k // 2 % 2]))
    expect(file, 4)
png("orientation6.png", 2, 8, photo, False, ((b"eXIf", exif(6, ">")),))
expect("orientation6.png")
# Depth is never turned: here Pillow and OpenCV have no say.
png("depth_orientation6.png", 0, 16, grey, False, ((b"eXIf", exif(6, "<")),))
Image.fromarray(photo).convert("CMYK").save(kinds / "cmyk.jpg", quality=92)
expect("cmyk.jpg", 4)
Image.fromarray(photo[..., 1]).save(kinds / "grey.jpg", quality=92)
expect("grey.jpg", 4)
(here / "reference_pictures.h").write_text("\n".join(lines))
