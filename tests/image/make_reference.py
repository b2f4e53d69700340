"""Regenerates reference.h and golden/ with real OpenCV, Pillow and torch:

    python3 tests/image/make_reference.py

The tests need none of them: the results are committed.
"""
import pathlib

import cv2
import numpy as np
import torch
from PIL import Image

here = pathlib.Path(__file__).parent
lines = ["/* Made by make_reference.py with OpenCV %s, Pillow %s, torch %s. */"
         % (cv2.__version__, Image.__version__, torch.__version__.split("+")[0]),
         "#include <stdint.h>", ""]


def emit(name, array):
    kind = {"uint8": "uint8_t", "uint16": "uint16_t"}.get(str(array.dtype), "float")
    text = ["%d" % v if kind != "float" else "%.9gF" % v if "." in "%.9g" % v or "e" in "%.9g" % v
            else "%.1fF" % v for v in array.flatten()]
    lines.append("static const %s %s[] = {" % (kind, name))
    row = "   "
    for item in text:
        if len(row) + len(item) > 96:
            lines.append(row)
            row = "   "
        row += " " + item + ","
    lines.extend([row, "};", ""])


rng = np.random.default_rng(7)
H, W = 9, 13
image = rng.integers(0, 256, (H, W, 3), dtype=np.uint8)
grid = rng.uniform(0, 10, (H, W)).astype(np.float32)
emit("image_9x13", image)
emit("grid_9x13", grid)

for h, w in ((4, 6), (14, 20), (9, 20), (14, 13)):
    tag = "_%dx%d" % (h, w)
    pil = Image.fromarray(image)
    emit("pil_bicubic" + tag, np.asarray(pil.resize((w, h), Image.Resampling.BICUBIC)))
    emit("pil_lanczos" + tag, np.asarray(pil.resize((w, h), Image.Resampling.LANCZOS)))
for h, w in ((4, 6), (14, 20)):
    tag = "_%dx%d" % (h, w)
    emit("cv_cubic" + tag, cv2.resize(image / 255.0, (w, h), interpolation=cv2.INTER_CUBIC)
         .astype(np.float32))
    emit("cv_linear" + tag, cv2.resize(grid, (w, h), interpolation=cv2.INTER_LINEAR))
    t = torch.from_numpy(grid)[None, None]
    f = torch.nn.functional.interpolate
    emit("torch_corners" + tag, f(t, (h, w), mode="bilinear", align_corners=True).numpy())
    emit("torch_bilinear" + tag, f(t, (h, w), mode="bilinear", align_corners=False).numpy())
    emit("torch_cubic" + tag, f(t, (h, w), mode="bicubic", align_corners=False).numpy())

# One axis of 1242 -> 1722: shows rounding of coordinates to float32.
wide = (np.arange(1242) * 37 % 101 / np.float32(100)).astype(np.float32)[None]
emit("cv_cubic_wide_1722_every_17th", cv2.resize(wide, (1722, 1), interpolation=cv2.INTER_CUBIC)
     [:, ::17])

# Files of every kind, with what a reader must find in them.
golden = here / "golden"
golden.mkdir(exist_ok=True)
small = rng.integers(0, 256, (5, 7, 3), dtype=np.uint8)
emit("small_5x7", small)
Image.fromarray(small).save(golden / "rgb8.png")
cv2.imwrite(str(golden / "rgb16.png"), small[..., ::-1].astype(np.uint16) * 257)
grey = small[..., 0]
Image.fromarray(grey).save(golden / "grey8.png")
Image.fromarray((grey > 127).astype(np.uint8) * 255).convert("1").save(golden / "grey1.png")
alpha = rng.integers(0, 256, (5, 7), dtype=np.uint8)
emit("alpha_5x7", alpha)
Image.fromarray(np.dstack([small, alpha])).save(golden / "rgba8.png")
Image.fromarray(np.dstack([grey, alpha]), "LA").save(golden / "greyalpha8.png")
palette = Image.fromarray((np.arange(35) % 5).astype(np.uint8).reshape(5, 7), "P")
palette.putpalette(small[0, :5].flatten().tolist())
palette.save(golden / "palette.png")
depth = rng.integers(0, 65536, (5, 7), dtype=np.uint16)
depth[2, 3] = 0
emit("depth_5x7", depth)
cv2.imwrite(str(golden / "depth16.png"), depth)

photo = cv2.resize(small, (24, 16), interpolation=cv2.INTER_CUBIC)
for name, picture in (("rgb.jpg", Image.fromarray(photo)),
                      ("progressive.jpg", Image.fromarray(photo)),
                      ("grey.jpg", Image.fromarray(photo[..., 1]))):
    picture.save(golden / name, quality=90, progressive=name.startswith("prog"))
    emit("jpeg_" + name[:-4], np.asarray(Image.open(golden / name).convert("RGB")))
Image.fromarray(photo).convert("CMYK").save(golden / "cmyk.jpg", quality=95)
emit("photo_16x24", photo)

(here / "reference.h").write_text("\n".join(lines))
