import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { keepNames } from '../../../sidecar/names/keep-names.ts'
import { StateDirectory } from '../../../sidecar/state-directory.ts'
import { temporaryFolder } from '../../support/files/temporary-folder.ts'

function folder(): string {
  const made = temporaryFolder()
  return made
}

it('keeps hosts and resolv.conf of the first start, whatever is written there later', () => {
  const [etc, state] = [folder(), new StateDirectory(folder())]
  writeFileSync(join(etc, 'hosts'), '10.0.0.1 store\n')
  writeFileSync(join(etc, 'resolv.conf'), 'nameserver 10.96.0.10\n')
  const first = keepNames(state, etc)
  writeFileSync(join(etc, 'hosts'), '127.0.0.1 store\n')
  writeFileSync(join(etc, 'resolv.conf'), 'nameserver 127.0.0.1\n')
  expect(keepNames(state, etc)).toEqual(first)
  expect(first.hosts.get('store')).toEqual(['10.0.0.1'])
  expect(first.servers).toEqual(['10.96.0.10'])
})

it('needs neither file', () => {
  expect(keepNames(new StateDirectory(folder()), folder())).toMatchObject({ servers: ['127.0.0.1'] })
})
