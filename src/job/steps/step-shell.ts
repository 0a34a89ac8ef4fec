import { type EffectiveStep, needsShell } from './effective-steps.ts'

/** Where a shell runs a step. */
export interface ShellPlaces {
  /** Of the step's files; absolute. */
  resultDirectory: string
  /** For the pipes, a folder that the shell may make; absolute. */
  pipes: string
  /** The exit code of a step whose failure is ignored is written there. */
  terminationMessage: string
  /** Signals reach the step's program as well as its shell, which then does not pass them on. */
  signalsReachAll?: boolean
  /** A program that fails by itself stays, and the file gets its exit code. */
  hold?: { seconds: number; file: string } | undefined
}

/**
 * The command of a step that a shell has to run: it connects the streams with files and gives the
 * exit code. The step's own command and paths are arguments of the script and no part of it.
 * Undefined if the step's command runs by itself.
 */
export function shellCommand(step: Partial<EffectiveStep>, places: ShellPlaces): string[] | undefined {
  // Without a command there is nothing to hold: the image's own must not be replaced.
  const hasCommand = (step.command?.length ?? 0) > 0
  const hold = step.ignore_error || !hasCommand ? undefined : places.hold
  if (!needsShell(step) && hold === undefined) return undefined
  const { stdin, stdout, stderr, command = [], args = [] } = step
  const file = (path: string | undefined) => (path === undefined ? '' : `${places.resultDirectory}/${path}`)
  const message = step.ignore_error ? places.terminationMessage : ''
  const passOn = places.signalsReachAll ? '' : 'TERM'
  const given = [file(stdin), file(stdout), file(stderr), message, places.pipes, passOn]
  const held = hold === undefined ? ['', ''] : [String(hold.seconds), hold.file]
  return ['/bin/sh', '-c', script, 'step', ...given, ...held, ...command, ...args]
}

/** The exit code in a step's termination message; undefined if there is none. */
export function exitCodeIn(message: string | undefined): number | undefined {
  const [, code] = /^\{"exit_code":(\d{1,3})\}\n?$/.exec(message ?? '') ?? []
  return code === undefined ? undefined : Number(code)
}

/**
 * For dash, bash and busybox, with `mkdir`, `mkfifo`, `tee`, `sleep` and `rm` for files of output.
 * `tee` ends with the last process that has the pipe open, which may be one that the command left
 * behind: 5 s after the command's end it is not waited for any more.
 *
 * `wait` returns early at each trapped signal: it is repeated until the command has ended and its
 * exit code is known.
 */
const script = `
in=$1 out=$2 err=$3 message=$4 pipes=$5 pass=$6 hold=$7 held=$8
shift 8
child= stopped= tees=
trap 'stopped=1; [ -z "$child" ] || [ -z "$pass" ] || kill -TERM "$child" 2>/dev/null' TERM INT HUP
fail() { echo "step: $1" >&2; exit 126; }
if [ -n "$out$err" ]; then mkdir -p "$pipes" || fail "no folder for pipes: $pipes"; fi
pipe() {
  mkdir -p "\${2%/*}" && true >"$2" || fail "cannot write $2"
  rm -f "$pipes/$1" && mkfifo "$pipes/$1" || fail "cannot make a pipe in $pipes"
}
exec 3</dev/null 4>&1 5>&2
if [ -n "$in" ]; then [ -r "$in" ] && [ ! -d "$in" ] && exec 3<"$in" || fail "cannot read $in"; fi
if [ -n "$out" ]; then
  pipe out "$out"
  (trap '' TERM INT HUP; exec tee "$out" <"$pipes/out" 3<&- 5>&-) &
  tees=$!
  exec 4>"$pipes/out"
fi
if [ -n "$err" ]; then
  pipe err "$err"
  (trap '' TERM INT HUP; exec tee "$err" <"$pipes/err" >&2 3<&- 4>&-) &
  tees="$tees $!"
  exec 5>"$pipes/err"
fi
[ -z "$stopped" ] || exit 143
"$@" <&3 >&4 2>&5 3<&- 4>&- 5>&- &
child=$!
[ -z "$stopped" ] || kill -TERM "$child" 2>/dev/null
exec 3<&- 4>&- 5>&-
while :; do
  wait "$child" 2>/dev/null
  code=$?
  kill -0 "$child" 2>/dev/null || break
done
child=
if [ -n "$tees" ]; then
  (sleep 5; kill -KILL $tees) >/dev/null 2>&1 &
  late=$!
  for one in $tees; do
    while wait "$one" 2>/dev/null; kill -0 "$one" 2>/dev/null; do :; done
  done
  { kill -KILL "$late" && wait "$late"; } 2>/dev/null
  rm -rf "$pipes"
fi
if [ -n "$hold" ] && [ "$code" -ne 0 ] && [ -z "$stopped" ]; then
  { echo "$code" >"$held"; } 2>/dev/null
  echo "held for $hold s after exit code $code: 'kill 1' in this container ends it" >&2
  pass=TERM
  sleep "$hold" >/dev/null 2>&1 &
  child=$!
  while [ -z "$stopped" ] && kill -0 "$child" 2>/dev/null; do wait "$child" 2>/dev/null; done
  kill -TERM "$child" 2>/dev/null
fi
[ -n "$message" ] || exit "$code"
echo "{\\"exit_code\\":$code}" >"$message"
exit 0
`
