#!/usr/bin/env bash
# Many nodes: sbatch --nodes=8 --ntasks-per-node=4 --cpus-per-task=8 jobs/slurm/many_nodes.sh my.yml [more arguments of ohmtally run]
# Results and journal must lie on a file system that all nodes see; so must network and images (a packed file reads best).
#SBATCH --job-name=ohmtally
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=1
#SBATCH --time=04:00:00
#SBATCH --signal=USR1@120
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --output=%x-%j.log
set -uo pipefail
. "${OHMTALLY_HOME:-$SLURM_SUBMIT_DIR}/jobs/slurm/common.sh"
ohmtally_run run "$@"
