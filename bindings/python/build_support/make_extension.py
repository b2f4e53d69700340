"""make_extension.py INCLUDE OUTPUT.c: writes the C source of the extension module."""

from __future__ import annotations

import sys
from pathlib import Path

from cffi import FFI
from declarations import declarations, function_names, headers

#: Beyond the public headers: the state behind a context's callbacks (callbacks.h), and the
#: functions that C calls and Python defines.
CALLBACKS = """
typedef struct prunepy_state { int32_t cancel; int32_t listens; void *python; } prunepy_state;
bool prunepy_cancelled(void *user);
void prunepy_watch_begin(void);
int prunepy_watch_end(void);
extern "Python" {
    void prunepy_log(void *user, prune_log_level level, const char *line);
    void prunepy_progress(void *user, const char *stage, uint64_t done, uint64_t total);
    prune_status prunepy_load(void *user, uint64_t index, prune_sample *sample);
    void prunepy_release(void *user, prune_sample *sample);
    prune_status prunepy_identify(void *user, uint64_t index, const char **name,
                                  const char **group);
    prune_status prunepy_predict(void *user, const prune_sample *sample, float *values,
                                 prune_prediction *prediction);
    void prunepy_metric_reset(void *user);
    prune_status prunepy_metric_add(void *user, const prune_prediction *prediction,
                                    const prune_sample *sample);
    prune_status prunepy_metric_value(void *user, double *value);
}
"""


def main(include: Path, output: Path) -> None:
    text = declarations(include)
    ffi = FFI()
    ffi.cdef(text)
    declared = {name for name in function_names(text)}
    known = {
        key.split(" ", 1)[1] for key in ffi._parser._declarations if key.startswith("function ")
    }
    if declared != known:
        raise SystemExit(f"CFFI did not take these declarations: {sorted(declared ^ known)}")
    ffi.cdef(CALLBACKS)
    includes = "".join(f"#include <prune/{name}>\n" for name in headers(include))
    callbacks = (Path(__file__).parent / "callbacks.h").read_text(encoding="utf-8")
    ffi.set_source("libprune._libprune", includes + callbacks, py_limited_api=True)
    ffi.emit_c_code(str(output))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
