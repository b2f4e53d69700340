"""The declarations are the headers: nothing is missing, and nothing drifts."""

import re
import sys

import pytest

from libprune._core import lib


@pytest.fixture
def generator(root, monkeypatch):
    monkeypatch.syspath_prepend(str(root / "bindings/python/build_support"))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    import declarations

    return declarations


def test_every_function_of_the_headers_can_be_called(root, generator):
    text = generator.declarations(root / "include")
    names = generator.function_names(text)
    assert len(names) > 100
    missing = [name for name in names if not hasattr(lib, name)]
    assert missing == []
    in_headers = set()
    for header in generator.headers(root / "include"):
        source = (root / "include/prune" / header).read_text()
        source = re.sub(r"/\*.*?\*/", "", source, flags=re.DOTALL)
        in_headers.update(re.findall(r"\b(prune_\w+)\s*\(", source))
    assert names <= in_headers


def fake(tmp_path, body):
    folder = tmp_path / "prune"
    (folder / "sys").mkdir(parents=True)
    for name in ("one.h", "sys/error.h"):
        guard = "PRUNE_" + name.replace("/", "_").replace(".h", "_H").upper()
        content = body if name == "one.h" else ""
        (folder / name).write_text(f"#ifndef {guard}\n#define {guard}\n{content}#endif\n")
    return tmp_path


def test_a_header_that_cffi_cannot_take_is_an_error(tmp_path, generator):
    with pytest.raises(ValueError, match="#define PRUNE_LIMIT 3"):
        generator.declarations(fake(tmp_path, "#define PRUNE_LIMIT 3\n"))


def test_headers_come_after_what_they_include(tmp_path, generator):
    include = fake(tmp_path, "#include <prune/zero.h>\nint prune_one(prune_zero z);\n")
    (include / "prune/zero.h").write_text(
        '#ifndef PRUNE_ZERO_H\n#define PRUNE_ZERO_H\n#ifdef __cplusplus\nextern "C" {\n#endif\n'
        "typedef int prune_zero; /* a number */\n#ifdef __cplusplus\n}\n#endif\n#endif\n"
    )
    assert generator.headers(include)[:2] == ["zero.h", "one.h"]
    text = generator.declarations(include)
    assert "extern" not in text
    assert "number" not in text
    assert generator.function_names(text) == {"prune_one"}
