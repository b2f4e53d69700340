#!/usr/bin/env python3
"""Checks the rules of the house (docs/architecture.md) that a compiler does not.

check_law.py ROOT prints one line per violation and exits 1 when there is any.
"""
import re
import sys
from pathlib import Path

# A room uses itself and the rooms named here, with whatever those use in turn.
ROOMS = {
    "libprune/base": [],
    "libprune/kernels": ["libprune/base"],
    "libprune/tensor": ["libprune/base", "libprune/kernels"],
    "libprune/image": ["libprune/tensor"],
    "libprune/formats": ["libprune/tensor"],
    "libprune/graph": ["libprune/tensor"],
    "libprune/ops": ["libprune/graph", "libprune/kernels"],
    "libprune/passes": ["libprune/ops"],
    "libprune/models": ["libprune/passes", "libprune/formats", "libprune/image"],
    "libprune/interpreter": ["libprune/passes"],
    "libprune/session": ["libprune/passes", "libprune/image"],
    "libprune/samples": ["libprune/image"],
    "libprune/measure": ["libprune/session"],
    "libprune/train": ["libprune/interpreter", "libprune/samples", "libprune/formats"],
    "libprune/pruning": ["libprune/train", "libprune/measure"],
    "libprune/quant": ["libprune/train", "libprune/measure"],
    # Public API only: nothing of libprune.
    "eval": [],
    "pipelines": [],
}

# Third-party headers and the folders that may include them.
THIRD_PARTY = {
    "cblas.h": ["libprune/kernels"],
    "png.h": ["libprune/image"],
    "zlib.h": ["libprune/image"],  # constants for libpng
    "jpeglib.h": ["libprune/image"],
    "jerror.h": ["libprune/image"],
    "zstd.h": ["libprune/formats"],
    "zstd_errors.h": ["libprune/formats"],
    "jansson.h": ["libprune", "include/prune/sys"],  # others through <prune/sys/json.h>
    "yaml.h": ["pipelines/recipe"],
}

# The system's own headers that any room may include.
SYSTEM = re.compile(
    r"^(assert|ctype|dirent|errno|fcntl|fenv|float|fnmatch|ftw|getopt|glob|inttypes|libgen|limits|"
    r"locale|malloc|math|poll|pthread|pwd|sched|semaphore|setjmp|signal|spawn|stdalign|stdarg|"
    r"stdatomic|stdbool|stddef|stdint|stdio|stdlib|stdnoreturn|string|strings|time|unistd|"
    r"wchar|cpuid|immintrin|arm_neon|emmintrin|xmmintrin|"
    r"(sys|linux)/[a-z_0-9]+)\.h$")

# The library never prints, exits or aborts, and takes memory from the context only.
FORBIDDEN = re.compile(
    r"\b(printf|vprintf|puts|putchar|perror|exit|_exit|quick_exit|abort|assert|"
    r"malloc|calloc|realloc|strdup|system|popen)\s*\(|\bf(?:printf|puts)\s*\(\s*(?:stdout|stderr)\b"
    r"|\bfputs\s*\([^;]*\b(?:stdout|stderr)\s*\)")

MAX_LINES = 800
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.MULTILINE)


def room_of(path):
    """The room of a repository path, or None: 'libprune/base/file.c' is in 'libprune/base'."""
    fitting = [room for room in ROOMS if path.startswith(room + "/")]
    return max(fitting, key=len) if fitting else None


def reachable(room):
    """The room itself and all that it may use."""
    found, stack = set(), [room]
    while stack:
        current = stack.pop()
        if current not in found:
            found.add(current)
            stack.extend(ROOMS[current])
    return found


def strip_comments(text):
    """C source without comments, with strings and characters emptied; lines keep their numbers."""
    token = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.DOTALL)

    def replace(match):
        kept = "\n" * match.group().count("\n")
        return kept if match.group()[0] == "/" else match.group()[0] + kept + match.group()[0]

    return token.sub(replace, text)


def line_of(text, position):
    return text.count("\n", 0, position) + 1


def sources(root):
    for folder in ("include", "libprune", "eval", "pipelines"):
        for path in sorted((root / folder).rglob("*")):
            if path.suffix in (".c", ".h", ".def"):
                yield path.relative_to(root).as_posix()


def check_quoted(path, room, target, root):
    if not (root / target).exists():
        return f"includes \"{target}\", which is not a path from the repository's root"
    other = room_of(target)
    if room is None:
        return f"is a public header and includes \"{target}\""
    if other is None or (other != room and other not in reachable(room)):
        return f"includes \"{target}\": {room} may not use {other or 'that folder'}"
    return None


def stands_in(path, folders):
    return any(path.startswith(folder + "/") for folder in folders)


