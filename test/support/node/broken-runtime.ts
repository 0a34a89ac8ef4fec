import { chmod, mkdtemp, rename, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { run } from '../run.ts'

/**
 * Puts a script before test/cluster's runc, which kills the first `times` runcs that create a
 * worker of the job's, and passes all other calls on. Disposal puts runc back.
 */
export async function breakStarts(
  uuid: string,
  times: number,
): Promise<AsyncDisposable & { broken(): Promise<number> }> {
  const runc = await pathOf('runc')
  const real = `${runc}.real`
  if (await exists(real)) await rename(real, runc)
  const marks = await mkdtemp(join(tmpdir(), 'broken-runtime-'))
  await chmod(marks, 0o755)
  const script = `${runc}.script`
  await writeFile(script, scriptOf({ uuid, times, real, marks }), { mode: 0o755 })
  await run('cp', ['-p', runc, real])
  // One step, so that no start in between finds no runtime.
  await rename(script, runc)
  const broken = async () => Number((await run('sh', ['-c', `ls ${marks} | wc -l`])).trim())
  return {
    broken,
    async [Symbol.asyncDispose]() {
      await rename(real, runc)
      await rm(marks, { recursive: true, force: true })
    },
  }
}

function scriptOf({
  uuid,
  times,
  real,
  marks,
}: {
  uuid: string
  times: number
  real: string
  marks: string
}) {
  return `#!/bin/sh
case " $* " in
*" create "*)
  bundle=
  before=
  for argument in "$@"; do
    [ "$before" = --bundle ] && bundle=$argument
    before=$argument
  done
  if grep -q '"io.kubernetes.cri.container-name": *"worker"' "$bundle/config.json" &&
    grep -q '"io.kubernetes.cri.sandbox-name": *"job-${uuid}' "$bundle/config.json"; then
    for number in $(seq ${times}); do
      mkdir ${marks}/$number 2>/dev/null && kill -KILL $$
    done
  fi
  ;;
esac
exec ${real} "$@"
`
}

async function pathOf(program: string): Promise<string> {
  return (await run('sh', ['-c', `command -v ${program}`])).trim()
}

async function exists(path: string): Promise<boolean> {
  return await stat(path).then(
    () => true,
    () => false,
  )
}
