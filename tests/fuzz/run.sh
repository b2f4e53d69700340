#!/bin/sh
# tests/fuzz/run.sh BUILD [READER...]: runs each fuzz target of the preset `fuzz` for $FUZZ_SECONDS
# (60), one after the other, from the committed inputs. Prints a table; an input that broke something
# is kept under BUILD/fuzz/finds and named. Exit status 1 when there is any.
set -eu
build=$1
shift
seconds=${FUZZ_SECONDS:-60}
here=$(cd "$(dirname "$0")" && pwd)
PRUNE_TEST_SOURCE=$(cd "$here/../.." && pwd)
export PRUNE_TEST_SOURCE
finds=$build/fuzz/finds
mkdir -p "$finds"
[ $# -gt 0 ] || set -- $(cd "$here" && ls target_*.c | sed 's/^target_//; s/\.c$//')

found=0
printf '%-12s %12s %10s %8s  %s\n' reader executions per-second edges found
for reader in "$@"; do
    corpus=$build/fuzz/corpus/$reader
    log=$build/fuzz/$reader.log
    mkdir -p "$corpus"
    inputs=$here/corpus/$reader
    mkdir -p "$inputs"
    case $reader in
    png | jpeg) more=$here/../image/golden ;;
    recipe) more=$here/../../pipelines/recipes ;;
    *) more= ;;
    esac
    failed=0
    # shellcheck disable=SC2086
    "$build/fuzz/fuzz_$reader" "$corpus" "$inputs" $more -max_total_time="$seconds" -max_len=4096 \
        -rss_limit_mb=1500 -malloc_limit_mb=1000 -timeout=10 -print_final_stats=1 \
        -artifact_prefix="$finds/$reader-" >"$log" 2>&1 || failed=1
    runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log" | tail -n 1)
    rate=$(sed -n 's/^stat::average_exec_per_sec: *//p' "$log" | tail -n 1)
    edges=$(sed -n 's/.* cov: \([0-9]*\) .*/\1/p' "$log" | tail -n 1)
    artifact=$(sed -n 's/.*Test unit written to //p' "$log" | tail -n 1)
    [ $failed = 0 ] && artifact=- || found=1
    printf '%-12s %12s %10s %8s  %s\n' "$reader" "${runs:-?}" "${rate:-?}" "${edges:-?}" \
        "${artifact:-see $log}"
done
exit $found