def check_angled(path, room, target):
    if target.startswith("prune/"):
        apart = target.removeprefix("prune/") in APART - {"prune.h"}
        if apart and room is not None and room.startswith("libprune"):
            return f"includes <{target}>, which stands above libprune"
        return None
    if target in THIRD_PARTY:
        allowed = THIRD_PARTY[target]
        if not stands_in(path, allowed):
            return f"includes <{target}>, which belongs to {', '.join(allowed)}"
        return None
    if target.startswith("simde/") and path.startswith("tests/kernels/emulated/"):
        return None
    if not SYSTEM.match(target):
        return f"includes <{target}>, which is in no table of check_law.py"
    if room is None and not re.match(r"^(stdint|stddef|stdbool)\.h$", target):
        return f"is a public header and includes <{target}>"
    return None


def check_includes(root, path, text):
    room = room_of(path)
    for match in INCLUDE.finditer(text):
        kind, target = match.groups()
        problem = (check_quoted(path, room, target, root) if kind == '"'
                   else check_angled(path, room, target))
        if problem:
            yield f"{path}:{line_of(text, match.start())}: {problem}"


def include_graph(root, texts):
    graph = {}
    for path, text in texts.items():
        targets = []
        for kind, target in INCLUDE.findall(text):
            name = target if kind == '"' else "include/" + target
            if (root / name).exists():
                targets.append(name)
        graph[path] = targets
    return graph


def circles(graph):
    """One line for every file from which an include leads back to it."""
    state, found = {}, []

    def visit(path, trail):
        state[path] = "open"
        for target in graph.get(path, []):
            if state.get(target) == "open":
                loop = trail[trail.index(target):] + [target]
                found.append(f"{target}: includes go round: {' -> '.join(loop)}")
            elif target not in state:
                visit(target, trail + [target])
        state[path] = "done"

    for path in sorted(graph):
        if path not in state:
            visit(path, [path])
    return found


COVERS = re.compile(r"\bCovers:\s*((?:[\w/]+\.c(?:,\s*)?)+)")


def mirror_folders(path):
    """Where the test of a source file may stand. Kernels of all instruction sets are tested by one
    test, which runs every tier that the machine has."""
    parts = path.split("/")[:-1]
    if parts[0] == "libprune":
        parts = parts[1:]
    yield "/".join(["tests", *parts])
    if parts[0] == "kernels" and len(parts) > 1:
        yield "tests/kernels/portable"
        yield "tests/kernels"


def has_test(root, path):
    """test_x.c for x.c, or a test in that folder whose first comment says "Covers: x.c, y.c"."""
    name = path.rsplit("/", 1)[1]
    for folder in mirror_folders(path):
        if (root / folder / f"test_{name}").exists():
            return True
        for test in (root / folder).glob("test_*.c"):
            match = COVERS.search(test.read_text(encoding="utf-8")[:2000])
            covered = re.sub(r"[\s*]+", "", match.group(1)).split(",") if match else []
            if name in covered or "/".join(path.split("/")[-2:]) in covered:
                return True
    return False


def check_file(root, path, text):
    yield from check_includes(root, path, text)
    if path.endswith((".c", ".h")) and text.count("\n") > MAX_LINES:
        yield f"{path}: {text.count(chr(10))} lines; split it below {MAX_LINES}"
    if path.startswith("libprune/"):
        if room_of(path) is None:
            yield f"{path}: its folder is no room of check_law.py"
        code = strip_comments(text)
        for match in FORBIDDEN.finditer(code):
            yield (f"{path}:{line_of(code, match.start())}: calls {match.group().strip()}: the "
                   "library prints nothing, ends nothing and allocates through the context")
    if path.endswith(".c") and path.startswith(("libprune/", "eval/")):
        if not has_test(root, path):
            folder = next(mirror_folders(path))
            name = path.rsplit("/", 1)[1]
            yield f"{path}: no test {folder}/test_{name}, and none there says \"Covers: {name}\""


# Stand apart from libprune: they belong to the other two libraries.
APART = {"prune.h", "eval.h", "synth.h", "pipeline.h", "recipe.h"}


def check_umbrella(texts):
    """<prune/prune.h> is everything of libprune."""
    umbrella = "include/prune/prune.h"
    for path in texts:
        folder, name = path.rsplit("/", 1)
        if folder == "include/prune" and name not in APART and umbrella in texts:
            if f"<prune/{name}>" not in texts[umbrella]:
                yield f"{umbrella}: does not include <prune/{name}>"


def violations(root):
    texts = {path: (root / path).read_text(encoding="utf-8") for path in sources(root)}
    for path, text in texts.items():
        yield from check_file(root, path, text)
    yield from check_umbrella(texts)
    yield from circles(include_graph(root, texts))


def main():
    found = list(violations(Path(sys.argv[1])))
    for line in found:
        print(line)
    print(f"{len(found)} violations of the house's rules")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
