"""results.json as a page for people (results.md)."""
from . import goals


def table(header, rows):
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    return "\n".join(lines + ["| " + " | ".join(map(str, row)) + " |" for row in rows]) + "\n"


def ms(value):
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def error(value):
    return "-" if value is None else f"{value:.1e}" if value < 1e-4 else f"{value:.4f}"


def percent(value):
    return f"{100 * value:.0f} %" if value else "-"


def ratio(value):
    return "-" if value is None else f"{value:.2f}x"


def groups(whole, *kinds):
    return [r for r in whole["results"].values() if r.get("kind") in kinds]


def row_of(group, engine, threads=None):
    """The engine's row where it ran, else None."""
    for row in group["engines"]:
        if row["engine"] == engine and threads in (None, row["threads"]) and "error" not in row:
            return row
    return None


def faster(row, base):
    """How many times as fast `row` is as `base`, by the minima."""
    return base["minimum_ms"] / row["minimum_ms"] if row and base else None


def title(whole, group):
    return f"{whole['models'][group['model']]}, {group['size'][0]}x{group['size'][1]}"


def head(whole):
    m, v = whole["machine"], whole["versions"]
    lines = [f"{m.get('model name', 'processor')} (family {m.get('cpu family')}, model "
             f"{m.get('model')}), {m['usable']} of {m['processors']} processors, "
             f"{m['memory_gb']} GB of memory, {m.get('cache size', 'unknown')} cache per core; "
             f"instructions: {', '.join(m['instructions'])}. Tiers: {', '.join(whole['tiers'])}."]
    known = ", ".join(f"{k} {v[k]}" for k in v if k not in ("compiler",))
    lines.append(f"Measured {whole['date']} with `{whole['command']}`; {known}; {v['compiler']}.")
    return "\n\n".join(lines) + "\n"


INTRODUCTION = """# Results

Written by `benchmarks/bench.py`; do not edit. [README.md](README.md) says how this is measured.
Times are milliseconds for one picture, minimum (median); threads are pinned. Engines of one table
took turns in one run, each in a process of its own. Errors are the root mean square of the
difference to the FP32 interpreter's output over that output's standard deviation.
"""


def goal_table(whole):
    rows = [(g["goal"], g["at_least"], g["stretch"], g["measured"], g["why"])
            for g in goals.table(whole)]
    return ("## Goals\n\nThey are stated for two cores with AMX, S at 518x518. \"No such hardware "
            "here\" means that this machine lacks the instructions.\n\n"
            + table(["goal", "at least", "stretch", "measured here", "note"], rows))


def kernel_tables(whole):
    parts = ["## Limits and matrix kernels\n"]
    for name, result in whole["results"].items():
        if not name.startswith("kernels/"):
            continue
        threads = result["threads"]
        rows = [[p["isa"], *(f"{p[k]:.0f}" if p[k] else "-" for k in
                             ("fp32_gops", "int8_gops", "bf16_gops")),
                 ", ".join(f"{r['gb_per_second']:.0f} ({r['bytes'] / 1e6:.2g} MB)"
                           for r in p["read"])] for p in result["peaks"]]
        parts.append(f"\n{threads} thread{'s' if threads > 1 else ''}, measured limits (GOPS; "
                     "GB/s of reading a buffer of that size again and again):\n\n"
                     + table(["tier", "FP32", "INT8", "BF16", "reading"], rows))
        shapes = {}
        for k in result["kernels"]:
            shapes.setdefault((k["what"], k["m"], k["n"], k["k"]), []).append(k)
        columns = sorted({(k["kernel"], k["precision"]) for k in result["kernels"]})
        rows = []
        for (what, m, n, k), found in shapes.items():
            cells = {(f["kernel"], f["precision"]): f for f in found}
            rows.append([what, f"{m} x {n} x {k}"] + [kernel_cell(cells[c]) for c in columns])
        parts.append("\nGOPS (share of the tier's limit), epilogue and packing of rows included:\n\n"
                     + table(["layer", "m x n x k"] + [f"{a} {b}" for a, b in columns], rows))
    return "".join(parts)


def kernel_cell(kernel):
    share = f" ({100 * kernel['gops'] / kernel['limit_gops']:.0f} %)" if kernel["limit_gops"] else ""
    return f"{kernel['gops']:.0f}{share}"


def ours_tables(whole):
    rows = []
    for group in groups(whole, "ours"):
        for row in group["engines"]:
            if "error" in row:
                rows.append([title(whole, group), row["engine"], row["threads"],
                             f"failed: {row['error']}"] + ["-"] * 5)
                continue
            one = row_of(group, row["engine"], 1) if row["threads"] > 1 else None
            floats = row_of(group, "ours-fp32", row["threads"])
            rows.append([title(whole, group), row["precision"].upper(), row["threads"],
                         f"{ms(row['minimum_ms'])} ({ms(row['median_ms'])})",
                         ratio(faster(row, floats)), ratio(faster(row, one)), error(row["rms"]),
                         f"{row['session_bytes'] / 1e6:.0f}", f"{row['peak_bytes'] / 1e6:.0f}"])
    text = "## This library\n\n" + table(
        ["network", "precision", "threads", "ms", "against FP32", "against one thread", "error",
         "session MB", "process peak MB"], rows)
    rows = [[group["kind"].removeprefix("tier-"), row["engine"].split("-")[0] + " " +
             row["precision"].upper(), f"{ms(row['minimum_ms'])} ({ms(row['median_ms'])})",
             ratio(faster(row, row_of(group, group["engines"][0]["engine"])))]
            for group in whole["results"].values() if group.get("kind", "").startswith("tier-")
            for row in group["engines"] if "error" not in row]
    text += ("\nEach tier by itself, S at 518x518, one thread.\n\n" + table(["tier", "engine", "ms", "against our FP32"], rows))
    slow = [[title(whole, g), r["threads"], f"{ms(r['minimum_ms'])} ({ms(r['median_ms'])})",
             error(r["rms"])] for g in groups(whole, "bf16") for r in g["engines"]
            if "error" not in r]
    if slow:
        text += ("\nBF16 without AMX rounds operands and multiplies in FP32: its error is that of "
                 "AMX, its time is not.\n\n" + table(["network", "threads", "ms", "error"], slow))
    return text


