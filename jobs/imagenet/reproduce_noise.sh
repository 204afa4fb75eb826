#!/bin/bash
# Fits and runs of results/noise.md: from the folder of the sources, once they are built. RANKS and OMP_NUM_THREADS as the machine has cores; the results
# are the same for any. Files that are there are not made again; what was cut off goes on where it was.
set -euo pipefail
. jobs/environment.sh
ohmtally=${OHMTALLY:-build/src/app/ohmtally} ranks=${RANKS:-1}

for network in mobilenet_v2 resnet50; do
    weights=results/fit_${network}_x2.h5
    [ -e $weights ] || mpirun -n "$ranks" "$ohmtally" fit jobs/imagenet/fit_$network.yml --set fit.design=sme-x2-fitted --set fit.output=$weights --set fit.admm=false
done
for sweep in levels variation stuck calibrated; do
    for network in mobilenet_v2 resnet50; do
        [ -e results/noise_${sweep}_$network.h5 ] || mpirun -n "$ranks" "$ohmtally" run jobs/imagenet/noise_${sweep}_$network.yml --resume
    done
done
/usr/bin/python3 results/noise_report.py
