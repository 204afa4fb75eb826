#!/usr/bin/env bash
# Everything results/sme.md says, from the networks and images that the jobs name: 13 minutes for MobileNet-v2, 40 for ResNet-50 on two cores.
# Usage: jobs/imagenet/reproduce_sme.sh [NETWORK ...]    (resnet50, mobilenet_v2; both if none is named)
# Ranks: RANKS (default: all cores, one thread each). More arguments of `ohmtally run`: ARGUMENTS, e.g. "--set images.count=64" for a quick look.
set -euo pipefail
cd "$(dirname "$0")/../.."
jobs/setup.sh tests
. jobs/environment.sh
cmake --preset release >build.log 2>&1 && cmake --build --preset release >>build.log 2>&1 || { tail -50 build.log; exit 1; }
rm -f build.log
export OMP_NUM_THREADS=1
read -r -a more <<<"${ARGUMENTS:-}"
ohmtally() { mpirun -n "${RANKS:-$(nproc)}" build/src/app/ohmtally "$@" "${more[@]}"; }

[ $# -gt 0 ] || set -- resnet50 mobilenet_v2
for name in "$@"; do
    job=jobs/imagenet/sme_$name.yml
    ohmtally run "$job"
    ohmtally run "jobs/imagenet/isaac16_$name.yml"
    # What the layer-wise search finds on the calibration images, on the images to be scored:
    ohmtally search "$job"
    ohmtally run "$job" --set "designs=[{design: sme, name: sme-searched, layers: results/sme_${name}_frontier.yml}]" \
        --set "run.output=results/searched_$name.h5"
    # Latency and throughput with the arrays of two ISAAC chips, copies given to the slowest layers; the counts of 32 images will do:
    ohmtally run "$job" --set same.crossbar_budget=32256 --set images.count=32 --set "run.output=results/budget_$name.h5"
done
/usr/bin/python3 results/sme_report.py
