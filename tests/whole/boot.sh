#!/bin/bash
# boot.sh FOLDER CGROUP: a systemd of its own, as process 1 of new namespaces, over this machine's files.
#
# Nothing that it does reaches the machine: writes go to memory (an overlay), the network is a loopback
# of its own, and all of it ends with this process. FOLDER holds what is to be copied over / (files/)
# and an environment with edge in it (edge/, seen as /opt/edge); it is seen as /host.
set -euo pipefail
folder=$1

if [[ $# -eq 2 ]]; then
  echo $$ > "$2/cgroup.procs"
  exec unshare --mount --pid --uts --ipc --net --cgroup --fork --kill-child "$0" "$folder"
fi

mount --make-rprivate /
mount -t tmpfs memory "$folder/memory"
mkdir "$folder/memory/upper" "$folder/memory/work"
root=$folder/root
mount -t overlay overlay -o "lowerdir=/,upperdir=$folder/memory/upper,workdir=$folder/memory/work" "$root"

# Only the units under test: nothing of this machine starts.
rm -rf "$root"/usr/lib/systemd/system/*.wants "$root"/etc/systemd/system/*
cp -r "$folder"/files/. "$root/"
mkdir -p "$root/opt/edge" "$root/host"
mount --bind "$folder/edge" "$root/opt/edge"
mount --bind "$folder" "$root/host"
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mount -t sysfs sysfs "$root/sys"
mount -t cgroup2 cgroup "$root/sys/fs/cgroup"
mount -t tmpfs memory "$root/run"
mount -t tmpfs memory "$root/tmp"
ip link set lo up

cd "$root"
mkdir -p before
pivot_root . before
umount --lazy /before
systemd-sysusers
# As on a real machine: a service's mounts, credentials among them, are seen by its manager.
mount --make-rshared /
export container=other
exec /lib/systemd/systemd --unit=trial.target --log-target=console --show-status=no < /dev/null > /host/systemd.log 2>&1
