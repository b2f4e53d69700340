#!/bin/sh
# Installs the Debian packages that building and testing need, if any is missing. As root, or with
# sudo. --runtime: only what the runtime build needs (-DPRUNE_RUNTIME_ONLY=ON). Further arguments
# name further packages. Elsewhere than on Debian and its relatives it only checks for the tools.
set -e

packages="gcc libc6-dev cmake ninja-build pkg-config libpng-dev libjpeg62-turbo-dev libzstd-dev
libjansson-dev"
tools="cc cmake ninja pkg-config"
if [ "$1" = --runtime ]; then
    shift
else
    packages="$packages g++ make libopenblas-pthread-dev libyaml-dev check libsimde-dev zstd
python3 python3-dev python3-venv"
    tools="$tools python3"
fi

packages="$packages $*"

if ! command -v dpkg-query >/dev/null 2>&1; then
    for tool in $tools; do
        command -v "$tool" >/dev/null 2>&1 && continue
        echo "deps: '$tool' is missing and this is not Debian; install the equivalents of:" >&2
        echo "$packages" >&2
        exit 1
    done
    exit 0
fi

missing=
for package in $packages; do
    state=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
    [ "$state" = installed ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

as_root=
if [ "$(id -u)" != 0 ]; then
    if ! command -v sudo >/dev/null 2>&1; then
        echo "deps: run as root: apt-get install$missing" >&2
        exit 1
    fi
    as_root=sudo
fi
echo "deps: installing$missing"
export DEBIAN_FRONTEND=noninteractive
# The list of packages may be old or absent: try once without fetching it.
$as_root apt-get install -qq -y --no-install-recommends $missing >/dev/null 2>&1 || {
    $as_root apt-get update -qq
    $as_root apt-get install -qq -y --no-install-recommends $missing >/dev/null
}
