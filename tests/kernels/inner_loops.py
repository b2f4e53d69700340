"""The inner loops of the hot kernels keep their sums in registers.

gcc spills accumulators when it pleases (2.4 times slower), and nothing but the disassembly shows
it. For every object file named below, the innermost loops that mostly consist of hot instructions
are looked at: none may touch the stack with vectors; moves between registers, which cost no more
than their place in the queue, stay few; and the main loop holds as many hot instructions as the
tile needs.

    inner_loops.py OBJECT...
"""

import re
import shutil
import subprocess
import sys

# Folder and file of an object, its hot instructions, and how many of them the main loop has. A loop
# counts where they are a good part of it: epilogues have multiply-adds as well.
HOT = {
    "avx2/igemm.c": (r"vpmaddwd .*%ymm|vpaddd .*%ymm", 24),
    "avx2/sgemm.c": (r"vfmadd\d+ps .*%ymm", 12),
    "avxvnni/igemm.c": (r"(\{vex\} )?vpdpbusd .*%ymm", 12),
    "avx512/igemm.c": (r"vpmaddwd .*%zmm|vpaddd .*%zmm", 12),
    "avx512/sgemm.c": (r"vfmadd\d+ps .*%zmm", 24),
    "avx512vnni/igemm.c": (r"vpdpbusd .*%zmm", 12),
    "amx/igemm.c": (r"tdpbssd ", 4),
    "amx/bgemm.c": (r"tdpbf16ps ", 4),
}
MOST_MOVES = 1 / 6
SHARE = {"amx/igemm.c": 0.1, "amx/bgemm.c": 0.1}
LINE = re.compile(r"^\s*([0-9a-f]+):\s+(.*)$")
JUMP = re.compile(r"^j\w+\s+([0-9a-f]+)\b")
MOVE = re.compile(r"^vmov\w+\s+%[xyz]mm\d+,\s*%[xyz]mm\d+$")
SPILL = re.compile(r"^v\w+\s.*\(%r[sb]p\).*%[xyz]mm|^v\w+\s+%[xyz]mm.*\(%r[sb]p\)")


def functions(disassembly):
    """Lists of (address, instruction) by function."""
    lines = []
    for text in disassembly.splitlines():
        match = LINE.match(text)
        if match:
            instruction = match.group(2).split("#")[0].split("<")[0].strip()
            lines.append((int(match.group(1), 16), re.sub(r"\s+", " ", instruction)))
        elif text.endswith(">:") and lines:
            yield lines
            lines = []
    if lines:
        yield lines


def innermost_loops(lines):
    """Instructions between a jump and the earlier place it goes to, without loops inside."""
    spans = []
    for address, instruction in lines:
        match = JUMP.match(instruction)
        if match and lines[0][0] <= int(match.group(1), 16) < address:
            spans.append((int(match.group(1), 16), address))
    for begin, end in spans:
        if not any((b, e) != (begin, end) and begin <= b and e <= end for b, e in spans):
            yield [text for address, text in lines if begin <= address <= end]


def complaints(name, disassembly):
    pattern, wanted = HOT[name]
    most = 0
    for lines in functions(disassembly):
        for loop in innermost_loops(lines):
            count = sum(1 for text in loop if re.match(pattern, text))
            if count < SHARE.get(name, 0.35) * len(loop) or count == 0:
                continue
            most = max(most, count)
            yield from (f"{name}: a loop with {count} hot instructions has '{text}'"
                        for text in loop if SPILL.search(text))
            moves = sum(1 for text in loop if MOVE.match(text))
            if moves > MOST_MOVES * count:
                yield f"{name}: a loop with {count} hot instructions has {moves} moves"
    if most < wanted:
        yield f"{name}: no inner loop has {wanted} of {pattern.split()[0]}, at most {most}"


def main():
    tool = shutil.which("objdump")
    if tool is None:
        print("SKIP: objdump is missing (Debian: binutils); inner loops were not looked at")
        return 77  # ctest's "skipped"
    found, wrong = 0, []
    for path in sys.argv[1:]:
        name = next((n for n in HOT if path.endswith(f"kernels/{n}.o")), None)
        if name is None:
            continue
        found += 1
        run = subprocess.run([tool, "-d", "--no-show-raw-insn", path], check=True,
                             capture_output=True, text=True)
        wrong += complaints(name, run.stdout)
    if found != len(HOT):
        wrong.append(f"{found} of {len(HOT)} object files were given")
    for line in wrong:
        print(line)
    print(f"{found} object files looked at")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
