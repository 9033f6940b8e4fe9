#!/usr/bin/env bash
# Runs all tests that need a real V4L2 device, in a VM: those of packages, each package in a VM of its own, and those of the whole binary, which
# runs in the VM while simulator and media server run here. They carry the build tag vm. `make vm` builds what they need and calls this; arguments
# limit it to packages, such as ./internal/v4l2 ./test/integration.
set -euo pipefail
cd "$(dirname "$0")/../.."
root=$PWD
scripts/vm/deps.sh
scripts/vm/modules.sh

export OVERSHOOT_AGENT_PLAIN_BIN=${OVERSHOOT_AGENT_PLAIN_BIN:-$root/bin/overshoot-agent}
export OVERSHOOT_AGENT_BIN=$OVERSHOOT_AGENT_PLAIN_BIN # what is measured is to be fast
export OVERSHOOT_AGENT_OPENH264_BIN=${OVERSHOOT_AGENT_OPENH264_BIN:-$root/bin/overshoot-agent-openh264}

# The machine of the packages: a webcam, one with planes of their own and an HDMI grabber (video0 to 2), an encoder (video3 to 5), and two cameras
# that tests feed (video10, video11).
devices() { # parameters of the encoder
	echo "vivid:n_devs=3;node_types=0x1,0x1,0x1;multiplanar=1,2,1;num_inputs=1,1,1;input_types=0x0,0x0,0x3 vicodec$1" \
		"v4l2loopback:devices=2;exclusive_caps=1,1;video_nr=10,11"
}

summary=
status=0
try() { # a name, and the command that runs its tests
	local name=$1 start=$SECONDS result=passed log
	log=$(mktemp)
	shift
	echo "== $name"
	"$@" 2>&1 | tee "$log" | grep -vE '^=== (RUN|PAUSE|CONT|NAME)' || true
	# A VM that did not come up says so, and has no verdict.
	grep -q '^PASS$' "$log" && ! grep -q '^--- FAIL' "$log" || result=FAILED status=1
	summary+="$name: $result, $(grep -cE '^--- (PASS|FAIL)' "$log" || true) tests in $((SECONDS - start)) s"$'\n'
	rm "$log"
}

compile() { # a package; prints the path of its tests as a program
	local program=$root/bin/vm-tests/${1//[.\/]/-}.test
	CGO_ENABLED=0 go test -c -tags vm -o "$program" "$1"
	echo "$program"
}

inside() { # runs the tests of a package in the VM
	VM_FILES="ffmpeg v4l2-ctl" VM_MEMORY=1536 scripts/vm/run.sh "$(compile "$1")" -test.v -test.timeout 4m
}

alone() { "$@"; }
if unshare -rn true 2>/dev/null; then # nothing but loopback
	alone() { unshare -rn sh -c 'ip link set lo up && exec "$@"' sh "$@"; }
fi

packages=("$@")
[ $# -gt 0 ] || mapfile -t packages < <(grep -rl '^//go:build vm' --include='*_test.go' internal test | xargs -n1 dirname | sort -u | sed 's,^,./,')
mkdir -p bin/vm-tests
for package in "${packages[@]}"; do
	case $package in
	./test/integration)
		program=$(compile "$package")
		cd test/integration
		try "$package" alone "$program" -test.v -test.timeout 20m -test.run '^TestVM'
		cd "$root"
		;;
	./internal/encode/m2m) # encoders of boards come with one plane or with several
		VM_MODULES=$(devices "") try "$package" inside "$package"
		VM_MODULES=$(devices ":multiplanar=1") try "$package, several planes" inside "$package"
		;;
	*)
		VM_MODULES=$(devices "") try "$package" inside "$package"
		;;
	esac
done

echo
echo "$summary"
exit $status
