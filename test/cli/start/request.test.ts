import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { requestOf } from '../../../src/cli/start/request.ts'
import { temporaryFolder } from '../../support/files/temporary-folder.ts'

describe('the request', () => {
  it('is of the configured job `default` if no program is named', async () => {
    expect(await requestOf({}, [])).toEqual({ job: 'default' })
    expect(await requestOf({ name: 'n', label: ['a=b'] }, [])).toEqual({
      ...{ job: 'default', name: 'n', labels: { a: 'b' } },
    })
  })

  it('is of the file, with the options in place of its fields', async () => {
    const file = join(temporaryFolder(), 'request.yaml')
    writeFileSync(file, 'image: a:1\nenv: {VERSION: 1.10, KEPT: yes}\nretries: 2\n')
    const options = { file, image: 'b:2', env: ['VERSION=2=3'], set: ['labels={team: x}', 'memory=8Gi'] }
    expect(await requestOf({ ...options, gpu: '1', timeout: '60' }, ['sh', '-c', 'date'])).toEqual({
      ...{ image: 'b:2', env: { VERSION: '2=3', KEPT: 'yes' }, retries: 2, labels: { team: 'x' } },
      ...{ memory: '8Gi', gpu: 1, timeout_seconds: 60, command: ['sh', '-c', 'date'] },
    })
  })

  it('keeps the numbers of `env` in JSON as they are written', async () => {
    const file = join(temporaryFolder(), 'request.json')
    writeFileSync(file, '{\n\t"env": {"VERSION": 1.10}\n}')
    expect(await requestOf({ file }, [])).toEqual({ job: 'default', env: { VERSION: '1.10' } })
  })

  it.each([
    [{ gpu: 'two' }, '--gpu two: is no whole number'],
    [{ set: ['memory'] }, '--set memory: has no name; expected NAME=VALUE'],
    [{ env: ['JOBFERRY_ABSENT'] }, '--env JOBFERRY_ABSENT: this shell has no such variable'],
  ])('of %j is refused', async (options, problem) => {
    await expect(requestOf(options, [])).rejects.toThrow(problem)
  })
})
