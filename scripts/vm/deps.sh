#!/bin/sh
# Installs what the VM is made of and apt has, or says what is missing.
set -eu
missing=""
need() { PATH="$PATH:/usr/sbin:/sbin" command -v "$1" >/dev/null 2>&1 || missing="$missing $2"; }
need qemu-system-x86_64 qemu-system-x86
need busybox busybox-static
need cpio cpio
need xz xz-utils
need modprobe kmod
need setpriv util-linux
need make make
need gcc gcc
need v4l2-ctl v4l-utils
need ffmpeg ffmpeg
need ip iproute2
headers=$(apt-cache depends linux-headers-amd64 2>/dev/null | sed -n 's/^ *Depends: \(linux-headers-[0-9].*\)/\1/p' | head -1)
[ -n "$headers" ] && [ -d "/usr/src/$headers" ] || missing="$missing linux-headers-amd64" # for the modules that we build
[ -n "$missing" ] || exit 0

echo "installing:$missing"
as_root=
[ "$(id -u)" = 0 ] || as_root=sudo
command -v apt-get >/dev/null && { [ -z "$as_root" ] || command -v sudo >/dev/null; } || {
	echo "missing, and not installable from here:$missing. On Debian: apt-get install$missing" >&2
	exit 1
}
$as_root apt-get update -qq
$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
