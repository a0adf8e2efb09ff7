#!/usr/bin/env bash
# The main job on real input with the embedded default: collect, prove, encode, train, evaluate, repair.
# Source material: this machine's Python standard library and the wheels in .venv (mutation, ruff), a git history
# (DEMO_REPO=PATH-or-URL, else a public repository where the network allows it; mined, its newest part for all four linters),
# patch releases where a package index is within reach, and a dump of Stack Exchange if one is named: DEMO_DUMP=Posts.7z.
# What does not fit the time is shown on samples: code run in the sandbox for DEMO_PROOF_PAIRS pairs.
# Everything lies in $DEMO_DATA (default ./mendel-data/demo). Ctrl-C, then again: goes on.
set -euo pipefail
cd "$(dirname "$0")/.."

data=${DEMO_DATA:-mendel-data/demo}
bin=build/release
started=$SECONDS
bold= plain=
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then bold=$'\033[1m' plain=$'\033[0m'; fi
title() { printf '\n%s== %s%s\n' "$bold" "$*" "$plain"; }

title "Mendel demo: breed pairs of buggy and fixed Python, prove them, train a small model, mend a file"
stdlib=$(.venv/bin/python -c 'import sysconfig; print(sysconfig.get_paths()["stdlib"])')
packages=$(.venv/bin/python -c 'import sysconfig; print(sysconfig.get_paths()["purelib"])')
echo "Python code: $stdlib and $packages"

# ---- a git history, if one is to be had
git_sources='[]'
repository=${DEMO_REPO:-}
public=https://github.com/pallets/flask
clone=$data/raw/demo-repository.git
if [ -z "$repository" ] && [ -d "$clone" ]; then
  repository=$clone
elif [ -z "$repository" ]; then
  mkdir -p "$data/raw"
  if GIT_TERMINAL_PROMPT=0 timeout 60 git clone -q --bare "$public" "$clone.partial" 2>/dev/null; then
    mv "$clone.partial" "$clone"
    repository=$clone
  else
    rm -rf "$clone.partial"
  fi
fi
if [ -n "$repository" ]; then
  git_sources="[\"$repository\"]"
  echo "git history: $repository"
else
  echo "git history: none (no network to $public; set DEMO_REPO=PATH-or-URL to mine one)"
fi

# ---- patch releases of a few packages, if a package index is to be had (a few MiB, kept below raw/releases)
release_sources='[]'
packages_released=(werkzeug urllib3 click jinja2 attrs tornado)
release_settings=(--set mine.releases_max=16 --set mine.index_timeout_ms=20000)
if timeout 90 "$bin/mendel" --data "$data" "${release_settings[@]}" mine release "${packages_released[@]}" --stats >/dev/null 2>&1; then
  release_sources=$(printf '"%s", ' "${packages_released[@]}")
  release_sources="[${release_sources%, }]"
  echo "patch releases: ${packages_released[*]}"
else
  echo "patch releases: none (no package index within reach of pip)"
fi

# ---- a dump of Stack Exchange, if one is named
dump_sources='[]'
if [ -n "${DEMO_DUMP:-}" ]; then
  [ -r "$DEMO_DUMP" ] || { echo "DEMO_DUMP=$DEMO_DUMP cannot be read" >&2; exit 2; }
  dump_sources="[\"$(realpath "$DEMO_DUMP")\"]"
  echo "Stack Exchange: $DEMO_DUMP"
else
  echo "Stack Exchange: none (set DEMO_DUMP=Posts.xml or Posts.7z to mine one)"
fi

title "1. Collect, prove, encode, train (about 10 minutes on 2 cores; Ctrl-C and run again to go on)"
mendel=("$bin/mendel" --config deploy/profiles/demo.toml --data "$data")
"${mendel[@]}" --set "sources.python=[\"$stdlib\", \"$packages\"]" --set "sources.git=$git_sources" \
  --set "sources.releases=$release_sources" --set "sources.stackoverflow=$dump_sources" "${release_settings[@]}" up

# once FILE SOURCE COMMAND…: what COMMAND prints, kept in FILE; or FILE again as long as it is newer than SOURCE.
once() {
  local kept=$1 source=$2
  shift 2
  if [ "$kept" -nt "$source" ]; then
    cat "$kept"
    echo "(as measured before: neither model nor dataset has changed since)"
  else
    mkdir -p "$(dirname "$kept")"
    "$@" | tee "$kept.partial"
    mv "$kept.partial" "$kept"
  fi
}

samples() {
  echo "ruff, pylint, mypy and bandit over $stdlib/asyncio:"
  "${mendel[@]}" lint "$stdlib/asyncio" --tools ruff,pylint,mypy,bandit --out "$data/diagnostics.jsonl" 2>/dev/null
  .venv/bin/python deploy/demo_samples.py diagnostics "$data/diagnostics.jsonl"
  echo "$pairs pairs of the dataset, each run on both sides:"
  "${mendel[@]}" dataset sample --dataset "$data/dataset" --split train --count "$pairs" --pairs >"$data/proof-sample.jsonl"
  if "${mendel[@]}" validate --tests --out "$data/verdicts.jsonl" "$data/proof-sample.jsonl" 2>"$data/proof.log"; then
    .venv/bin/python deploy/demo_samples.py verdicts "$data/verdicts.jsonl"
  else
    echo "  not run: $(tail -n 1 "$data/proof.log")"
  fi
}

title "2. What takes longer, on samples: what four linters say, and code that is run in the sandbox"
pairs=${DEMO_PROOF_PAIRS:-400}
once "$data/reports/samples.txt" "$data/dataset/manifest.json" samples

# evaluate CHECKPOINT FOLDER [OPTIONS], once.
evaluate() {
  local checkpoint=$1 folder=$2
  shift 2
  once "$folder/evaluation.txt" "$checkpoint" "${mendel[@]}" eval --checkpoint "$checkpoint" --dataset "$data/dataset" --split test --out "$folder" "$@"
}

title "3. What the model learned, on packages it never saw (beside doing nothing)"
evaluate "$(ls -t "$data"/runs/*/checkpoint.safetensors | head -n 1)" "$data/reports"

title "4. The other model: a small CTM on the same dataset, 2.5 CPU minutes, on 3,000 of the same samples"
ctm=$data/second/ctm-demo  # not below runs, whose newest is what repair takes
"${mendel[@]}" --set train.minutes=2.5 train --model ctm-demo --dataset "$data/dataset" --run "$ctm"
evaluate "$ctm/checkpoint.safetensors" "$data/reports/ctm-demo" --samples 3000 | sed -n '/^exact repairs/p;/^mutation/p;/^clean functions/p;/^thinking/,$p'

title "5. A held-out file with a bug, mended before your eyes"
"${mendel[@]}" dataset sample --dataset "$data/dataset" --split test --count 200 --pairs >"$data/held-out.jsonl"
.venv/bin/python deploy/demo_repair.py "$bin/mendel" "$data" "$data/held-out.jsonl" "$stdlib" "$packages"

title "Done in $((SECONDS - started)) s"
echo "dataset:     $data/dataset      (mendel dataset info $data/dataset)"
echo "checkpoint:  $data/runs         (mendel --data $data repair YOUR_FILE.py)"
echo "reports:     $data/reports/benchmark_report.json, $data/reports/ctm-demo/benchmark_report.json"
