#!/bin/sh
# Makes build/deploy/packages.tar: every Debian package that the roles need, with all that those need, for machines
# that reach no Debian mirror (`ppm_packages_archive`). To be run on Debian 12 with dpkg-dev, whose own mirror it uses.
#
#   sh ansible/mirror.sh [PACKAGE...]     with these packages too: the desktop of your postes
set -eu
cd "$(dirname "$0")/.."
into=build/deploy
mkdir -p "$into"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/state" "$work/cache/archives/partial"
: >"$work/status"
chmod 755 "$work"
wanted=$(sed 's/#.*//' ansible/packages.txt)
poste=$(python3 - <<'PY'
import ast, pathlib
tree = ast.parse(pathlib.Path("kiosk_agent/platform/linux/install.py").read_text())
for node in tree.body:
    if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "PACKAGES":
        print(*ast.literal_eval(node.value))
PY
)
# Nothing is taken to be there: what a machine has already is not installed again.
# shellcheck disable=SC2086  # lists of names
apt-get -qq -o Dir::State::status="$work/status" -o Dir::Cache="$work/cache" -o APT::Install-Recommends=false \
    -o APT::Sandbox::User=root -o Debug::NoLocking=1 -o Dpkg::Use-Pty=0 \
    install --download-only --yes $wanted $poste "$@" >/dev/null
cd "$work/cache/archives"
rm -rf partial lock
dpkg-scanpackages --multiversion . 2>/dev/null >Packages
cd - >/dev/null
tar -C "$work/cache/archives" -cf "$into/.packages.tar" --sort=name --owner=0 --group=0 --numeric-owner .
mv "$into/.packages.tar" "$into/packages.tar"
echo "$into/packages.tar: $(ls "$work/cache/archives" | wc -l) packages"
