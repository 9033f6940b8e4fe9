#!/usr/bin/env bash
# Runs a program in a throw-away VM that has V4L2 cameras: run.sh PROGRAM [ARGUMENT...]
#
# Output and exit code are the program's, and SIGTERM goes to it. It runs as root in /tmp, on an emulated CPU, since CI has no other: this is
# no place to measure speed. Nothing of the VM is left behind. Where the kernel's loopback is all that there is (unshare -rn), the VM has
# no way out either. kernel.sh and modules.sh fetch and build what it is made of. By environment:
#
#   VM_MODULES  kernel modules, each "name[:parameter=value[;...]]"; by default vivid as one webcam, /dev/video0
#   VM_FILES    programs, by name or path, and files to take along, each "here[:there]", by default to /bin; shared libraries come by
#               themselves
#   VM_PREPARE  a line of shell to run before the program
#   VM_SHARE    a folder to mount as /share
#   VM_FORWARD  ports of the VM to reach from here, each "port here:port there". Given, even empty, there is a network, in which 127.0.0.1
#               is that of this machine, for TCP and UDP
#   VM_SHELL    where to make two named pipes, VM_SHELL.in and VM_SHELL.out, to a shell in the VM
#   VM_TIMEOUT  after so many seconds the VM is killed, and the exit code is 124; 300 by default
#   VM_MEMORY   of the VM, in MiB; 512 by default
set -euo pipefail
scripts=$(cd "$(dirname "$0")" && pwd)
: "${VM_MODULES=vivid:n_devs=1;node_types=0x1;num_inputs=1;input_types=0x0}"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
: "${VM_SHELL:=$work/shell}"

failed() { # the VM did not do its part; $2: exit code
	echo "vm: $1" >&2
	[ ! -e "$work/console" ] || tail -20 "$work/console" >&2
	exit "$2"
}

root=$work/root
take() { # a file to the same place in the VM, or to another, and if it is a program all that it is linked to
	mkdir -p "$root/$(dirname "${2:-$1}")"
	cp -L "$1" "$root/${2:-$1}"
	for library in $(ldd "$1" 2>/dev/null | grep -o '/[^ ]*'); do
		[ -e "$root$library" ] || take "$library"
	done
}

take_modules() { # named ones and all that they need, in the order in which they must be loaded
	for module in virtio_pci virtio_console virtio_net 9p 9pnet_virtio $VM_MODULES; do
		/sbin/modprobe -d "$kernel" -S "$release" --show-depends "${module%%:*}" >"$work/depends" ||
			failed "no kernel module ${module%%:*}; scripts/vm/modules.sh builds some" 125
		while read -r _ file _; do
			[ ! -e "$root/vm/${file##*/}" ] || continue
			cp "$file" "$root/vm"
			parameters=
			[ "$file" != "$(tail -1 "$work/depends" | cut -d' ' -f2)" ] || [ "$module" = "${module#*:}" ] || parameters=${module#*:}
			echo "/vm/${file##*/} ${parameters//;/ }" >>"$root/vm/modules"
		done <"$work/depends"
	done
}

make_root() { # all that the VM has, as the archive that the kernel unpacks into memory
	mkdir -p "$root"/{bin,dev,etc,proc,root,sys,vm}
	take "$(command -v busybox)" /bin/busybox
	cp "$scripts/init" "$root/init"
	cp "$scripts/link-video" "$root/vm"
	echo 'root:x:0:0:root:/root:/bin/sh' >"$root/etc/passwd"
	echo '127.0.0.1 localhost' >"$root/etc/hosts"
	take_modules
	local program file here there
	program=$(realpath "$(command -v "$1")")
	take "$program" /vm/program
	shift
	for file in ${VM_FILES:-}; do
		here=$(command -v "${file%%:*}" || echo "${file%%:*}") there=${file#*:}
		[ "$file" != "$there" ] || there=/bin/${file##*/}
		take "$here" "$there"
	done
	echo "${VM_PREPARE:-:}" >"$root/vm/prepare"
	# Nobody but the program has the name of its file in /proc, by which stop_program finds it.
	printf 'exec /vm/program' >"$root/vm/start"
	[ $# = 0 ] || printf " '%s'" "${@//\'/\'\\\'\'}" >>"$root/vm/start"
	(cd "$root" && find . -print0 | cpio --null -o -H newc -R 0:0 --quiet) >"$work/initrd"
	rm -rf "$root"
}

start_vm() {
	mkfifo "$work/out" "$work/err" "$VM_SHELL.in" "$VM_SHELL.out"
	cat "$work/out" &
	cat "$work/err" >&2 &
	readers=$(jobs -p)
	local options=()
	port() { options+=(-chardev "$2,id=$1,path=$3" -device "virtserialport,chardev=$1,name=$1"); }
	options+=(-device virtio-serial-pci)
	port out file "$work/out,append=on"
	port err file "$work/err,append=on"
	port code file "$work/code"
	port shell pipe "$VM_SHELL"
	[ -z "${VM_SHARE:-}" ] || options+=(-virtfs "local,path=$VM_SHARE,mount_tag=share,security_model=none")
	if [ -n "${VM_FORWARD+network}" ]; then
		local nic=user,model=virtio-net-pci
		for ports in $VM_FORWARD; do nic+=",hostfwd=tcp:127.0.0.1:${ports%:*}-10.0.2.15:${ports#*:}"; done
		options+=(-nic "$nic")
	fi
	# It ends with this script even where the script is killed. KVM is left alone: where it is there but emulated itself, this kernel does not
	# survive it.
	setpriv --pdeathsig KILL timeout "${VM_TIMEOUT:-300}" setpriv --pdeathsig KILL qemu-system-x86_64 -M pc -accel tcg,thread=multi,tb-size=256 -cpu max -smp 2 \
		-m "${VM_MEMORY:-512}" -nodefaults -no-user-config -display none -no-reboot -kernel "$kernel/vmlinux" -initrd "$work/initrd" \
		-append "console=ttyS0 panic=-1 loglevel=5 mitigations=off tsc=reliable no_timer_check random.trust_cpu=on" \
		-serial "file:$work/console" -object rng-random,filename=/dev/urandom,id=random -device virtio-rng-pci,rng=random \
		"${options[@]}" </dev/null >&2 &
	vm=$!
}

# The program's process is the one that was started from its file.
stop_program() { echo 'for p in /proc/[0-9]*; do [ "$(readlink $p/exe)" != /vm/program ] || kill ${p#/proc/}; done' >"$VM_SHELL.in"; }

[ $# -ge 1 ] || {
	sed -n '2,/^set /s/^# \{0,1\}//p' "$0" >&2
	exit 125
}
kernel=$("$scripts/kernel.sh")
release=$(cat "$kernel/release")
make_root "$@"
start_vm
trap stop_program TERM INT
while kill -0 "$vm" 2>/dev/null; do
	wait "$vm" && ended=0 || ended=$? # a signal ends the wait, too
done
trap - TERM INT
wait $readers
[ "$ended" != 124 ] || failed "killed after ${VM_TIMEOUT:-300} s; the end of its console:" 124
[ -s "$work/code" ] || failed "it ended without a word (qemu: $ended); the end of its console:" 125
exit "$(cat "$work/code")"
