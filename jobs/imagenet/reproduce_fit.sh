#!/bin/bash
# Fits and runs of results/fit.md: from the folder of the sources, once they are built. RANKS and OMP_NUM_THREADS as the machine has cores; the results
# are the same for any. What is there is not made again, and what was cut off goes on where it was: call it again until it ends. Arguments: parts to be
# made (networks, sets, mixed; all if none is named).
set -euo pipefail
. jobs/environment.sh
ohmtally=${OHMTALLY:-build/src/app/ohmtally} ranks=${RANKS:-1}

fit() { # job, design, file, further settings
    local job=$1 design=$2 output=results/$3.h5
    shift 3
    [ -e "$output" ] || mpirun -n "$ranks" "$ohmtally" fit "$job" --set fit.design="$design" --set fit.output="$output" "$@"
}

run() { # job, file, further settings
    local job=$1 output=results/$2.h5
    shift 2
    [ -e "$output" ] || mpirun -n "$ranks" "$ohmtally" run "$job" --set run.output="$output" --set run.resume=auto "$@"
    /usr/bin/python3 results/fit_report.py "$output"
}

networks() {
    local network job
    for network in mobilenet_v2 squeezenet; do
        job=jobs/imagenet/fit_$network.yml
        fit $job sme-x0-fitted fit_${network}_x0 --set fit.admm=false
        fit $job sme-x2-fitted fit_${network}_x2 --set fit.admm=false
        run $job fit_${network}_run
    done
    job=jobs/imagenet/fit_resnet50.yml
    fit $job sme-x2-fitted fit_resnet50_x2 --set fit.admm=false
    fit $job sme-x3-fitted fit_resnet50_x3 --set fit.admm=false
    fit $job sme-s2-fitted fit_resnet50_s2 --set fit.admm=false
    run $job fit_resnet50_run
}

sets() { # 2:4 and polarised fragments, without ADMM and with it
    local job=jobs/imagenet/fit_resnet50_sets.yml with admm
    for with in "" _admm; do
        admm=$([ -n "$with" ] && echo true || echo false)
        fit $job polarity$with fit_resnet50_polarity$with --set fit.admm="$admm" --set fit.constraint="polarity size=8"
        fit $job nm$with fit_resnet50_nm$with --set fit.admm="$admm" --set fit.constraint="nm n=2 m=4"
    done
    run $job fit_resnet50_sets_run
}

mixed() { # squeeze and window layer by layer under stated numbers of crossbars
    local job=jobs/imagenet/search_fitted_mobilenet_v2.yml crossbars point
    for point in s3-x2 s3-x3 s3-x4 s3-x5 s8-x4; do fit $job $point "fit_mobilenet_v2_${point#s3-}"; done
    [ -e results/fit_mobilenet_v2_mixed.yml ] || mpirun -n "$ranks" "$ohmtally" search $job
    run $job fit_mobilenet_v2_uniform_run
    job=jobs/imagenet/fit_mixed_mobilenet_v2.yml
    for crossbars in 8000 6800 5500; do fit $job mixed-$crossbars fit_mobilenet_v2_mixed_$crossbars; done
    run $job fit_mobilenet_v2_mixed_run
}

[ $# -gt 0 ] || set -- networks sets mixed
for part in "$@"; do "$part"; done
