import { execFileSync } from 'node:child_process'
import { chmodSync, readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { manifestOf } from '../stored.ts'
import { newFolderAttempt, Uploader, write } from '../uploader-process.ts'

const isRoot = process.getuid?.() === 0
// Root reads everything: so the uploader runs as somebody else.
const wrapper = isRoot ? ['setpriv', '--reuid=65534', '--clear-groups', '--inh-caps=-all'] : []

it.each(['000', '100', '300'])(
  'stores a result directory that its owner has left with the mode %s',
  async (mode) => {
    const made = newFolderAttempt()
    write(made, 'file', 'kept')
    if (isRoot) execFileSync('chown', ['-R', '65534', made.root])
    const uploader = await new Uploader(made, { wrapper }).ready()
    chmodSync(made.result, Number.parseInt(mode, 8))
    expect(await uploader.terminate().exit()).toBe(0)
    const { head } = await manifestOf(made.store)
    expect(head).toMatchObject({ count: 1, bytes: 4, errors: 0 })
  },
)

it.skipIf(!isRoot)(
  "ends at once, with the reason, where another user's result directory is closed",
  async () => {
    const made = newFolderAttempt()
    write(made, 'file', 'kept')
    execFileSync('chown', ['-R', '65534', made.root])
    execFileSync('chown', ['-R', '0', made.result])
    const uploader = await new Uploader(made, { wrapper }).ready()
    chmodSync(made.result, 0o000)
    expect(await uploader.terminate().exit()).toBe(3)
    expect(JSON.parse(readFileSync(made.message, 'utf8'))).toEqual({
      reason: 'Error',
      message:
        "RESULT_DIRECTORY can't be listed (its mode is 0000): EACCES: permission denied; a worker must leave it readable",
    })
  },
)
