"""The goals of the mission beside what was measured: [{"goal", "at_least", "stretch", "measured",
"why"}]. A goal that this machine cannot show says so; one that was missed says by how much."""

LACKS = "no such hardware here"
NOT = "not measured"


class Facts:
    """Questions to results.json. Everything is about S at 518x518 unless a model is named."""

    def __init__(self, whole):
        self.whole, self.results = whole, whole["results"]
        self.tiers = whole["tiers"]

    def groups(self, kind, model="s", size=(518, 518)):
        return [g for g in self.results.values()
                if g.get("kind") == kind and g["model"] == model
                and (size is None or tuple(g["size"]) == size)]

    def row(self, kind, engine, threads, model="s", size=(518, 518)):
        for group in self.groups(kind, model, size):
            for row in group["engines"]:
                if row["engine"] == engine and row["threads"] == threads and "error" not in row:
                    return row
        return None

    def gains(self, ours, wanted, model="s", size=(518, 518)):
        """{threads: (how many times as fast as the best such peer, its name)}: each peer is held
        against our time in its own group."""
        best = {}
        for kind in ("torch", "torch-bf16", "onnxruntime", "openvino"):
            for group in self.groups(kind, model, size):
                for row in group["engines"]:
                    if row["engine"].startswith("ours") or "error" in row:
                        continue
                    if row["precision"] not in wanted:
                        continue
                    mine = self.row(kind, ours, row["threads"], model, size)
                    if mine:
                        gain = row["minimum_ms"] / mine["minimum_ms"]
                        if row["threads"] not in best or gain < best[row["threads"]][0]:
                            best[row["threads"]] = (gain, row["engine"])
        return best

    def share(self, kernels, model="s"):
        """{threads: share of the limit} of all INT8 steps of these kernels together."""
        found = {}
        for threads in (1, 2):
            profile = self.results.get(f"profile/{model}/int8/{threads}t")
            kinds = [k for k in profile["kinds"] if k["kernel"] in kernels] if profile else []
            seconds = sum(k["seconds"] for k in kinds)
            if seconds:
                found[threads] = sum(k["limit_seconds"] for k in kinds) / seconds
        return found


def per_threads(found, form="{:.2f}x"):
    """'1.31x / 1.28x (1 / 2 threads)'"""
    if not found:
        return NOT
    values = [form.format(found[t][0] if isinstance(found[t], tuple) else found[t])
              for t in sorted(found)]
    words = " / ".join(map(str, sorted(found)))
    return " / ".join(values) + f" ({words} thread{'' if words == '1' else 's'})"


def verdict(value, goal, stretch, more=True):
    """In words, from the worst of the values."""
    def met(limit):
        return value >= limit if more else value <= limit
    if met(stretch):
        return "beyond the stretch goal"
    if met(goal):
        return "met"
    return f"missed: {value / goal:.0%} of the goal" if more else f"missed: {value / goal:.2f} times"


def against_peers(facts, ours, wanted, goal, stretch, **where):
    found = facts.gains(ours, wanted, **where)
    if not found:
        return NOT, "`make bench-peers` measures it"
    names = sorted({name for _, name in found.values()})
    return per_threads(found), (verdict(min(g for g, _ in found.values()), goal, stretch)
                                + f"; best peer: {', '.join(names)}")


def only_with(facts, tier, answer, instead=None):
    """The answer where the machine has the tier; else that it lacks it, and what it shows instead."""
    if tier in facts.tiers:
        return answer()
    measured, why = instead() if instead else (None, None)
    if not measured or measured == NOT:
        return LACKS, f"needs {tier}"
    return LACKS, f"needs {tier}; with {facts.tiers[-1]}: {measured}"


