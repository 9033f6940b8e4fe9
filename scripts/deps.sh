#!/bin/sh
# Installs what building and testing needs and apt has, or says what is missing. $1: "cross" for what scripts/cross.sh needs to build with openh264,
# and what runs the outcome, besides.
set -eu

missing=""
need() { command -v "$1" >/dev/null 2>&1 || missing="$missing $2"; }
need ffmpeg ffmpeg
need ip iproute2
need gcc gcc
need g++ g++ # for the bridge to openh264, which is in every build with cgo, as for the race detector
need git git
need strace strace # for tests in which the disk fails
# A real broker for the tests of the sink mqtt; it lies where not everybody looks.
PATH="$PATH:/usr/sbin" need mosquitto mosquitto
# An RTSP server that shares no code with ours, for the tests of RTSP cameras.
/usr/bin/python3 -c 'import gi; gi.require_version("GstRtspServer", "1.0")' 2>/dev/null ||
	missing="$missing python3-gi gir1.2-gst-rtsp-server-1.0 gstreamer1.0-plugins-good glib-networking"
# Its programs, for the tests of encoders and cameras that run in it.
need gst-launch-1.0 gstreamer1.0-tools
element() { gst-inspect-1.0 --exists "$1" 2>/dev/null || missing="$missing gstreamer1.0-plugins-$2"; }
element videotestsrc base
element x264enc ugly
element mpegtsmux bad
if [ "${1:-}" = cross ]; then
	need x86_64-linux-gnu-g++ g++ # where this is an amd64
	need aarch64-linux-gnu-g++ g++-aarch64-linux-gnu
	need arm-linux-gnueabihf-g++ g++-arm-linux-gnueabihf
	need qemu-aarch64-static qemu-user-static
fi
[ -z "$missing" ] || {
	echo "installing:$missing"
	if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
		apt-get update -qq
		DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing libc6-dev >/dev/null
	elif command -v sudo >/dev/null && command -v apt-get >/dev/null; then
		sudo apt-get update -qq
		sudo DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing libc6-dev >/dev/null
	else
		echo "missing, and not installable from here:$missing. On Debian: apt-get install$missing" >&2
		exit 1
	fi
}
command -v go >/dev/null || {
	echo "missing: Go 1.26 or newer, see https://go.dev/doc/install" >&2
	exit 1
}
