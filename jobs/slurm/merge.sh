#!/usr/bin/env bash
# Joins the shares of an array and prints the table: sbatch --dependency=afterany:JOB jobs/slurm/merge.sh OUT.h5 (from OUT.1-of-N.h5 ...)
# Fails when a point is missing, so that what depends on it does not go on with half a sweep.
#SBATCH --job-name=ohmtally-merge
#SBATCH --nodes=1
#SBATCH --ntasks=1
#SBATCH --time=00:30:00
#SBATCH --output=%x-%j.log
set -uo pipefail
. "${OHMTALLY_HOME:-$SLURM_SUBMIT_DIR}/jobs/slurm/common.sh"
out=${1:?merge.sh needs the file to write}
"$OHMTALLY" merge "$out" "${out%.h5}".[0-9]*-of-[0-9]*.h5