def other_tables(whole):
    results, text = whole["results"], ""
    loads = [[whole["models"][r["model"]], r["threads"], ms(r["open_ms"]), ms(r["first_ms"]),
              ms(r["steady_ms"]), ms(r["open_ms"] + r["first_ms"] - r["steady_ms"])]
             for n, r in results.items() if n.startswith("load/")]
    if loads:
        text += ("\n## Load time\n\nThe packed INT8 file in a fresh process (best of five; the file "
                 "is in the page cache).\n\n"
                 + table(["network", "threads", "open, ms", "first depth map, ms",
                          "an inference, ms", "all but the inference, ms"], loads))
    steps = [r for n, r in results.items() if n.startswith("tuning/")]
    if steps:
        text += ("\n## Tuning\n\nA step of `prune tune` on Depth Anything V2 S at 518x518 with a "
                 "teacher, in seconds, and the same step in torch eager.\n\n"
                 + table(["batch", "threads", "ours", "torch", "ours is faster"],
                         [tuning_row(r) for r in steps]))
    found = results.get("accuracy/bundled")
    if found:
        rows = [[k.upper(), f"{v['abs_rel']:.4f}",
                 f"{v['abs_rel'] - found['fp32']['abs_rel']:+.4f}", v["frames"]]
                if "error" not in v else [k.upper(), v["error"], "-", "-"]
                for k, v in found.items()]
        text += ("\n## Accuracy\n\nThe bundled model on rendered scenes of seeds that it was neither "
                 f"trained nor calibrated on (protocol {found['fp32']['protocol']}, alignment "
                 f"{found['fp32']['align']}).\n\n"
                 + table(["precision", "abs_rel", "change", "frames"], rows))
    for name, result in results.items():
        if name.startswith("profile/"):
            rows = [[k["kernel"], k["steps"], ms(1e3 * k["seconds"]), percent(k["share"]),
                     f"{k['gops']:.0f}" if k["gops"] else "-", percent(k["limit_share"])]
                    for k in sorted(result["kinds"], key=lambda k: -k["seconds"])]
            _, model, word, threads = name.split("/")
            text += (f"\n### Where the time goes: {whole['models'][model]}, {word.upper()}, "
                     f"{'one thread' if threads == '1t' else 'two threads'}\n\n"
                     + table(["kernel", "steps", "ms", "share", "GOPS", "of the limit"], rows))
    return text


def tuning_row(result):
    def cell(row):
        if not row or "error" in row:
            return "-" if not row else "failed: " + row["error"].replace("|", "/")
        return f"{row['minimum_ms'] / 1e3:.2f} ({row['median_ms'] / 1e3:.2f})"

    ours, torch = (result["engines"].get(name) for name in ("ours", "torch"))
    gain = "-"
    if torch and "error" not in ours and "error" not in torch:
        gain = (f"{torch['minimum_ms'] / ours['minimum_ms']:.2f}x "
                f"({torch['median_ms'] / ours['median_ms']:.2f}x)")
    return [result["batch"], result["threads"], cell(ours), cell(torch), gain]


def peer_tables(whole):
    found = groups(whole, "torch", "torch-bf16", "onnxruntime", "openvino")
    if not found:
        return ""
    text = ("## Peers\n\nThe same weights, exported from our graph. *Ours is faster*: our FP32 "
            "against the peer's FP32, our INT8 against its INT8 (and BF16 where ours is not fast), "
            "by minima (by medians).\n")
    for key in sorted({(g["model"], tuple(g["size"])) for g in found}):
        mine = [g for g in found if (g["model"], tuple(g["size"])) == key]
        rows = []
        for group in mine:
            for row in group["engines"]:
                rows.append(peer_row(group, row))
        text += (f"\n### {title(whole, mine[0])}\n\n"
                 + table(["in turns with", "engine", "threads", "ms", "ours is faster", "error",
                          "peak MB"], rows))
    return text


def counterpart(group, row):
    """Our engine that a peer's row is held against."""
    order = {"fp32": ["ours-fp32"], "bf16": ["ours-bf16", "ours-int8", "ours-fp32"],
             "int8": ["ours-int8"]}[row["precision"]]
    for name in order:
        ours = row_of(group, name, row["threads"])
        if ours:
            return ours
    return None


def peer_row(group, row):
    name = row["engine"].replace("ours-", "**ours** ")
    if "error" in row:
        return [group["kind"], name, row["threads"], "failed: " + row["error"].replace("|", "/"),
                "-", "-", "-"]
    ours = None if row["engine"].startswith("ours") else counterpart(group, row)
    gain = "-"
    if ours:
        gain = (f"{row['minimum_ms'] / ours['minimum_ms']:.2f}x "
                f"({row['median_ms'] / ours['median_ms']:.2f}x)")
    return [group["kind"], name, row["threads"],
            f"{ms(row['minimum_ms'])} ({ms(row['median_ms'])})", gain, error(row["rms"]),
            f"{row['peak_bytes'] / 1e6:.0f}"]


def markdown(whole):
    parts = [INTRODUCTION, head(whole), goal_table(whole), kernel_tables(whole),
             ours_tables(whole), other_tables(whole), peer_tables(whole)]
    return "\n".join(part for part in parts if part)
