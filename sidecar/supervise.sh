#!/bin/sh
# Process 1 of the uploader's container: starts the program given as arguments again after every end but the two
# that are meant (settings.ts: exitCode). The kubelet does not: not once the worker has ended, nor within its
# restart back-off. In shell, so that no second Node stays in memory; dash and busybox run it.
#
# A SIGTERM is written down before it is passed on: one that comes while no program runs is not lost.

[ -n "$STATE_DIRECTORY" ] || { echo 'STATE_DIRECTORY is not set' >&2; exit 3; }
mkdir -p "$STATE_DIRECTORY" || exit 3
mark=$STATE_DIRECTORY/terminating
child=
# Stays what it was when whoever that is has ended.
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

# `wait` returns early at each signal that is trapped; while the program is there, or its exit code is not
# fetched yet, it is asked again.
wait_for() {
  while :; do
    # The shell would write `Killed` into the log at each end by force, as an ordinary one is, too.
    wait "$1" 2>/dev/null
    code=$?
    kill -0 "$1" 2>/dev/null || break
  done
}

# Without a cluster: whoever started it was killed, and either its folder was removed or nothing is being stored.
forsaken() {
  [ -z "$UPLOADER_PORT" ] || return 1
  [ -d "$STATE_DIRECTORY" ] || return 0
  [ ! -s "$mark" ] && [ -r "/proc/$$/status" ] || return 1
  parent=
  while read -r key value; do [ "$key" != PPid: ] || parent=$value; done <"/proc/$$/status"
  [ -n "$parent" ] && [ "$parent" != "$PPID" ]
}

# One heap of the C library instead of one per thread: 4 MiB less.
export MALLOC_ARENA_MAX="${MALLOC_ARENA_MAX:-1}"
# What Node allows itself for short-lived objects: a third less memory with thousands of small files, no slower.
export NODE_OPTIONS="--max-semi-space-size=2${NODE_OPTIONS:+ $NODE_OPTIONS}"

tenths=1
while :; do
  started=$(date +%s)
  "$@" &
  child=$!
  wait_for "$child"
  child=
  # It notes its code and then ends itself by force.
  ended=$(cat "$STATE_DIRECTORY/ended" 2>/dev/null)
  [ -z "$ended" ] || exit "$ended"
  case $code in 0 | 3) exit "$code" ;; esac
  ! forsaken || exit 3
  [ $(($(date +%s) - started)) -lt 10 ] || tenths=1
  echo "{\"level\":\"error\",\"name\":\"supervise\",\"msg\":\"the uploader ended with $code; it starts again\"}"
  # In the background: a SIGTERM ends the wait at once, but would have to await a sleep.
  sleep "$((tenths / 10)).$((tenths % 10))" &
  wait $!
  tenths=$((tenths * 2))
  [ $tenths -le 50 ] || tenths=50
done
