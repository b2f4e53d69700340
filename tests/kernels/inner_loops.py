"""The inner loops of the hot kernels keep their sums in registers, and rows of AVX-512 fill them.

gcc spills accumulators when it pleases (2.4 times slower), and nothing but the disassembly shows
it. For every object file named below, the innermost loops that mostly consist of hot instructions
are looked at: none may touch the stack with vectors; moves between registers, which cost no more
than their place in the queue, stay few; and the main loop holds as many hot instructions as the
tile needs. Of other functions, some innermost loop must do so much arithmetic on 512 bits, and
touch the stack with none of them.

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
# Functions that are not products: how much one of their innermost loops computes on 512 bits.
WIDE = {
    "avx512/vector.c": {
        "pr_avx512_layer_norm": 8, "quantize_each": 3, "pr_avx512_quantize_rows": 8,
        "pr_avx512_resize_row": 4, "pr_avx512_max_row": 4, "pr_avx512_exp2_row": 40,
        "pr_avx512_weigh_row": 36, "pr_avx512_activate": 14, "pr_avx512_add": 1},
    "amx/attention.c": {"weigh_some": 12, "attend_blocks": 8},
    "amx/igemm.c": {"finish16_i32": 56},
    "amx/bgemm.c": {"finish16_f32": 56},
    "avx512vnni/igemm.c": {"pr_avx512vnni_i16_panel": 12},
}
ARITHMETIC = re.compile(r"^v(f?n?m(add|sub)\d+ps|(add|sub|mul|max|min)ps|p(add|and)d|pdpwssd|"
                        r"reduceps|scalefps|cvt\w+) .*%zmm")
MOST_MOVES = 1 / 6
SHARE = {"amx/igemm.c": 0.1, "amx/bgemm.c": 0.1}
LINE = re.compile(r"^\s*([0-9a-f]+):\s+(.*)$")
JUMP = re.compile(r"^j\w+\s+([0-9a-f]+)\b")
MOVE = re.compile(r"^vmov\w+\s+%[xyz]mm\d+,\s*%[xyz]mm\d+$")
SPILL = re.compile(r"^v\w+\s.*\(%r[sb]p\).*%[xyz]mm|^v\w+\s+%[xyz]mm.*\(%r[sb]p\)")


def functions(disassembly):
    """Names and lists of (address, instruction)."""
    name, lines = "", []
    for text in disassembly.splitlines():
        match = LINE.match(text)
        if match:
            instruction = match.group(2).split("#")[0].split("<")[0].strip()
            lines.append((int(match.group(1), 16), re.sub(r"\s+", " ", instruction)))
        elif text.endswith(">:"):
            if lines:
                yield name, lines
            name, lines = text.split("<")[1].split(".")[0].rstrip(">:"), []
    if lines:
        yield name, lines


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
    for _, lines in functions(disassembly):
        for loop in innermost_loops(lines):
            count = sum(1 for text in loop if re.match(pattern, text))
            if count < SHARE.get(name, 0.35) * len(loop) or count == 0:
                continue
            if any(text.startswith("vminps") for text in loop):
                continue  # an activation in an epilogue: WIDE looks at those
            most = max(most, count)
            yield from (f"{name}: a loop with {count} hot instructions has '{text}'"
                        for text in loop if SPILL.search(text))
            moves = sum(1 for text in loop if MOVE.match(text))
            if moves > MOST_MOVES * count:
                yield f"{name}: a loop with {count} hot instructions has {moves} moves"
    if most < wanted:
        yield f"{name}: no inner loop has {wanted} of {pattern.split()[0]}, at most {most}"


def narrow_rows(name, disassembly):
    most = {}
    for function, lines in functions(disassembly):
        if function not in WIDE[name]:
            continue
        for loop in innermost_loops(lines):
            count = sum(1 for text in loop if ARITHMETIC.match(text))
            if not any(SPILL.search(text) and "%zmm" in text for text in loop):
                most[function] = max(most.get(function, 0), count)
    for function, wanted in WIDE[name].items():
        if most.get(function, 0) < wanted:
            yield (f"{name}: no inner loop of {function} has {wanted} instructions on 512 bits and "
                   f"none on the stack, at most {most.get(function, 0)}")


def main():
    tool = shutil.which("objdump")
    if tool is None:
        print("SKIP: objdump is missing (Debian: binutils); inner loops were not looked at")
        return 77  # ctest's "skipped"
    found, wrong = 0, []
    for path in sys.argv[1:]:
        name = next((n for n in HOT.keys() | WIDE.keys() if path.endswith(f"kernels/{n}.o")), None)
        if name is None:
            continue
        found += 1
        run = subprocess.run([tool, "-d", "--no-show-raw-insn", path], check=True,
                             capture_output=True, text=True)
        if name in HOT:
            wrong += complaints(name, run.stdout)
        if name in WIDE:
            wrong += narrow_rows(name, run.stdout)
    if found != len(HOT.keys() | WIDE.keys()):
        wrong.append(f"{found} object files were given, {len(HOT.keys() | WIDE.keys())} wanted")
    for line in wrong:
        print(line)
    print(f"{found} object files looked at")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
