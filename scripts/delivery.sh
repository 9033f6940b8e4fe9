#!/bin/sh
# Measures the way of a result from its acceptance to each kind of sink: see test/delivery. Arguments go to it; -help lists them. It needs the
# cores to itself, and four minutes. Files go below .cache, because a temporary folder may be no disk.
set -eu
cd "$(dirname "$0")/.."
go build -o bin/delivery ./test/delivery
mkdir -p .cache
alone() { unshare -rn sh -c 'ip link set lo up && exec "$@"' sh "$@"; }
if ! unshare -rn true 2>/dev/null; then
	echo "no network namespaces here: using the loopback of this machine" >&2
	alone() { "$@"; }
fi
uname -srm
grep -m1 'model name' /proc/cpuinfo || true
alone bin/delivery -folder .cache "$@"
