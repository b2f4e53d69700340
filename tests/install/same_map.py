#!/usr/bin/env python3
"""same_map.py A.pfm B.pfm: fails unless the maps agree within what sessions promise: RMS 1e-4 and
largest difference 1e-3 of A's standard deviation."""
import array
import math
import sys


def read(path):
    with open(path, "rb") as file:
        header = [file.readline() for _ in range(3)]
        values = array.array("f", file.read())
    if sys.byteorder == "big":
        values.byteswap()
    return header, values


def main():
    (head, a), (other, b) = read(sys.argv[1]), read(sys.argv[2])
    if head != other or len(a) != len(b) or not a:
        sys.exit(f"{sys.argv[2]}: {other}, {len(b)} values; expected {head}, {len(a)}")
    mean = sum(a) / len(a)
    deviation = math.sqrt(sum((x - mean) ** 2 for x in a) / len(a))
    rms = math.sqrt(sum((x - y) ** 2 for x, y in zip(a, b)) / len(a)) / deviation
    largest = max(abs(x - y) for x, y in zip(a, b)) / deviation
    print(f"RMS {rms:.2e}, largest {largest:.2e} of the deviation {deviation:.3g}")
    # not(<=) refuses what is not a number
    if deviation <= 0 or not rms <= 1e-4 or not largest <= 1e-3:
        sys.exit(f"{sys.argv[2]}: not the same map")


if __name__ == "__main__":
    main()
