#!/bin/sh
# Make the virtual environment and install what one of the make targets needs.
# usage: setup.sh run|dev
# run: what the platform needs. dev: also tests and tools, with the system programs
# that tests start (Mosquitto, Chromium). With root, missing Debian packages are
# installed; without, one line says which.
set -eu
cd "$(dirname "$0")/../.."
kind=${1:-run}
venv=${VENV:-.venv}

say() { printf '%s\n' "setup: $*" >&2; }
fail() { say "$*"; exit 1; }

apt_install() { # package, what it is needed for
    command -v apt-get >/dev/null 2>&1 || fail "$2 is missing: install the package $1 with your system's package manager, then repeat"
    [ "$(id -u)" = 0 ] || fail "$2 is missing: run 'sudo apt-get install $1', then repeat"
    say "installing the Debian package $1 ($2)"
    DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 install -y --no-install-recommends "$1" >/dev/null 2>&1 || {
        apt-get -qq update >/dev/null
        DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 install -y --no-install-recommends "$1" >/dev/null
    } || fail "apt-get could not install $1"
}

new_enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }

find_python() {
    for name in "${PYTHON:-python3}" python3.14 python3.13 python3.12 python3.11; do
        if command -v "$name" >/dev/null 2>&1 && new_enough "$name"; then
            command -v "$name"
            return
        fi
    done
}

python_package() { # python3 where there is none; where it is old, a newer one if apt has it
    command -v python3 >/dev/null 2>&1 || { echo python3; return; }
    [ "$(id -u)" != 0 ] || apt-get -qq update >/dev/null 2>&1 || true
    for name in python3.14 python3.13 python3.12 python3.11; do
        if apt-cache show "$name" >/dev/null 2>&1; then
            echo "$name"
            return
        fi
    done
}

make_venv() {
    python=$(find_python)
    if [ -z "$python" ]; then
        package=$(python_package)
        [ -n "$package" ] || fail "Python 3.11 or newer is needed, python3 is $(python3 --version 2>&1): install one and repeat with PYTHON=/path/to/python3"
        apt_install "$package" "Python 3.11 or newer"
        python=$(find_python)
        [ -n "$python" ] || fail "Python 3.11 or newer is needed; this system offers $(python3 --version 2>&1)"
    fi
    if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
        apt_install "$("$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')" "Python's venv module"
    fi
    say "making $venv with $("$python" --version)"
    "$python" -m venv "$venv"
}

fetch_file() { # package, file in it, target, meaning: unpacked, for the package is not wanted
    [ -e "$3" ] && return
    command -v apt-get >/dev/null 2>&1 && command -v dpkg-deb >/dev/null 2>&1 ||
        fail "$4, which Debian's package $1 ships, is missing: put it at $3"
    say "fetching $4 from the Debian package $1"
    unpacked=$(mktemp -d)
    (cd "$unpacked" && { apt-get -qq download "$1" >/dev/null 2>&1 || [ "$(id -u)" != 0 ] ||
        { apt-get -qq update >/dev/null && apt-get -qq download "$1" >/dev/null 2>&1; }; }) &&
        dpkg-deb -x "$unpacked/$1"_*.deb "$unpacked" &&
        mkdir -p "$(dirname "$3")" &&
        cp "$unpacked/$2" "$3" ||
        fail "could not fetch it: apt-get download $1"
    rm -rf "$unpacked"
}

install() { # stamp file, then pip arguments
    stamp=$venv/$1
    shift
    fresh=$(cat requirements*.txt pyproject.toml | cksum)
    [ "$(cat "$stamp" 2>/dev/null)" = "$fresh" ] && return
    say "installing $* (the first time this takes a minute or two)"
    "$venv/bin/python" -m pip install --disable-pip-version-check --quiet "$@"
    printf '%s\n' "$fresh" >"$stamp"
}

[ -x "$venv/bin/python" ] && new_enough "$venv/bin/python" || make_venv
install .installed-run -r requirements.txt
[ -e "$venv/bin/varpulis" ] && "$venv/bin/python" -c 'import varpulis_site, vpl' 2>/dev/null ||
    "$venv/bin/python" -m pip install --disable-pip-version-check --quiet --no-deps --editable .

if [ "$kind" = dev ]; then
    install .installed-dev -r requirements.txt -r requirements-dev.txt
    fetch_file fail2ban usr/lib/python3/dist-packages/fail2ban/tests/files/logs/sshd \
        "$venv/share/fail2ban/sshd" "the log lines that an example reads"
    fetch_file prometheus usr/bin/promtool "$venv/share/prometheus/promtool" \
        "promtool, which tests the alert rules"
    # Debian keeps servers in /usr/sbin, which is not on every user's PATH.
    PATH=$PATH:/usr/sbin
    command -v curl >/dev/null 2>&1 || apt_install curl "curl, which the documents use"
    command -v mosquitto >/dev/null 2>&1 || [ "$(id -u)" != 0 ] || apt_install mosquitto "an MQTT broker for the tests"
    command -v chromium >/dev/null 2>&1 || apt_install chromium "a browser for the tests"
fi
