"""Every source file is clean under clang as it is under gcc: the same warnings, as errors.

usage: clang.py COMPILE_COMMANDS [JOBS]

Parses and checks only (-fsyntax-only), with the commands of a build by gcc: a second build would
take minutes and find no more warnings. A file that several targets compile in the same way is
checked once.
"""

import json
import os
import shlex
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

CLANG = "clang-14"
# What only gcc knows is named in these commands; see cmake/warnings.cmake for the other one.
EXTRA = ["-fsyntax-only", "-Wno-unknown-warning-option", "-Wno-psabi"]
DROPPED_WITH_VALUE = {"-o", "-MF", "-MT", "-MQ"}
DROPPED = {"-c", "-MD", "-MMD"}


def clang_command(entry):
    """The command of a compile_commands.json entry, for clang and without output files."""
    words = shlex.split(entry["command"])
    while not os.path.basename(words[0]).startswith(("cc", "gcc", "c99", "x86_64")) or \
            os.path.basename(words[0]).startswith("ccache"):
        words.pop(0)
    kept, words = [], iter(words[1:])
    for word in words:
        if word in DROPPED_WITH_VALUE:
            next(words)
        elif word not in DROPPED:
            kept.append(word)
    return [CLANG, *kept, *EXTRA]


def check(job):
    folder, command = job
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return done.returncode, done.stderr


def main():
    if not shutil.which(CLANG):
        sys.exit(f"{CLANG}: not found; install it (Debian: apt-get install {CLANG})")
    with open(sys.argv[1], encoding="utf-8") as file:
        entries = json.load(file)
    jobs = {}
    for entry in entries:
        if entry["file"].endswith(".c"):
            command = clang_command(entry)
            jobs[(entry["directory"], *command)] = (entry["directory"], command)
    if not jobs:
        sys.exit(f"{sys.argv[1]}: no C files")
    count = int(sys.argv[2]) if len(sys.argv) > 2 else os.cpu_count()
    failed = 0
    with ThreadPoolExecutor(count) as pool:
        for code, text in pool.map(check, jobs.values()):
            if code:
                failed += 1
                print(text, end="", file=sys.stderr)
    print(f"clang: {len(jobs)} files, {failed} with errors or warnings")
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
