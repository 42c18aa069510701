# Sourced by ./run, ./test and .ci/run: makes .venv and installs the pinned packages, once.
# A stamp of pyproject.toml and constraints.txt tells whether there is anything to do.

say() { printf '%s\n' "$*" >&2; }

find_python() {
    local name
    for name in "${PYTHON:-}" python3 python3.14 python3.13 python3.12 python3.11; do
        if [ -n "$name" ] && command -v "$name" >/dev/null 2>&1 &&
            "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            command -v "$name"
            return 0
        fi
    done
    say "error: shopkeeper needs python3, 3.11 or newer; $(python3 --version 2>&1) is here."
    say " hint: Install it, or name it: PYTHON=/path/to/python3.12 $0"
    return 2
}

make_venv() {
    local python=$1
    "$python" -m venv .venv >/dev/null 2>&1 && return 0
    rm -rf .venv
    # Debian ships venv apart from python3; as root we can fetch it, else we can only say so.
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
        say "  python3 lacks its venv module; installing Debian's python3-venv"
        apt-get update -qq >/dev/null && apt-get install -y -qq python3-venv >/dev/null
        "$python" -m venv .venv && return 0
    fi
    say "error: '$python -m venv' does not work here."
    say " hint: Install the venv module of your python3 (Debian, Ubuntu: apt install python3-venv)."
    return 2
}

# setup EXTRAS: e.g. `setup demo` or `setup demo,test`
setup() {
    local extras=$1 python stamp
    stamp="$extras $(cat pyproject.toml constraints.txt | cksum)"
    if [ -x .venv/bin/python ] && grep -qxF "$stamp" .venv/installed 2>/dev/null; then
        return 0
    fi
    python=$(find_python) || return 2
    if ! .venv/bin/python -c 'import pip' 2>/dev/null; then
        say "  Making .venv with $("$python" --version)"
        rm -rf .venv
        make_venv "$python" || return 2
    fi
    say "  Installing the packages of constraints.txt ($extras); some 250 MB the first time"
    if ! .venv/bin/python -m pip install --disable-pip-version-check --progress-bar on -q \
        -e ".[$extras]" -c constraints.txt >&2; then
        say "error: The packages could not be installed; pip's own words stand above."
        say " hint: Check the network and the disk, then run the same command again."
        return 1
    fi
    # One line per set of extras that is in, so that ./run and ./test do not undo each other.
    grep -F "$(cat pyproject.toml constraints.txt | cksum)" .venv/installed 2>/dev/null >.venv/kept || true
    { cat .venv/kept; printf '%s\n' "$stamp"; } >.venv/installed
    rm -f .venv/kept
}
