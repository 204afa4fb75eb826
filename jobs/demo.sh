#!/usr/bin/env bash
# One command to a first result: sets up, builds, runs the main job on the embedded data with mpirun, prints the comparison table; then what fitted
# weights bring. Ranks: RANKS (default 2). More arguments go to the first `ohmtally run`.
set -euo pipefail
cd "$(dirname "$0")/.."
jobs/setup.sh
. jobs/environment.sh
cmake -S . -B build -DCMAKE_BUILD_TYPE=Release -DOHM_TESTS=OFF >build.log 2>&1 || { cat build.log; exit 1; }
cmake --build build -j "$(nproc)" >>build.log 2>&1 || { tail -50 build.log; exit 1; }
rm -f build.log
ranks=${RANKS:-2}
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-$(( $(nproc) / ranks > 0 ? $(nproc) / ranks : 1 ))}
mpirun -n "$ranks" build/src/app/ohmtally run jobs/demo.yml --set run.output=results/demo.h5 "$@"
echo "With two of eight bit planes left: weights rounded plainly, and fitted to the design."
mpirun -n "$ranks" build/src/app/ohmtally fit jobs/demo_fit.yml
mpirun -n "$ranks" build/src/app/ohmtally run jobs/demo_fit.yml
echo "The result file is results/demo.h5; look at it again with: build/src/app/ohmtally report results/demo.h5"
