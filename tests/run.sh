#!/usr/bin/env bash
# One command to the tests: sets up, builds, runs everything but the tests labelled slow, ends with CTest's summary.
# Slow ones as well: tests/run.sh -L 'slow|unit|property|jobs'   Sanitizers: tests/run.sh sanitize   Valgrind: tests/run.sh valgrind
set -euo pipefail
cd "$(dirname "$0")/.."
jobs/setup.sh tests
. jobs/environment.sh
mode=release
case "${1:-}" in sanitize | valgrind) mode=$1; shift ;; esac
preset=release
[ "$mode" = sanitize ] && preset=sanitize
build=build
[ "$preset" = sanitize ] && build=build-sanitize
cmake --preset "$preset" -DOHM_TESTS=ON -DOHM_WERROR="$([ "${CI:-}" = true ] && echo ON || echo OFF)" >"$build.log" 2>&1 || { cat "$build.log"; exit 1; }
cmake --build "$build" -j "$(nproc)" >>"$build.log" 2>&1 || { tail -60 "$build.log"; exit 1; }
rm -f "$build.log"
cd "$build"
if [ $# -gt 0 ]; then
    exec ctest --output-on-failure "$@"
fi
under_valgrind() { # every unit test program; stops at the first error
    for program in tests/unit/unit_*; do
        [ -x "$program" ] && [ -f "$program" ] || continue
        echo "valgrind $program"
        code=0
        OHM_SOURCE="$PWD/.." OHM_SHARED=/nonexistent valgrind -q --error-exitcode=9 --leak-check=full --errors-for-leak-kinds=definite \
            --suppressions=/usr/share/openmpi/openmpi-valgrind.supp "$program" >valgrind.out 2>&1 || code=$?
        [ $code -eq 0 ] || [ $code -eq 77 ] || { cat valgrind.out; exit $code; }
    done
    echo "no errors"
}
case $mode in
    release) exec ctest --output-on-failure -LE slow ;;
    # Refused sizes come back as NULL, as without the sanitizer; what HDF5 leaves behind at exit is its own.
    sanitize) export ASAN_OPTIONS=allocator_may_return_null=1 LSAN_OPTIONS="suppressions=$PWD/../tests/support/leaks.supp:print_suppressions=0"
        exec ctest --output-on-failure -L 'unit|property' -LE slow ;;
    valgrind) under_valgrind ;;
esac
