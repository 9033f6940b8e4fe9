#!/usr/bin/env bash
# Fetches Debian's kernel with its modules into .cache/vm, without installing it, and prints the folder: vmlinux, lib/modules and the file
# `release`, its version. A new version in apt is fetched beside the old one.
set -euo pipefail
cd "$(dirname "$0")/../.."
package=$(apt-cache depends linux-image-amd64 | sed -n 's/^ *Depends: \(linux-image-[0-9].*\)/\1/p' | head -1)
[ -n "$package" ] || {
	echo "apt knows no linux-image-amd64; apt-get update may help" >&2
	exit 1
}
release=${package#linux-image-}
folder=$PWD/.cache/vm/$release
mkdir -p "$folder"
exec 9>"$folder/lock"
flock 9
if [ ! -e "$folder/release" ]; then
	cd "$folder"
	echo "fetching $package, once" >&2
	apt-get download -qq "$package" >&2
	# Most modules are drivers that no VM needs.
	dpkg-deb --fsys-tarfile linux-image-*.deb | tar -x --exclude='*/drivers/gpu' --exclude='*/drivers/net/ethernet' \
		--exclude='*/drivers/net/wireless' --exclude='*/drivers/scsi' --exclude='*/drivers/infiniband' --exclude='*/kernel/sound' ./boot ./lib
	# Inside the image lies the kernel itself, packed with xz. QEMU starts it as it is, which saves the eight seconds that unpacking takes
	# on an emulated CPU. What follows the packed part is no concern of ours, but xz complains of it.
	start=$(LC_ALL=C grep -aobP -m1 '\xfd7zXZ\x00' "boot/vmlinuz-$release" | head -1 | cut -d: -f1)
	tail -c "+$((start + 1))" "boot/vmlinuz-$release" | xz -dc >vmlinux 2>/dev/null || true
	head -c4 vmlinux | grep -q ELF || {
		echo "boot/vmlinuz-$release holds no kernel that is packed with xz" >&2
		exit 1
	}
	rm -rf linux-image-*.deb boot
	/sbin/depmod -b . "$release"
	echo "$release" >release
fi
echo "$folder"
