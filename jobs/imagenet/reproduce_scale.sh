#!/usr/bin/env bash
# The figures of results/scale.md: weak scaling, runs against the model, the table of many cores. On a quiet machine; arguments are added to every job:
#   jobs/imagenet/reproduce_scale.sh [--set section.key=value ...]
# IMAGES (192): of one rank, weak; of all ranks, strong. RANKS (1 2 4 8). TIMES (3): the shortest of so many runs counts. CORES: those of this machine.
set -euo pipefail
here=$(cd "$(dirname "$0")/../.." && pwd)
. "$here/jobs/environment.sh"
program=${OHMTALLY:-$here/build/src/app/ohmtally} job=${JOB:-$here/jobs/imagenet/resnet50.yml}
images=${IMAGES:-192} times=${TIMES:-3} cores=${CORES:-$(getconf _NPROCESSORS_ONLN)} counts=${RANKS:-1 2 4 8}
export OMP_NUM_THREADS=1 OMP_WAIT_POLICY=passive
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
one=(--set 'designs=[{design: isaac, name: isaac}]' "$@")

seconds() { # what, ranks, images: the shortest of the runs; what: images (of all points together) or run (from beginning to end)
    for _ in $(seq "$times"); do
        mpirun -n "$2" "$program" run "$job" "${one[@]}" --set "images.count=$3" --set "run.output=$folder/out.h5" --set run.resume=never 2>&1 >/dev/null |
            awk -v what="$1" '/ images .*\/s .* s$/ {images += $(NF - 1)} /^result: / {gsub(/[(]/, ""); run = $(NF - 1)} END {print what == "images" ? images : run}'
    done | sort -n | head -1
}

echo "weak scaling: $images images a rank, without start-up"
alone=$(seconds images 1 "$images")
for ranks in $counts; do
    [ "$ranks" -gt 1 ] && [ "$ranks" -le "$cores" ] || continue
    took=$(seconds images "$ranks" $((ranks * images)))
    echo "$ranks ranks: $took s where one takes $alone s, $(awk "BEGIN {printf \"%.1f\", 100 * $alone / $took}") %"
done
echo "as it is: $images images in all on $cores cores"
for ranks in $counts; do echo "$ranks ranks: $(seconds run "$ranks" "$images") s"; done
echo "as the model has it:"
"$program" bench "$job" "${one[@]}" --set "images.count=$images" --set "predict.cores=$cores" --set predict.nodes=1 --set "predict.ranks=$counts" 2>/dev/null | sed -n '/^measured/,$p'
echo "on a cluster:"
"$program" bench "$job" "${one[@]}" --set "images.count=$images" --set predict.images=50000 2>/dev/null | sed -n '/^predicted/,$p'