def floor(facts):
    """Time over the sum of the steps' times at the machine's limits."""
    found = {}
    for threads in (1, 2):
        profile = facts.results.get(f"profile/s/int8/{threads}t")
        if profile:
            limit = 1e3 * sum(k["limit_seconds"] for k in profile["kinds"])
            found[threads] = profile["minimum_ms"] / limit if limit else 0
    if not found:
        return NOT, ""
    return per_threads(found), verdict(max(found.values()), 6, 3.5, more=False)


def int8_on_avx2(facts):
    """Whole sessions against each other; products against OpenBLAS's, which no session uses."""
    floats, integers = (facts.row("tier-avx2", f"ours-{p}-avx2", 1) for p in ("fp32", "int8"))
    if not floats or not integers:
        return NOT, ""
    gain = floats["minimum_ms"] / integers["minimum_ms"]
    text, note = f"{gain:.2f}x (ours)", verdict(gain, 1.5, 1.8) + ", one thread"
    speeds = {}
    for k in facts.results.get("kernels/1t", {}).get("kernels", []):
        speeds.setdefault(k["what"], {})[k["kernel"], k["precision"]] = k["gops"]
    against = [s["avx2", "int8"] / s["openblas", "fp32"] for s in speeds.values()
               if ("avx2", "int8") in s and ("openblas", "fp32") in s]
    if against:
        text += f", {min(against):.2f}x to {max(against):.2f}x (products, OpenBLAS)"
    return text, note


def shares(facts):
    gemm, conv = facts.share(("igemm",)), facts.share(("iconv", "itranspose"))
    if not gemm:
        return NOT, ""
    text = (f"GEMM {per_threads(gemm, '{:.0%}')}, convolutions {per_threads(conv, '{:.0%}')}, "
            f"of {facts.tiers[-1]}'s limit")
    if facts.tiers[-1] in ("avx2", "avx512", "portable"):
        return text, ("the goals are for AMX and VNNI: " + LACKS + ". Winograd convolutions do "
                      "fewer multiplications than the layer has")
    goal, stretch = (0.3, 0.5) if facts.tiers[-1] == "amx" else (0.75, 0.88)
    return text, verdict(min(min(gemm.values()), min(conv.values(), default=1)), goal, stretch)


def two_threads(facts):
    found = {}
    for word in ("fp32", "int8"):
        one, two = (facts.row("ours", f"ours-{word}", t) for t in (1, 2))
        if one and two:
            found[word] = one["minimum_ms"] / two["minimum_ms"]
    if not found:
        return NOT, "one processor" if facts.whole["machine"]["usable"] < 2 else ""
    return (", ".join(f"{v:.2f}x ({k.upper()})" for k, v in found.items()),
            verdict(min(found.values()), 1.8, 1.95))


def memory(facts):
    rows = [facts.row("ours", "ours-int8", t) for t in (1, 2)]
    rows = [row for row in rows if row]
    if not rows:
        return NOT, ""
    worst = max(row["peak_bytes"] for row in rows) / 1e6
    session = max(row["session_bytes"] for row in rows) / 1e6
    return (f"{worst:.0f} MB", verdict(worst, 150, 90, more=False)
            + f"; the process's peak while loading and running; the session itself {session:.0f} MB")


def int8_error(facts):
    row = facts.row("ours", "ours-int8", 1)
    if not row or row["rms"] is None:
        return NOT, ""
    return f"{row['rms']:.4f}", verdict(row["rms"], 0.03, 0.015, more=False)


def small_models(facts):
    parts, worst = [], None
    for model, words in (("rt-monodepth-s", "RT-MonoDepth-S"), ("bundled", "bundled")):
        found = facts.gains("ours-int8", ("int8", "bf16"), model, None)
        if found:
            parts.append(f"{words} {per_threads(found)}")
            least = min(gain for gain, _ in found.values())
            worst = least if worst is None else min(worst, least)
    if not parts:
        return NOT, "`make bench-peers` measures it"
    return "; ".join(parts), verdict(worst, 1.3, 2)


