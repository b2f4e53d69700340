"""The benchmark suite: what is measured (plan), by whom (engines), on what (models), and how it is
told (report, goals). benchmarks/bench.py is the program. Python's standard library is enough."""
