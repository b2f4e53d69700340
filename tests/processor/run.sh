#!/bin/sh
# run.sh BUILD [TEST...]: runs tests of BUILD/tests on a processor that has the kernels' instructions.
# Bochs emulates a machine with a Sapphire Rapids; it boots Linux, whose first process (init, beside
# this file) runs the tests. AMX and AVX512-BF16, which Bochs gets wrong, are switched off and done by
# missing.c. Exit 0: every test ran and passed; 77: the packages cannot be had.
#
# Bochs and Linux are Debian's, unpacked in the build folder and run from there. $PROCESSOR_MINUTES
# (120) ends a run that hangs.
set -e
here=$(cd "$(dirname "$0")" && pwd)
tests=$(cd "$1/tests" && pwd)
mkdir -p "$1/processor/cd"
cd "$1/processor"
shift
[ $# -gt 0 ] || set -- base.test_cpu kernels.test_gate kernels.test_dense kernels.test_resize \
    kernels.test_rows kernels.test_conv kernels.test_conv_transpose kernels.test_product \
    kernels.test_gemm kernels.test_bf16 kernels.test_sgemm kernels.test_attention \
    kernels.test_attention_i8 kernels.test_igemm session.test_session session.test_threads

# Programs of the unpacked packages: debian/NAME, with their own libraries.
libraries=debian/usr/lib/x86_64-linux-gnu
debian="debian/usr/lib64/ld-linux-x86-64.so.2 --library-path $libraries:$libraries/pulseaudio \
debian/usr/bin"
export LTDL_LIBRARY_PATH=$libraries/bochs/plugins

# Bochs has these processors since the 3.0 of Debian 13, which runs with its own libraries here.
fetch_packages()
{
    keys=/usr/share/keyrings/debian-archive-keyring.gpg
    command -v apt-get >/dev/null && command -v dpkg >/dev/null && [ -r "$keys" ] || return 1
    mkdir -p apt/lists/partial apt/cache/archives/partial
    : >apt/status
    echo "deb [signed-by=$keys] http://deb.debian.org/debian trixie main" >apt/sources
    cat >apt/conf <<END
Dir::State "$PWD/apt";
Dir::State::status "$PWD/apt/status";
Dir::Cache "$PWD/apt/cache";
Dir::Etc::sourcelist "$PWD/apt/sources";
Dir::Etc::sourceparts "-";
APT::Architecture "amd64";
APT::Sandbox::User "root";
Acquire::Languages "none";
END
    (
        export APT_CONFIG="$PWD/apt/conf"
        apt-get -qq update &&
            apt-get -qq -y --no-install-recommends --download-only install bochs bochs-term \
                bochsbios vgabios busybox-static isolinux syslinux-common xorriso \
                linux-image-cloud-amd64
    ) >apt/log 2>&1 || { cat apt/log >&2 && return 1; }
    for package in apt/cache/archives/*.deb; do
        dpkg -x "$package" "$1" || return 1
    done
    rm -r apt
}

# The files that Linux starts with: init, a shell, the tests and their libraries.
make_initrd()
{
    rm -rf guest
    mkdir -p guest/bin guest/lib guest/tests
    ln -s lib guest/lib64
    cp debian/usr/bin/busybox guest/bin
    cp "$here/init" guest/init
    cp "$tests/processor_missing.so" guest/lib/missing.so
    for name in "$@"; do
        cp "$tests/$name" guest/tests
        ldd "$tests/$name"
    done | grep -o '/[^ ]*' | sort -u >libraries
    xargs cp -Lt guest/lib <libraries
    (cd guest && find . | ../debian/usr/bin/busybox cpio -o -H newc 2>/dev/null) >cd/initrd
}

make_disc()
{
    cp debian/usr/lib/ISOLINUX/isolinux.bin debian/usr/lib/syslinux/modules/bios/ldlinux.c32 cd
    cp debian/boot/vmlinuz-* cd/linux
    cat >cd/isolinux.cfg <<END
default linux
label linux
    kernel /linux
    append initrd=/initrd console=ttyS0 quiet panic=-1 mitigations=off -- $*
END
    $debian/xorriso -as mkisofs -quiet -o disc.iso -b isolinux.bin -c boot.cat -no-emul-boot \
        -boot-load-size 4 -boot-info-table cd 2>/dev/null
}

# Bochs 3.0 takes TDPBSSD's bytes for unsigned ones, and half of VCVTNE2PS2BF16's numbers from
# beyond the register; 57-bit addresses end in a panic when the machine is switched off. Without a
# window Bochs draws on a terminal, at which nobody looks.
run_machine()
{
    cat >bochsrc <<END
display_library: term
romimage: file=debian/usr/share/bochs/BIOS-bochs-latest
vgaromimage: file=debian/usr/share/bochs/VGABIOS-lgpl-latest
megs: 1024
cpu: model=sapphire_rapids, ips=100000000, exclude_features="amx amx_int8 amx_bf16 avx512bf16 la57"
clock: sync=none
ata0-master: type=cdrom, path=disc.iso, status=inserted
boot: cdrom
com1: enabled=1, mode=file, dev=output
log: bochs.log
panic: action=fatal
error: action=ignore
info: action=ignore
END
    : >output
    tail --pid=$$ -n +1 -f output 2>/dev/null | grep --line-buffered -v ^SKIP &
    # Being switched off counts as a panic: what ran is in the output.
    TERM=vt100 script -qec "timeout -s KILL ${PROCESSOR_MINUTES:-120}m $debian/bochs-bin -q -f bochsrc" \
        /dev/null </dev/null >/dev/null 2>&1 || true
    sleep 1
}

all_passed()
{
    for name in "$@"; do
        grep -q "^RESULT $name 0 " output || { echo "$name: did not pass" >&2 && return 1; }
    done
    ! grep 'this machine has no amx' output >&2
}

if [ ! -d debian ]; then
    rm -rf unpacked
    fetch_packages unpacked || {
        echo "SKIP: Debian's Bochs and Linux cannot be had, no kernel ran on an emulated processor" >&2
        exit 77
    }
    mv unpacked debian
fi
make_initrd "$@"
make_disc "$@"
run_machine
all_passed "$@"
