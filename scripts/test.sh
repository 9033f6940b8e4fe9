#!/bin/sh
# Runs all tests of the agent's module, only those of the packages that are given, or with "simulator" those of that module. Where the kernel
# permits it they run in a network namespace that has nothing but loopback.
set -eu
cd "$(dirname "$0")/.."
root=$(pwd)

export OVERSHOOT_AGENT_BIN="$root/bin/overshoot-agent-race"
export OVERSHOOT_AGENT_PLAIN_BIN="$root/bin/overshoot-agent" # for what the race detector would falsify
export OVERSHOOT_SIMULATOR_BIN="$root/bin/overshoot-simulator"
export OVERSHOOT_CLIPS="$root/.cache/clips"
export LIVEKIT_SERVER="$root/.cache/livekit-server"
export GOTESTSUM_FORMAT="${GOTESTSUM_FORMAT:-pkgname}"

# Inside the namespace nothing can be fetched any more.
go mod download
(cd simulator && go mod download)
(cd tools && go build -o "$root/bin/gotestsum" gotest.tools/gotestsum)

if unshare -rn true 2>/dev/null; then
	alone() { unshare -rn sh -c 'ip link set lo up && exec "$@"' sh "$@"; }
else
	echo "no network namespaces here: the tests use the loopback of this machine" >&2
	alone() { "$@"; }
fi

status=0
run() { alone "$root/bin/gotestsum" --format-hide-empty-pkg -- -race -count=1 -timeout 60m "$@" || status=1; }
if [ "${1:-}" = simulator ]; then
	cd simulator
	run -p 1 ./... # they decode video, and want the cores to themselves
	exit $status
fi
if [ $# -gt 0 ]; then
	run "$@"
	exit $status
fi
# The suites that move video want the two cores to themselves: packets that nobody has time to read are lost.
# The packages that take longest come first, so that none of them is left to run alone in the end.
slow=$(go list ./internal/spool ./internal/encode ./internal/sink/mqtt ./internal/camera/exec ./internal/camera/file ./internal/publish/livekit)
run -p 3 -parallel 4 $slow $(go list ./... | grep -v /test/integration | grep -vxF "$slow")
run -parallel 6 ./test/integration # most of them wait most of the time
exit $status
