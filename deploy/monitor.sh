#!/usr/bin/env bash
# A plant on one terminal, by tmux: the live view, what training writes, the log of the plant, disk and GPU.
#   deploy/monitor.sh [DATA]      (default ./mendel-data; MENDEL names the program; Ctrl-B d leaves it running)
set -euo pipefail
data=${1:-mendel-data}
session=mendel-monitor
here=$(cd "$(dirname "$0")" && pwd)
mendel=${MENDEL:-$(command -v mendel || ls "$here/../build/release/mendel" "$here/../../bin/mendel" 2>/dev/null | head -n 1)}
command -v tmux >/dev/null || { echo "monitor: tmux is not installed" >&2; exit 1; }
[ -d "$data" ] || { echo "monitor: $data: no such folder; name the data folder of a plant" >&2; exit 1; }

gpu='echo "no rocm-smi and no nvidia-smi here"'
command -v nvidia-smi >/dev/null && gpu=nvidia-smi
command -v rocm-smi >/dev/null && gpu=rocm-smi
quoted=$(printf %q "$data")
training="shopt -s nullglob; while ! ls $quoted/runs/*/logs/training/stage_*.log >/dev/null 2>&1; do sleep 5; done; tail -n 20 -F $quoted/runs/*/logs/training/stage_*.log"

# Each pane starts again what ends, so that the view outlives the plant.
pane() { printf 'while true; do %s; sleep 5; done' "$1"; }
tmux new-session -d -s $session -x 200 -y 50 bash -c "$(pane "$(printf %q "$mendel") --data $quoted top")"
tmux split-window -h -t $session bash -c "$training"
tmux split-window -v -t $session bash -c "tail -n 20 -F $quoted/logs/plant.log $quoted/logs/collection/*.log $quoted/logs/processing/*.log"
tmux select-pane -t $session.0
tmux split-window -v -t $session bash -c "$(pane "clear; df -h $quoted; du -sh $quoted/*; $gpu")"
[ -t 1 ] && exec tmux attach -t $session
echo "monitor: runs as the tmux session $session; see it by: tmux attach -t $session"
