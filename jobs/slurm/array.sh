#!/usr/bin/env bash
# Shares of a sweep (or of a job with many designs), each a job of its own: sbatch --array=1-8 jobs/slurm/array.sh my.yml [more arguments]
# jobs/slurm/sweep.sh submits it with the merge behind it. The array must be 1-N, so that task k does share k of N.
#SBATCH --job-name=ohmtally-share
#SBATCH --nodes=1
#SBATCH --time=04:00:00
#SBATCH --signal=USR1@120
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --output=%x-%A-%a.log
set -uo pipefail
. "${OHMTALLY_HOME:-$SLURM_SUBMIT_DIR}/jobs/slurm/common.sh"
ohmtally_run run "$@" --task "$SLURM_ARRAY_TASK_ID/$SLURM_ARRAY_TASK_COUNT"
