# Sourced by the batch scripts beside it: finds the program, launches it on what SLURM gave, hands signals on, and puts a job that was stopped with work
# left (exit code 85) back into the queue. OHMTALLY_HOME: the source folder (default: where the job was submitted); OHMTALLY: the program;
# OHM_LAUNCH: srun or mpirun (default: srun where it has PMIx, since it binds ranks as SLURM allotted the cores).
OHMTALLY_HOME=${OHMTALLY_HOME:-${SLURM_SUBMIT_DIR:-$PWD}}
OHMTALLY=${OHMTALLY:-$OHMTALLY_HOME/build/src/app/ohmtally}
[ -x "$OHMTALLY" ] || OHMTALLY=$(command -v ohmtally) || { echo "ohmtally is neither under $OHMTALLY_HOME nor in PATH; build it, or set OHMTALLY" >&2; exit 2; }
. "$OHMTALLY_HOME/jobs/environment.sh"
export OMP_NUM_THREADS=${SLURM_CPUS_PER_TASK:-1} OMP_PLACES=cores OMP_PROC_BIND=close
ntasks=${SLURM_NTASKS:-1}

if [ -z "${OHM_LAUNCH:-}" ]; then
    if srun --mpi=list 2>&1 | grep -q pmix; then OHM_LAUNCH=srun; else OHM_LAUNCH=mpirun; fi
fi

launch() {
    if [ "$OHM_LAUNCH" = srun ]; then
        exec srun --mpi=pmix --ntasks="$ntasks" --cpus-per-task="$OMP_NUM_THREADS" --kill-on-bad-exit=0 "$OHMTALLY" "$@"
    fi
    unset OMP_PLACES OMP_PROC_BIND # unbound ranks share the node: threads stay where the system puts them
    exec mpirun --bind-to none -n "$ntasks" "$OHMTALLY" "$@"
}

# Runs ohmtally with these arguments until it ends; does not return when the job goes back into the queue.
ohmtally_run() {
    local pid code
    echo "job $SLURM_JOB_ID, start $((${SLURM_RESTART_COUNT:-0} + 1)): $ntasks ranks x $OMP_NUM_THREADS threads on ${SLURM_JOB_NODELIST:-this node}, $OHM_LAUNCH"
    launch "$@" &
    pid=$!
    trap 'kill -USR1 $pid 2>/dev/null' USR1 TERM # of the batch shell: to all ranks
    wait $pid
    code=$?
    while kill -0 $pid 2>/dev/null; do # a trap has cut the wait short
        wait $pid
        code=$?
    done
    trap - USR1 TERM
    if [ $code -eq 85 ]; then
        echo "stopped with work left: back into the queue"
        scontrol requeue "$SLURM_JOB_ID" && sleep 60 # until SLURM ends this script
    fi
    return $code
}
