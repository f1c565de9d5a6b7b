#!/bin/sh
# Prepares .venv with the `bursar` command in it: finds or fetches uv, then installs what uv.lock says and nothing else.
# Needs Python 3.11 or newer with pip; writes inside this directory only, as root or not.
set -eu
cd "$(dirname "$0")/.."

fail() {
    echo "setup: $1" >&2
    exit 1
}

find_python() {
    for candidate in "${PYTHON:-}" python3.11 python3.12 python3.13 python3 python; do
        if [ -n "$candidate" ] && "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo "$candidate"
            return
        fi
    done
    fail "Python 3.11 or newer is needed (Debian: apt-get install python3)."
}

uv_fits() {
    "$1" --version 2>/dev/null | awk '{ split($2, v, "."); fits = v[1] > 0 || v[2] >= 9 } END { exit !fits }'
}

# A system's Python may be externally managed, and a fresh one may lack venv; a directory of its own needs neither.
fetch_uv() {
    "$1" -m pip --version >/dev/null 2>&1 || fail "pip is needed (Debian: apt-get install python3-pip)."
    mkdir -p .venv-tools
    echo '*' >.venv-tools/.gitignore
    PIP_USER=0 "$1" -m pip install --quiet --disable-pip-version-check --root-user-action=ignore --upgrade --target .venv-tools 'uv>=0.9,<1' ||
        fail "uv could not be fetched from PyPI."
}

if [ ! -w "${HOME:-/nonexistent}" ]; then
    mkdir -p .venv-tools
    echo '*' >.venv-tools/.gitignore
    UV_CACHE_DIR=${UV_CACHE_DIR:-$PWD/.venv-tools/cache}
    export UV_CACHE_DIR
fi

# Where the system has certificates, a network with an authority of its own works too.
if [ -r /etc/ssl/certs/ca-certificates.crt ]; then
    export UV_SYSTEM_CERTS="${UV_SYSTEM_CERTS:-1}"
fi

python=$(find_python)
if uv_fits uv; then
    uv=uv
else
    uv=.venv-tools/bin/uv
    uv_fits "$uv" || fetch_uv "$python"
fi

export UV_PROJECT_ENVIRONMENT=.venv UV_PYTHON_DOWNLOADS=never
unset VIRTUAL_ENV
if [ -x .venv/bin/python ]; then
    "$uv" sync --frozen --all-extras --quiet
else
    "$uv" sync --frozen --all-extras --python "$python" --compile-bytecode
fi
