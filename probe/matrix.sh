#!/bin/sh
# Runs the tests of the probe on other kernels, in virtual machines that QEMU
# emulates in software. Needs qemu-system-x86, qemu-system-arm, cpio, apt and a
# Debian archive; kernels are cached in $CACHE.
#
#   probe/matrix.sh [-k] [KERNEL...]      KERNEL is SUITE/ARCH, for example bookworm/amd64
#
# -k keeps the work directory. A kernel that cannot be had is reported as SKIP.
# Exits 1 if a test failed.
set -eu

cd "$(dirname "$0")/.."
CACHE=${CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/sysreel-kernels}
MIRROR=${MIRROR:-$(sed -n 's/^URIs: *//p; s/^deb \([^ ]*\).*/\1/p' /etc/apt/sources.list.d/debian.sources /etc/apt/sources.list 2>/dev/null | head -n 1)}
TESTS=${TESTS:-'TestLive|TestTree|TestUpdate|TestRawHooks|TestTracepoints|TestLossIsExact'}
keep=
[ "${1:-}" = -k ] && keep=1 && shift
[ $# -gt 0 ] || set -- bullseye/amd64 bookworm/amd64 trixie/amd64 trixie-backports/amd64 bullseye/arm64 bookworm/arm64 trixie/arm64

work=$(mktemp -d)
[ "$keep" ] || trap 'rm -rf "$work"' EXIT
mkdir -p "$CACHE"

# fetch SUITE ARCH: puts the suite's cloud kernel and busybox into the cache.
fetch() {
	dir=$CACHE/$1-$2
	[ -s "$dir/vmlinuz" ] && [ -s "$dir/busybox" ] && return 0
	root=$work/apt-$1-$2
	mkdir -p "$root/lists/partial" "$root/cache/archives/partial" "$root/deb" "$dir"
	: >"$root/status"
	{
		echo "deb [check-valid-until=no] $MIRROR ${1%-backports} main"
		[ "$1" = "${1%-backports}" ] || echo "deb [check-valid-until=no] $MIRROR $1 main"
	} >"$root/sources.list"
	cat >"$root/apt.conf" <<-EOF
		Dir::Etc::SourceList "$root/sources.list";
		Dir::Etc::SourceParts "/dev/null";
		Dir::State "$root";
		Dir::State::Lists "$root/lists";
		Dir::State::Status "$root/status";
		Dir::Cache "$root/cache";
		APT::Architecture "$2";
		APT::Architectures { "$2"; };
		APT::Sandbox::User "root";
	EOF
	export APT_CONFIG="$root/apt.conf"
	apt-get -qq update || return 1
	meta=linux-image-cloud-$2
	image=$(apt-cache -t "$1" show "$meta" 2>/dev/null | sed -n '/^Depends:/s/.*\(linux-image-[0-9][^ ,]*\).*/\1/p' | head -n 1)
	[ "$image" ] || return 1
	(
		cd "$root/deb"
		# From 6.19 on the kernel itself is in another package.
		binary=$(apt-cache -t "$1" show "$image" | sed -n 's/.*\(linux-binary-[^ ,]*\).*/\1/p' | head -n 1)
		apt-get -qq -t "$1" download "$image" ${binary:+"$binary"} || exit 1
		apt-get -qq download busybox-static || exit 1
		for deb in linux-*.deb; do
			dpkg-deb --fsys-tarfile "$deb" | tar -xO --wildcards '*/vmlinuz*' >vmlinuz 2>/dev/null || continue
			[ -s vmlinuz ] && mv vmlinuz "$dir/vmlinuz"
		done
		dpkg-deb --fsys-tarfile busybox-static*.deb | tar -xO --wildcards '*/bin/busybox' >"$dir/busybox"
		chmod +x "$dir/busybox"
	) || return 1
	unset APT_CONFIG
	[ -s "$dir/vmlinuz" ]
}

# initramfs ARCH DIR: the init program, the test binary and busybox.
initramfs() {
	tree=$work/tree-$1
	mkdir -p "$tree/bin" "$tree/tmp"
	CGO_ENABLED=0 GOARCH=$1 go build -o "$tree/init" ./probe/matrix
	CGO_ENABLED=0 GOARCH=$1 go test -c -o "$tree/probe.test" ./probe
	cp "$2/busybox" "$tree/bin/"
	(cd "$tree" && find . | cpio --quiet -o -H newc -R 0:0 | gzip -1) >"$work/initrd-$1"
}

boot() {
	common="-smp 2 -m 1024 -nodefaults -no-user-config -display none -serial stdio -no-reboot"
	args="quiet panic=-1 -- -test.run=$TESTS -test.timeout=200s"
	case $2 in
	amd64)
		# Two emulator threads crash where the kernel patches its own code.
		timeout 240 qemu-system-x86_64 -M q35 -cpu max -accel tcg,thread=single $common -kernel "$CACHE/$1-$2/vmlinuz" \
			-initrd "$work/initrd-$2" -append "console=ttyS0 mitigations=off $args"
		;;
	arm64)
		timeout 240 qemu-system-aarch64 -M virt -cpu max,pauth-impdef=on -accel tcg,thread=multi $common -kernel "$CACHE/$1-$2/vmlinuz" \
			-initrd "$work/initrd-$2" -append "console=ttyAMA0 $args"
		;;
	esac </dev/null
}

failed=0
for kernel; do
	suite=${kernel%/*} arch=${kernel#*/} log=$work/log-${kernel%/*}-${kernel#*/}
	if ! command -v qemu-system-x86_64 >/dev/null || [ -z "$MIRROR" ] || ! fetch "$suite" "$arch"; then
		echo "SKIP $kernel: no kernel package or no qemu"
		continue
	fi
	[ -s "$work/initrd-$arch" ] || initramfs "$arch" "$CACHE/$suite-$arch"
	boot "$suite" "$arch" >"$log" 2>&1 || true
	# Emulation dies now and then before it gets anywhere: once more, and say so.
	if ! grep -q '^RESULT' "$log"; then
		echo "again $kernel"
		boot "$suite" "$arch" >"$log" 2>&1 || true
	fi
	version=$(tr -d '\r' <"$log" | sed -n 's/^KERNEL //p')
	if grep -q '^RESULT rc=0' "$log"; then
		echo "PASS $kernel ${version:-}"
	else
		echo "FAIL $kernel ${version:-}"
		tr -d '\r' <"$log" | tail -n 60
		failed=1
	fi
done
exit $failed
