#!/bin/sh
# Installs what tests/debian-packages.txt lists when root; else says the one line to type. Instant when all is there.
set -eu
here=$(dirname "$0")
missing=""
for package in $(sed 's/#.*//' "$here/debian-packages.txt"); do
    state=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
    [ "$state" = installed ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0
if [ "$(id -u)" -ne 0 ]; then
    echo "The tests need packages that are missing. Type: sudo apt-get install -y$missing" >&2
    exit 1
fi
echo "Installing$missing"
apt-get update -qq
# shellcheck disable=SC2086  # a list of names
DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
