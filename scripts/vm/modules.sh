#!/usr/bin/env bash
# Builds what Debian's kernel comes without, for the kernel of the VM: v4l2loopback, cameras that a program feeds, and vicodec, an encoder
# behind the interface that those of real boards have (V4L2 memory to memory). Needs gcc, make and linux-headers-amd64.
set -euo pipefail
cd "$(dirname "$0")/../.."
folder=$(scripts/vm/kernel.sh)
release=$(cat "$folder/release")
extra=$folder/lib/modules/$release/extra
[ ! -e "$extra/vicodec.ko" ] || exit 0
headers=/usr/src/linux-headers-$release
[ -d "$headers" ] || {
	echo "missing: apt-get install linux-headers-$release" >&2
	exit 1
}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

echo "fetching and building v4l2loopback and vicodec, once; half a minute" >&2
source=linux-source-$(echo "$release" | cut -d. -f1,2)
apt-get download -qq v4l2loopback-dkms "$source" >&2
mkdir loopback codec built
dpkg-deb --fsys-tarfile v4l2loopback-dkms_*.deb | tar -x -C loopback --strip-components=4 --wildcards './usr/src/*'
dpkg-deb --fsys-tarfile "$source"_*.deb | tar -xO "./usr/src/$source.tar.xz" |
	tar -xJ --strip-components=1 "$source/drivers/media/v4l2-core/v4l2-mem2mem.c" "$source/drivers/media/test-drivers/vicodec"
cp drivers/media/v4l2-core/v4l2-mem2mem.c drivers/media/test-drivers/vicodec/*.[ch] codec
cat >codec/Kbuild <<-'END'
	obj-m := v4l2-mem2mem.o vicodec.o
	vicodec-y := vicodec-core.o codec-fwht.o codec-v4l2-fwht.o
	ccflags-y := -DCONFIG_V4L2_MEM2MEM_DEV=1 # the headers of this kernel hide what it was not configured for
END
for part in loopback codec; do
	make -s -C "$headers" "M=$work/$part" modules >"$part.log" 2>&1 || {
		cat "$part.log" >&2
		exit 1
	}
	cp "$part"/*.ko built
done
mv built "$extra"
/sbin/depmod -b "$folder" "$release"
