#!/usr/bin/env bash
# A SLURM of one's own on this host, for tests: cluster.sh up DIR [NODES], cluster.sh down DIR. Needs root and the packages slurm-wlm and munge
# (jobs/setup.sh slurm). State lies under DIR; use it with SLURM_CONF=DIR/slurm.conf. Two nodes share the host's cores: for tests of messages, not of speed.
set -euo pipefail
action=${1:?up or down} dir=$(realpath -m "${2:?folder}") nodes=${3:-1}
host=$(hostname -s)

start_munge() { # credentials; runs as user munge, in folders that nobody else may write to
    munge -n </dev/null >/dev/null 2>&1 && return
    mkdir -p /etc/munge
    [ -s /etc/munge/munge.key ] || dd if=/dev/urandom of=/etc/munge/munge.key bs=1024 count=1 status=none
    chown -R munge:munge /etc/munge
    chmod 700 /etc/munge
    chmod 400 /etc/munge/munge.key
    install -d -o munge -g munge -m 755 /run/munge
    install -d -o munge -g munge -m 711 /var/lib/munge
    install -d -o munge -g munge -m 700 /var/log/munge
    su -s /bin/sh munge -c /usr/sbin/munged
    touch "$dir/munge.ours"
    for _ in $(seq 50); do munge -n </dev/null >/dev/null 2>&1 && return; sleep 0.1; done
    echo "munged does not answer" >&2
    exit 1
}

write_configuration() {
    local port=$((20000 + $$ % 20000)) cores memory
    cores=$(getconf _NPROCESSORS_ONLN) # nproc would heed OMP_NUM_THREADS
    [ "$cores" -ge 2 ] || cores=2     # for the tests' two ranks; config_overrides lets it pass
    memory=$(awk '/MemTotal/ {print int($2 / 1024 * 0.9)}' /proc/meminfo)
    cat >"$dir/slurm.conf" <<CONF
ClusterName=test
SlurmctldHost=$host(127.0.0.1)
SlurmUser=root
SlurmdUser=root
SlurmctldPort=$port
SlurmdPort=$((port + 1))
StateSaveLocation=$dir/state
SlurmctldPidFile=$dir/slurmctld.pid
SlurmctldLogFile=$dir/slurmctld.log
SlurmdSpoolDir=$dir/%n
SlurmdPidFile=$dir/slurmd.%n.pid
SlurmdLogFile=$dir/slurmd.%n.log
TmpFS=$dir/tmp.%n
SlurmdParameters=config_overrides
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=pmix
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=1,sched_min_interval=0,bf_interval=1,bf_continue,batch_sched_delay=0
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
JobRequeue=1
ReturnToService=2
KillWait=5
MinJobAge=300
MessageTimeout=20
CONF
    for k in $(seq "$nodes"); do
        mkdir -p "$dir/n$k" "$dir/tmp.n$k"
        echo "NodeName=n$k NodeHostname=$host NodeAddr=127.0.0.1 Port=$((port + 1 + k)) CPUs=$cores Sockets=1 CoresPerSocket=$cores ThreadsPerCore=1 RealMemory=$((memory / nodes)) State=UNKNOWN" >>"$dir/slurm.conf"
    done
    cat >>"$dir/slurm.conf" <<CONF
PartitionName=main Nodes=n[1-$nodes] Default=YES MaxTime=INFINITE DefaultTime=10 PriorityTier=1 PreemptMode=REQUEUE GraceTime=20 State=UP
PartitionName=urgent Nodes=n[1-$nodes] MaxTime=INFINITE DefaultTime=10 PriorityTier=10 PreemptMode=off State=UP
CONF
    echo "CgroupPlugin=cgroup/v1" >"$dir/cgroup.conf" # slurmd looks for it even where it is not used
}

up() {
    mkdir -p "$dir/state"
    start_munge
    write_configuration
    export SLURM_CONF="$dir/slurm.conf"
    slurmctld -c -i -f "$SLURM_CONF"
    for k in $(seq "$nodes"); do slurmd -N "n$k" -f "$SLURM_CONF"; done
    for _ in $(seq 100); do
        [ "$(sinfo -h -N -o '%T' 2>/dev/null | sort -u)" = idle ] && exit 0
        sleep 0.1
    done
    echo "the nodes do not become idle: $(sinfo -h -o '%P %T' 2>&1)" >&2
    exit 1
}

down() {
    export SLURM_CONF="$dir/slurm.conf"
    scancel --full --user root 2>/dev/null || true
    sleep 0.5
    for file in "$dir"/slurmd.*.pid "$dir/slurmctld.pid"; do [ -s "$file" ] && kill "$(cat "$file")" 2>/dev/null; done
    [ -e "$dir/munge.ours" ] && kill "$(cat /run/munge/munged.pid)" 2>/dev/null
    true
}

$action
