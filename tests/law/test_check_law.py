#!/usr/bin/env python3
"""The checker must find what it claims to find: small made-up trees, one broken rule each."""
import tempfile
import unittest
from pathlib import Path

import check_law

CLEAN = {
    "include/prune/status.h": "#include <stdint.h>\n",
    "include/prune/sys/file.h": "#include <prune/status.h>\n",
    "libprune/base/error.h": "#include <prune/status.h>\n",
    "libprune/base/error.c": '#include "libprune/base/error.h"\n#include <stdio.h>\n'
                             '/* printf( in a comment */ const char *a = "exit(";\n',
    "libprune/graph/graph.h": '#include "libprune/base/error.h"\n#include <jansson.h>\n',
    "libprune/session/plan.h": '#include "libprune/graph/graph.h"\n',
    "eval/metrics/depth.c": "#include <prune/sys/file.h>\n",
    "tests/base/test_error.c": "",
    "tests/eval/metrics/test_depth.c": "",
}


class Law(unittest.TestCase):
    def found(self, changes):
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder)
            for name, text in {**CLEAN, **changes}.items():
                if text is None:
                    continue
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                (root / name).write_text(text, encoding="utf-8")
            return list(check_law.violations(root))

    def breaks(self, part, changes):
        lines = self.found(changes)
        self.assertEqual(len(lines), 1, lines)
        self.assertIn(part, lines[0])

    def test_clean_tree(self):
        self.assertEqual(self.found({}), [])

    def test_room_uses_a_later_room(self):
        self.breaks("libprune/graph may not use libprune/session",
                    {"libprune/graph/x.h": '#include "libprune/session/plan.h"\n'})

    def test_interpreter_and_session_do_not_see_each_other(self):
        self.breaks("may not use", {"libprune/interpreter/x.h":
                                    '#include "libprune/session/plan.h"\n'})

    def test_eval_uses_private_headers(self):
        self.breaks("eval may not use", {"eval/x.h": '#include "libprune/base/error.h"\n'})

    def test_eval_may_not_use_pipelines(self):
        self.breaks("eval may not use", {"pipelines/run.h": "",
                                         "eval/x.h": '#include "pipelines/run.h"\n'})

    def test_third_party_in_the_wrong_room(self):
        self.breaks("png.h", {"libprune/graph/x.h": "#include <png.h>\n"})

    def test_unknown_header(self):
        self.breaks("in no table", {"libprune/graph/x.h": "#include <curl/curl.h>\n"})

    def test_public_header_stays_plain(self):
        self.breaks("public header", {"include/prune/x.h": "#include <jansson.h>\n"
                                      .replace("jansson", "stdio")})

    def test_library_knows_nothing_of_eval(self):
        self.breaks("above libprune", {"libprune/graph/x.h": "#include <prune/eval.h>\n"})

    def test_umbrella_is_complete(self):
        self.breaks("<prune/status.h>", {"include/prune/prune.h": ""})
        self.assertEqual(self.found({"include/prune/prune.h": "#include <prune/status.h>\n",
                                     "include/prune/eval.h": ""}), [])

    def test_circle(self):
        self.breaks("go round", {"libprune/base/a.h": '#include "libprune/base/b.h"\n',
                                 "libprune/base/b.h": '#include "libprune/base/a.h"\n'})

    def test_missing_test(self):
        self.breaks("libprune/base/error.c: no test", {"tests/base/test_error.c": None})

    def test_one_test_covers_several_files(self):
        self.assertEqual(self.found({"tests/base/test_error.c": None, "tests/base/test_all.c":
                                     "/* Everything. Covers: file.c, error.c. */\n"}), [])
        self.breaks("Covers", {"tests/base/test_error.c": None,
                               "tests/base/test_all.c": "/* Covers: file.c, errors.c */\n"})

    def test_missing_eval_test(self):
        self.breaks("tests/eval/metrics/test_depth.c", {"tests/eval/metrics/test_depth.c": None})

    def test_forbidden_calls(self):
        for call in ('printf("x")', "abort()", "exit (1)", "assert(x)", 'fprintf(stderr, "x")',
                     'fputs("x", stdout)', "malloc(3)", 'puts("x")'):
            self.breaks("calls", {"libprune/base/x.h": f"static void f(void) {{ {call}; }}\n"})

    def test_harmless_calls(self):
        self.assertEqual(self.found({"libprune/base/x.h":
                                     'snprintf(a, b, "x"); pr_abort(x); fprintf(file, "x");\n'}),
                         [])

    def test_long_file(self):
        self.breaks("split", {"libprune/base/x.h": "\n" * 801})

    def test_unknown_room(self):
        self.breaks("no room", {"libprune/attic/x.h": "\n"})


if __name__ == "__main__":
    unittest.main()
