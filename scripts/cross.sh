#!/bin/sh
# Builds the static binaries of a release and checks that each stays below 40 MB. $1: linker flags. $2: "openh264" for those with the encoder
# openh264, which need compilers of C++ for each architecture (scripts/deps.sh cross); without it they are pure Go. The library and what it needs of C
# take 2 MB more.
set -eu
cd "$(dirname "$0")/.."
mkdir -p dist
limit=$((40 * 1000 * 1000))
[ "${2:-}" != openh264 ] || limit=$((limit + 2 * 1000 * 1000))

# triplet is how compilers are named after an architecture.
triplet() {
	case $1 in
	amd64) echo x86_64-linux-gnu ;;
	arm64) echo aarch64-linux-gnu ;;
	arm) echo arm-linux-gnueabihf ;;
	esac
}

for target in amd64 arm64 arm/7; do
	arch=${target%/*}
	file="dist/overshoot-agent-linux-$(echo "$target" | tr -d /)"
	if [ "${2:-}" = openh264 ]; then
		file="$file-openh264"
		triplet=$(triplet "$arch")
		# In a program of this size GNU ld takes the functions that choose between kinds of memcpy on ARM for ARM code. They are Thumb, and it
		# crashes at its start. The linker gold does it right.
		[ "$arch" = arm ] && linker=-fuse-ld=gold || linker=
		GOOS=linux GOARCH=$arch GOARM=7 CGO_ENABLED=1 CC=$triplet-gcc CXX=$triplet-g++ go build -trimpath -tags netgo,osusergo \
			-ldflags "$1 -linkmode external -extldflags '-static $linker'" -o "$file" ./cmd/overshoot-agent
	else
		GOOS=linux GOARCH=$arch GOARM=7 CGO_ENABLED=0 go build -trimpath -ldflags "$1" -o "$file" ./cmd/overshoot-agent
	fi
	size=$(wc -c <"$file")
	echo "$file: $size bytes"
	[ "$size" -lt "$limit" ] || {
		echo "$file is larger than $limit bytes" >&2
		exit 1
	}
done
