#!/usr/bin/env bash
# Installs everything that building, testing and running Mendel needs on Debian 12 or Ubuntu 24.04:
# the packages of deploy/debian-packages.txt and, into .venv/, the wheels of deploy/requirements.txt
# plus torch in the variant that TORCH names (cpu, rocm, cuda; default cpu). Does nothing that is
# already done. Usage: deploy/install-deps.sh [--no-torch]
set -euo pipefail
cd "$(dirname "$0")/.."

TORCH=${TORCH:-cpu}
TORCH_VERSION=2.13.0
GRAMMAR=tree-sitter-python
GRAMMAR_VERSION=0.23.6
GRAMMAR_SHA256=354bfa0a2f9217431764a631516f85173e9711af2c13dbd796a8815acfe505d9
CORE=tree-sitter  # Debian's 0.20.7 corrupts memory on error nodes with over 65,535 children
CORE_VERSION=0.23.2
CORE_SHA256=66bae8dd47f1fed7bdef816115146d3a41c39b5c482d7bad36d9ba1def088450
VENV=.venv

say() { printf 'deps: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

case $TORCH in cpu|rocm|cuda) ;; *) die "TORCH=$TORCH: choose cpu, rocm or cuda" ;; esac

# ---- Debian packages
missing=()
while read -r line; do
  line=${line%%#*}
  [ -n "${line// /}" ] || continue
  chosen=
  IFS='|' read -ra names <<<"$line"
  for name in "${names[@]}"; do
    name=${name// /}
    if dpkg-query -W -f='${Status}' "$name" 2>/dev/null | grep -q 'install ok installed'; then chosen=installed; break; fi
    chosen=${chosen:-$name}
  done
  [ "$chosen" = installed ] || missing+=("$chosen")
done <deploy/debian-packages.txt
if [ ${#missing[@]} -gt 0 ]; then
  command -v apt-get >/dev/null || die "no apt-get: install by hand: ${missing[*]}"
  sudo=
  if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || die "needs root or sudo to install: ${missing[*]}"
    sudo=sudo
  fi
  say "installing ${#missing[@]} packages: ${missing[*]}"
  $sudo apt-get update -q >/dev/null || die "apt-get update failed: is the network up?"
  $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${missing[@]}" >/dev/null ||
    die "apt-get could not install: ${missing[*]}"
fi

# ---- Python wheels
python=${PYTHON:-python3}
[ -x $VENV/bin/python ] || "$python" -m venv $VENV || die "python3 -m venv failed: install python3-venv"
pip() { $VENV/bin/python -m pip --disable-pip-version-check -q "$@"; }
stamp=$VENV/.mendel-requirements
want=$(sha256sum deploy/requirements.txt | cut -d' ' -f1)
if [ "$(cat $stamp 2>/dev/null)" != "$want" ]; then
  say "installing the wheels of deploy/requirements.txt"
  pip install -r deploy/requirements.txt || die "pip could not install deploy/requirements.txt"
  echo "$want" >$stamp
fi

if [ "${1:-}" != --no-torch ]; then
  have=$($VENV/bin/python -c 'import importlib.metadata as m; print(m.version("torch"))' 2>/dev/null || true)
  case $TORCH in cpu) tag=cpu ;; rocm) tag=${TORCH_TAG:-rocm7.1} ;; cuda) tag=${TORCH_TAG:-cu130} ;; esac
  if [[ $have != $TORCH_VERSION+$tag* ]]; then
    say "installing torch $TORCH_VERSION ($tag)"
    # A wheel that pip already knows where to find (a folder, a mirror) comes first; else the PyTorch
    # project's own wheel folder of that variant, because the plain name brings the CUDA build.
    pip install "torch==$TORCH_VERSION+$tag" 2>/dev/null ||
      PIP_EXTRA_INDEX_URL="https://download.pytorch.org/whl/$tag" pip install "torch==$TORCH_VERSION+$tag" ||
      die "no torch $TORCH_VERSION for $tag: set TORCH_TAG to a variant that PyTorch publishes, or PIP_FIND_LINKS to a folder with the wheel"
  fi
fi

# ---- the grammar's source package and the parser's own, by hash
grammar=$VENV/src/tree-sitter-python
core=$VENV/src/tree-sitter
if [ ! -e $grammar/src/parser.c ] || [ ! -e $core/src/lib.c ]; then
  say "fetching the sources of $GRAMMAR $GRAMMAR_VERSION and $CORE $CORE_VERSION"
  tmp=$(mktemp -d)
  trap 'rm -rf "$tmp"' EXIT
  {
    printf '%s==%s --hash=sha256:%s\n' $GRAMMAR $GRAMMAR_VERSION $GRAMMAR_SHA256
    printf '%s==%s --hash=sha256:%s\n' $CORE $CORE_VERSION $CORE_SHA256
  } >"$tmp/sources.txt"
  pip download --no-deps --no-binary :all: --require-hashes -d "$tmp" -r "$tmp/sources.txt" ||
    die "could not fetch $GRAMMAR $GRAMMAR_VERSION and $CORE $CORE_VERSION with the pinned hashes"
  mkdir -p $grammar/src/tree_sitter $core
  tar -xzf "$tmp"/tree?sitter?python-*.tar.gz -C $grammar --strip-components=1
  tar -xzf "$tmp"/tree?sitter-$CORE_VERSION.tar.gz -C "$tmp"
  cp -r "$tmp"/tree?sitter-$CORE_VERSION/tree_sitter/core/lib/{include,src} $core/
  cp $core/src/*.h $grammar/src/tree_sitter/
fi
say "done"
