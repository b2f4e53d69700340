"""The networks that are measured, as files: made once in the work folder, kept while nothing
changes that they are made from."""
import hashlib
import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = ROOT / "build/release/bin"
CALIBRATION, MEASURED, TEST = 5, 6, 991  # seeds of rendered streets

SIZES = [(518, 518), (252, 840)]


class Model:
    """One network: how it is made or found, its sizes, how it is quantized, on how many pictures."""

    def __init__(self, name, title, sizes, new=None, path=None, quantize=(), scenes="518x518",
                 pictures=8):
        self.name, self.title, self.sizes, self.pictures = name, title, sizes, pictures
        self.new, self.path, self.quantize, self.scenes = new, path, list(quantize), scenes


def vit(width, heads, neck, fusion, head):
    return ["--width", width, "--blocks", 12, "--heads", heads, "--hidden", 4 * width, "--neck",
            neck, "--fusion", fusion, "--head", head, "--input-height", 518, "--input-width", 518,
            "--max-depth", 0, "--seed", 1]


def catalogue(rt_monodepth):
    """Random weights have nothing that a judge could find worse, so no scan: all layers but the
    default ones are INT8, attention too, and the error is what it is. Ranges of the least squared
    error suit them; real networks want the margin that is the default (README.md). B takes four
    times as long to calibrate, in every engine, and gets fewer pictures."""
    plain = ["--no-scan", "--attention", "int8", "--observer", "mse", "--margin", 0]
    models = [
        Model("s", "Depth Anything V2 S, seeded random weights", SIZES, pictures=24,
              new=vit(384, 6, "48,96,192,384", 64, 32),
              quantize=[*plain, "--views", 48, "--rounding", "compensated", "--rounding-views", 48]),
        Model("b", "Depth Anything V2 B, seeded random weights", SIZES,
              new=vit(768, 12, "96,192,384,768", 128, 32), quantize=[*plain, "--views", 24]),
        Model("bundled", "The bundled model", [(98, 322)],
              path=ROOT / "pipelines/models/bundled.safetensors.zst",
              quantize=["--views", 24], scenes="196x644"),
    ]
    if rt_monodepth:
        models.append(Model("rt-monodepth-s", "RT-MonoDepth-S, its pretrained weights",
                            [(192, 640)], path=Path(rt_monodepth),
                            quantize=["--no-scan", "--views", 24], scenes="196x644"))
    return models


def digest(path):
    """Of a file's content, or of all files of a folder."""
    path, total = Path(path), hashlib.sha256()
    for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
        if file.is_file():
            total.update(file.name.encode() + file.read_bytes())
    return total.hexdigest()[:16]


def prune(*arguments):
    """Runs the program; its messages come with the error."""
    done = subprocess.run([PROGRAMS / "prune", *map(str, arguments)], capture_output=True,
                          text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"prune {arguments[0]}: {done.stderr.strip()}")
    return done.stdout


class Store:
    """The work folder: model files, pictures, prepared inputs."""

    def __init__(self, folder, reuse=False):
        self.folder, self.reuse = Path(folder), reuse
        self.folder.mkdir(parents=True, exist_ok=True)
        self.build = digest(PROGRAMS / "prune")[:8]

    def made(self, name, make):
        """Path of a file that make(temporary path) writes when it is not there."""
        path = self.folder / name
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            part = path.with_name("part-" + path.name)
            make(part)
            os.replace(part, path)
        return path

    def scenes(self, size, seed, frames):
        """Each frame shows another street: pictures of one street are hardly more than one."""
        return self.made(f"scenes-{size}-{seed}-{frames}",
                         lambda part: prune("synth", part, "--size", size, "--seed", seed,
                                            "--frames", frames, "--drive-frames", 1, "--quiet"))

    def floats(self, model):
        """The model in floating point."""
        if model.path:
            return model.path
        return self.made(f"{model.name}.safetensors",
                         lambda part: prune("new", *model.new, "-o", part, "--quiet",
                                            "--container", "plain"))

    def integers(self, model):
        """The same in INT8, packed; by this build, whose quantizer may have changed."""
        if self.reuse:
            old = sorted(self.folder.glob(f"{model.name}-int8-????????.safetensors.zst"),
                         key=lambda path: path.stat().st_mtime)
            if old:
                return old[-1]
        scenes = self.scenes(model.scenes, CALIBRATION, model.pictures)
        recipe = repr((self.build, model.pictures, model.quantize))
        key = hashlib.sha256(recipe.encode()).hexdigest()[:8]
        return self.made(f"{model.name}-int8-{key}.safetensors.zst",
                         lambda part: prune("quantize", self.floats(model), "--images", scenes,
                                            *model.quantize, "--quiet", "--container", "packed",
                                            "-o", part))

    def calibration(self, model, size):
        """What peers calibrate on, prepared for this size: raw floats."""
        return self.prepared(model, size, "calibration", CALIBRATION, model.pictures)

    def picture(self, model, size):
        """What everybody is timed and judged on; nobody was calibrated on it."""
        return self.prepared(model, size, "picture", MEASURED, 1)

    def prepared(self, model, size, name, seed, frames):
        scenes = self.scenes(model.scenes, seed, frames)
        files = sorted(path for path in scenes.rglob("*.png") if "groundtruth" not in str(path))
        if len(files) != frames:
            raise RuntimeError(f"{scenes}: {len(files)} pictures, {frames} expected")
        return self.made(f"{model.name}-{size[0]}x{size[1]}-{name}-{frames}.f32",
                         lambda part: subprocess.run(
                             [PROGRAMS / "bench_worker", "prepare", self.floats(model),
                              f"{size[0]}x{size[1]}", part, *files], check=True))

    def outputs(self, name):
        path = self.folder / "outputs"
        path.mkdir(exist_ok=True)
        return path / f"{name}.f32"
