#!/bin/sh
# Makes build/deploy/server-VERSION.tar and kiosk-VERSION.tar: the programs and all that they need, for Debian 12 on
# amd64, by the hashes of locks/. This machine needs a package registry; those that install them need none.
#
#   sh ansible/wheelhouse.sh PYTHON       a Python that has hatchling
set -eu
cd "$(dirname "$0")/.."
python=$1
into=build/deploy
mkdir -p "$into"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$python" -m hatchling build -t wheel -d "$work" >/dev/null
wheel=$(basename "$work"/*.whl)
version=$(echo "$wheel" | cut -d- -f2)

pack() { # NAME LOCK
    mkdir "$work/$1"
    "$python" -m pip download --quiet --disable-pip-version-check --require-hashes --only-binary=:all: \
        --python-version 3.11 --platform manylinux_2_34_x86_64 --platform manylinux_2_28_x86_64 \
        --platform manylinux_2_17_x86_64 --platform manylinux2014_x86_64 -r "locks/$2.lock" -d "$work/$1"
    cp "$work/$wheel" "$work/$1/"
    cp "locks/$2.lock" "$work/$1/requirements.lock"
    tar -C "$work/$1" -cf "$into/.$1.tar" --sort=name --owner=0 --group=0 --numeric-owner .
    mv "$into/.$1.tar" "$into/$1-$version.tar"
    echo "$into/$1-$version.tar"
}

pack server server
pack kiosk kiosk-ui
