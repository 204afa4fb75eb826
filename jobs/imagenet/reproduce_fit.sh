#!/bin/bash
# Fits and runs of results/fit.md: from the folder of the sources, once they are built. RANKS and OMP_NUM_THREADS as the machine has cores; the results
# are the same for any. Fits that are there are not made again; one that was cut off goes on where it was.
set -euo pipefail
. jobs/environment.sh
ohmtally=${OHMTALLY:-build/src/app/ohmtally} ranks=${RANKS:-1}

fit() { # job, design, file, further settings
    local job=$1 design=$2 output=results/$3.h5
    shift 3
    [ -e "$output" ] || mpirun -n "$ranks" "$ohmtally" fit "$job" --set fit.design="$design" --set fit.output="$output" "$@"
}

for network in mobilenet_v2 squeezenet; do
    job=jobs/imagenet/fit_$network.yml
    fit $job sme-x0-fitted fit_${network}_x0 --set fit.admm=false
    fit $job sme-x2-fitted fit_${network}_x2 --set fit.admm=false
    mpirun -n "$ranks" "$ohmtally" run $job
done
job=jobs/imagenet/fit_resnet50.yml
fit $job sme-x2-fitted fit_resnet50_x2 --set fit.admm=false
fit $job sme-x3-fitted fit_resnet50_x3 --set fit.admm=false
fit $job sme-s2-fitted fit_resnet50_s2 --set fit.admm=false
fit $job polarity-fitted fit_resnet50_polarity --set fit.admm=false --set fit.constraint="polarity size=8"
fit $job nm-fitted fit_resnet50_nm --set fit.admm=false --set fit.constraint="nm n=2 m=4"
mpirun -n "$ranks" "$ohmtally" run $job
/usr/bin/python3 results/fit_report.py results/fit_mobilenet_v2_run.h5 results/fit_squeezenet_run.h5 results/fit_resnet50_run.h5
