#!/usr/bin/env bash
# One node: sbatch --ntasks=4 --cpus-per-task=8 jobs/slurm/one_node.sh my.yml [more arguments of ohmtally run]
# Ranks share a node's copy of the weights; few ranks with several threads each suit large networks, many ranks small ones.
# Two minutes before the time limit, and when preempted, the run stops and the job queues again; it goes on where it was.
#SBATCH --job-name=ohmtally
#SBATCH --nodes=1
#SBATCH --time=04:00:00
#SBATCH --signal=USR1@120
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --output=%x-%j.log
set -uo pipefail
. "${OHMTALLY_HOME:-$SLURM_SUBMIT_DIR}/jobs/slurm/common.sh"
ohmtally_run run "$@"
