#!/usr/bin/env python3
"""The simplest guess: every pixel's mean depth over the training frames, for every test frame.

mean_depth.py TRAIN TEST OUT writes OUT/<name>.png (metres * 256) for every picture of TEST/image, to
be judged with `prune eval --predictions OUT TEST`. Needs numpy and pillow.
"""
import sys
from pathlib import Path

import numpy as np
from PIL import Image


def main(train, test, out):
    total = known = 0
    for path in sorted(Path(train, "groundtruth_depth").glob("*.png")):
        depth = np.asarray(Image.open(path)).astype(np.float64) / 256
        total = total + depth
        known = known + (depth > 0)
    mean = np.where(known > 0, total / np.maximum(known, 1), 80.0)
    picture = Image.fromarray(np.clip(np.rint(mean * 256), 1, 65535).astype(np.uint16))
    Path(out).mkdir(parents=True, exist_ok=True)
    for path in sorted(Path(test, "image").glob("*.png")):
        picture.save(Path(out, path.name))


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    main(*sys.argv[1:])
