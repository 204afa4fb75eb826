#!/usr/bin/env bash
# Submits a sweep as an array of N shares and the merge behind it (not itself a batch job):
#   jobs/slurm/sweep.sh 8 results/my.h5 my.yml [more arguments of ohmtally run]; options for sbatch in SBATCH_OPTIONS
# The result goes to the file named here, whatever the job says; prints the ids of the array and of the merge.
set -euo pipefail
shares=${1:?number of shares} out=${2:?result file} job=${3:?job file}
here=$(cd "$(dirname "$0")" && pwd)
export OHMTALLY_HOME=${OHMTALLY_HOME:-$(dirname "$(dirname "$here")")}
# shellcheck disable=SC2086 # options are words
array=$(sbatch --parsable ${SBATCH_OPTIONS:-} --array=1-"$shares" "$here/array.sh" "$job" --set "run.output=$out" "${@:4}")
merge=$(sbatch --parsable --dependency=afterany:"$array" "$here/merge.sh" "$out")
echo "$array $merge"
