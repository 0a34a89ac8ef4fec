import { once } from 'node:events'
import { lock } from '../../../../src/backends/local/files/directory-lock.ts'
import { StartError } from '../../../../src/util/errors.ts'

const millisecondsEach = 30

/**
 * Tries to lock the paths of its arguments, one after the other, and prints as JSON which it has
 * locked. It begins at the time (milliseconds since 1970) that its standard input gives, and holds
 * the locks until that input ends.
 */
if (import.meta.main) {
  process.stdout.write('ready\n')
  const [start] = (await once(process.stdin, 'data')) as [Buffer]
  const locked: string[] = []
  for (const [index, path] of process.argv.slice(2).entries()) {
    // All racers begin with a path at the same moment.
    while (Date.now() < Number(start) + index * millisecondsEach);
    try {
      await lock(path)
      locked.push(path)
    } catch (error) {
      if (!(error instanceof StartError)) throw error
    }
  }
  process.stdout.write(`${JSON.stringify(locked)}\n`)
  await once(process.stdin, 'end')
}
