#!/usr/bin/env bash
# Two hosts on this machine: two_hosts.sh COMMAND... runs COMMAND on host `one`, from where mpirun --host one:2,$HOST_TWO:2 starts ranks on host `two`.
# The hosts are namespaces (network, hostname, processes, shared memory, System V); they share files, and a cable between them. Everything ends with COMMAND.
# For it: HOST_TWO, an address, and HOST_TWO_INIT, the process whose end is the end of host two. Exit code 77 where namespaces cannot be made.
set -euo pipefail
self=$(realpath "$0")
namespaces=(--net --uts --mount --ipc --pid)
address=10.77.0

if [ "${1:-}" = --reach ]; then # as mpirun's remote shell: --reach HOST COMMAND...
    shift 2
    exec nsenter --target "$HOST_TWO_INIT" "${namespaces[@]}" sh -c "$*"
fi

host=("${namespaces[@]}" --fork --mount-proc --kill-child)
[ "$(id -u)" -eq 0 ] || host+=(--user --map-root-user)
if [ -z "${HOST_ONE:-}" ]; then
    command -v ip >/dev/null && command -v nsenter >/dev/null || { echo "skipped: needs ip (iproute2), and unshare and nsenter (util-linux)"; exit 77; }
    why=$(unshare "${host[@]}" sh -c 'ip link add one type veth peer name two && mount -t tmpfs none /dev/shm' 2>&1) ||
        { echo "skipped: namespaces cannot be made here: $why"; exit 77; }
    HOST_ONE=yes exec unshare "${host[@]}" "$self" "$@"
fi

sessions=$(mktemp -d) # of Open MPI: two of these at a time have the same hostnames and process numbers
trap 'rm -rf "$sessions"' EXIT
hostname one
mount -t tmpfs none /dev/shm
unshare "${namespaces[@]}" --fork --mount-proc --kill-child sh -c 'hostname two; mount -t tmpfs none /dev/shm; exec sleep infinity' &
for _ in $(seq 100); do
    HOST_TWO_INIT=$(cat "/proc/$!/task/$!/children" 2>/dev/null || true)
    [ -n "$HOST_TWO_INIT" ] && grep -q sleep "/proc/${HOST_TWO_INIT// /}/comm" && break
    sleep 0.05
done
HOST_TWO_INIT=${HOST_TWO_INIT// /}
ip link add one type veth peer name two netns "$HOST_TWO_INIT"
ip addr add $address.1/24 dev one
ip link set one up
ip link set lo up
nsenter --target "$HOST_TWO_INIT" --net sh -c "ip addr add $address.2/24 dev two; ip link set two up; ip link set lo up"
export HOST_TWO=$address.2 HOST_TWO_INIT OMPI_MCA_plm_rsh_agent="$self --reach" OMPI_MCA_orte_tmpdir_base="$sessions"
status=0
"$@" || status=$?
exit $status
