#!/bin/sh
# Process 1 of the uploader's container: runs the program in its arguments, and starts it again unless it ended for good
# (uploader-settings.ts: exitCode). The kubelet would not restart it after the worker's end, nor within its back-off. A
# shell, dash or busybox, so that no second Node takes memory.
#
# A SIGTERM is written down before it is passed on, so that it is not lost while no program runs.

[ -n "$STATE_DIRECTORY" ] || { echo 'STATE_DIRECTORY is not set' >&2; exit 3; }
mkdir -p "$STATE_DIRECTORY" || exit 3
mark=$STATE_DIRECTORY/terminating
child=
# The parent's pid at the start; it stays the same after the parent's end.
export SUPERVISOR_STARTED_BY="$PPID"

note() { echo "$(date +%s)000" >"$mark.new" && mv "$mark.new" "$mark"; }

# The volume may be full: state-directory.ts keeps a reserve for that.
terminate() {
  if [ ! -s "$mark" ]; then
    note || { rm -f "$STATE_DIRECTORY/reserve"; note; }
  fi
  [ -z "$child" ] || kill -TERM "$child" 2>/dev/null
}
trap terminate TERM

# `wait` returns early at each trapped signal: it is repeated until the program has ended and its exit code is known.
wait_for() {
  while :; do
    # The shell would log `Killed` at each end by SIGKILL, which is also the ordinary end.
    wait "$1" 2>/dev/null
    code=$?
    kill -0 "$1" 2>/dev/null || break
  done
}

# Without a cluster: its starter was killed, and either the folder was removed or nothing is being stored.
orphaned() {
  [ -z "$UPLOADER_PORT" ] || return 1
  [ -d "$STATE_DIRECTORY" ] || return 0
  [ ! -s "$mark" ] && [ -r "/proc/$$/status" ] || return 1
  parent=
  while read -r key value; do [ "$key" != PPid: ] || parent=$value; done <"/proc/$$/status"
  [ -n "$parent" ] && [ "$parent" != "$PPID" ]
}

# One heap of the C library instead of one per thread: 4 MiB less.
export MALLOC_ARENA_MAX="${MALLOC_ARENA_MAX:-1}"
# Smaller space for short-lived objects: a third less memory with thousands of small files, at the same speed.
export NODE_OPTIONS="--max-semi-space-size=2${NODE_OPTIONS:+ $NODE_OPTIONS}"

tenths=1
while :; do
  started=$(date +%s)
  "$@" &
  child=$!
  wait_for "$child"
  child=
  # The program writes its exit code and then ends itself by SIGKILL.
  ended=$(cat "$STATE_DIRECTORY/ended" 2>/dev/null)
  [ -z "$ended" ] || exit "$ended"
  case $code in 0 | 3) exit "$code" ;; esac
  ! orphaned || exit 3
  [ $(($(date +%s) - started)) -lt 10 ] || tenths=1
  echo "{\"level\":\"error\",\"name\":\"supervise\",\"msg\":\"the uploader ended with $code; it starts again\"}"
  # In the background: a SIGTERM ends the wait at once, but would have to await a sleep.
  sleep "$((tenths / 10)).$((tenths % 10))" &
  wait $!
  tenths=$((tenths * 2))
  [ $tenths -le 50 ] || tenths=50
done
