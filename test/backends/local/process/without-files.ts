import { closeSync, openSync } from 'node:fs'
import { killOrphans } from '../../../../src/backends/local/process/kill-processes.ts'
import { isProcessRunning, refOf } from '../../../../src/backends/local/process/process-table.ts'
import { findSupervisor } from '../../../../src/backends/local/supervisor/supervisor-process.ts'
import { codeOf } from '../../../../src/util/error-code.ts'

/** What the process table says of the process in its argument once no more files can be opened. */
if (import.meta.main) {
  const ref = refOf(Number(process.argv[2]))
  if (ref === undefined) throw new Error('there is no such process')
  const attempt = { uid: 'x', number: 1, worker: {}, uploader: {} }
  const opened: number[] = []
  const code = (error: unknown) => codeOf(error) ?? String(error)
  try {
    for (;;) opened.push(openSync('/dev/null', 'r'))
  } catch {
    // EMFILE
  }
  const said = {
    isProcessRunning: attemptSync(() => isProcessRunning(ref)),
    findSupervisor: await findSupervisor(attempt).then(String, code),
    killOrphans: await killOrphans(undefined, 'x/supervisor'),
  }
  for (const file of opened) closeSync(file)
  process.stdout.write(JSON.stringify(said))

  function attemptSync(ask: () => unknown): unknown {
    try {
      return ask()
    } catch (error) {
      return code(error)
    }
  }
}
