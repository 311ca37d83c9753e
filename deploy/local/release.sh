#!/bin/sh
# Make all that a release consists of: wheel, source, bill of materials, licences, sums.
# usage: release.sh [FOLDER]   (dist; needs what `make setup-dev` installs)
set -eu
out=$(mkdir -p "${1:-dist}" && cd "${1:-dist}" && pwd)
cd "$(dirname "$0")/../.."
bin=${VENV:-.venv}/bin

step() { printf '== %s\n' "$*" >&2; }
# Names of the packages that running needs, without those for tests.
packages() { sed -n 's/^\([A-Za-z0-9_.-]*\)==.*/\1/p' deploy/docker/requirements.txt; }

step "do the installed packages fit together?"
"$bin/python" -m pip check

step "wheel and source"
"$bin/python" -m build --outdir "$out" . >/dev/null

step "licences of what it needs: $out/licenses.md"
# None of these may come in unseen with a new dependency. (The LGPL of psycopg may.)
refused="UNKNOWN;GNU General Public License v2 (GPLv2);GNU General Public License v3 (GPLv3)"
for name in GPL-2.0 GPL-3.0 AGPL-3.0; do refused="$refused;$name-only;$name-or-later"; done
"$bin/pip-licenses" --python "$bin/python" --packages $(packages) \
    --with-system --fail-on "$refused" --format markdown --with-urls --output-file "$out/licenses.md" >/dev/null

step "bill of materials: $out/sbom.cdx.json"
"$bin/cyclonedx-py" requirements deploy/docker/requirements.txt \
    --pyproject pyproject.toml --output-reproducible --of JSON -o "$out/sbom.cdx.json"

step "sums: $out/SHA256SUMS"
(cd "$out" && sha256sum -- *.whl *.tar.gz licenses.md sbom.cdx.json >SHA256SUMS)