def load(facts):
    row = facts.results.get("load/s")
    if not row:
        return NOT, ""
    value = row["open_ms"] + row["first_ms"] - row["steady_ms"]
    return f"{value:.0f} ms", verdict(value, 150, 150, more=False).replace(
        "beyond the stretch goal", "met")


def tuning(facts):
    found = {}
    for name, row in facts.results.items():
        times = {k: e["minimum_ms"] for k, e in row["engines"].items() if "error" not in e} \
            if name.startswith("tuning/") else {}
        if len(times) == 2:
            found[f"batch {row['batch']}, {row['threads']}t"] = times["torch"] / times["ours"]
    if not found:
        return NOT, "`make bench-peers` measures it"
    return (", ".join(f"{gain:.2f}x ({words})" for words, gain in found.items()),
            verdict(min(found.values()), 1, 1).replace("beyond the stretch goal", "met"))


def table(whole):
    f = Facts(whole)
    low = ("int8", "bf16")
    rows = [
        ("INT8 (AMX) against the best INT8 or BF16 peer", "2.5x", "4x",
         only_with(f, "amx", lambda: against_peers(f, "ours-int8", low, 2.5, 4),
                   lambda: against_peers(f, "ours-int8", low, 2.5, 4))),
        ("INT8 (AMX) against the best FP32 peer", "9x", "14x",
         only_with(f, "amx", lambda: against_peers(f, "ours-int8", ("fp32",), 9, 14),
                   lambda: against_peers(f, "ours-int8", ("fp32",), 9, 14))),
        ("INT8 (AMX): time over the floor of the measured limits", "at most 6", "3.5",
         only_with(f, "amx", lambda: floor(f), lambda: floor(f))),
        ("BF16 (AMX) against OpenVINO BF16", "1.5x", "2.2x",
         only_with(f, "amx", lambda: against_peers(f, "ours-bf16", ("bf16",), 1.5, 2.2))),
        ("FP32 against the best FP32 peer", "1.15x", "1.5x",
         against_peers(f, "ours-fp32", ("fp32",), 1.15, 1.5)),
        ("INT8 forced to AVX512-VNNI against the best FP32 peer", "2.5x", "3.5x",
         only_with(f, "avx512vnni", lambda: vnni_against_peers(f))),
        ("INT8 forced to AVX2 against FP32 forced to AVX2", "1.5x", "1.8x", int8_on_avx2(f)),
        ("INT8 steps, share of the measured peak, AMX / VNNI", "30 % / 75 %", "50 % / 88 %",
         shares(f)),
        ("two threads against one", "1.8x", "1.95x", two_threads(f)),
        ("peak memory of the INT8 session", "150 MB", "90 MB", memory(f)),
        ("INT8 error on the random-weight S", "0.03", "0.015", int8_error(f)),
        ("RT-MonoDepth-S and bundled: INT8 against the best INT8 or BF16 peer", "1.3x", "2x",
         small_models(f)),
        ("a tuning step on S against torch eager, same threads", "1x", "-", tuning(f)),
        ("load time of the packed INT8 S, without its first inference", "150 ms", "-", load(f)),
    ]
    return [{"goal": goal, "at_least": least, "stretch": stretch, "measured": found[0],
             "why": found[1]} for goal, least, stretch, found in rows]


def vnni_against_peers(facts):
    """Our time on one thread, held to the tier, against the peers' (of other groups)."""
    mine = facts.row("tier-avx512vnni", "ours-int8-avx512vnni", 1)
    peers = [row["minimum_ms"] for kind in ("torch", "onnxruntime", "openvino")
             for group in facts.groups(kind) for row in group["engines"]
             if row["threads"] == 1 and row["precision"] == "fp32" and "error" not in row
             and not row["engine"].startswith("ours")]
    if not mine or not peers:
        return NOT, "`make bench-peers` measures it"
    gain = min(peers) / mine["minimum_ms"]
    return f"{gain:.2f}x (1 thread)", verdict(gain, 2.5, 3.5)
