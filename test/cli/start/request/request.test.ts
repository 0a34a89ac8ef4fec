import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { requestsOf } from '../../../../src/cli/start/request/request.ts'
import { temporaryFolder } from '../../../support/files/temporary-folder.ts'

describe('the request', () => {
  it('is of the configured job `default` if no program is named', async () => {
    expect(await requestsOf({}, [])).toEqual([{ job: 'default' }])
    expect(await requestsOf({ name: 'n', label: ['a=b'] }, [])).toEqual([
      { job: 'default', name: 'n', labels: { a: 'b' } },
    ])
  })

  it('has parameters as text, beside those of the file', async () => {
    const file = join(temporaryFolder(), 'request.yaml')
    writeFileSync(file, 'job: fit\nparameters: {rounds: 3, seed: 1}\n')
    expect(await requestsOf({ file, param: ['rounds=5', 'title=a=b'] }, [])).toEqual([
      { job: 'fit', parameters: { rounds: '5', seed: 1, title: 'a=b' } },
    ])
  })

  it('is of the file, with the options in place of its fields', async () => {
    const file = join(temporaryFolder(), 'request.yaml')
    writeFileSync(file, 'image: a:1\nenv: {VERSION: 1.10, KEPT: yes}\nretries: 2\n')
    const options = { file, image: 'b:2', env: ['VERSION=2=3'], set: ['labels={team: x}', 'memory=8Gi'] }
    expect(await requestsOf({ ...options, gpu: '1', timeout: '60' }, ['sh', '-c', 'date'])).toEqual([
      {
        ...{ image: 'b:2', env: { VERSION: '2=3', KEPT: 'yes' }, retries: 2, labels: { team: 'x' } },
        ...{ memory: '8Gi', gpu: 1, timeout_seconds: 60, command: ['sh', '-c', 'date'] },
      },
    ])
  })

  it('keeps the numbers of `env` in JSON as they are written', async () => {
    const file = join(temporaryFolder(), 'request.json')
    writeFileSync(file, '{\n\t"env": {"VERSION": 1.10}\n}')
    expect(await requestsOf({ file }, [])).toEqual([{ job: 'default', env: { VERSION: '1.10' } }])
  })

  it("has the submission helper's image pull Secret, claim and label once one of its flags is given", async () => {
    const defaults = {
      image_pull_secret: 'sh-k8s-registry-secret',
      volumes: [{ claim: 'ntuples-claim', mount_path: '/ntuples' }],
      labels: { app: 'submission-helper' },
    }
    expect(await requestsOf({ k8sImage: 'a:1' }, ['source setup.sh && ./run $SEED'])).toEqual([
      { image: 'a:1', command: ['bash', '-cl', 'source setup.sh && ./run $SEED'], ...defaults },
    ])
    const named = {
      k8sRegistrySecret: '',
      k8sVolumeClaim: 'c',
      k8sMountPath: '/data',
      label: ['identifier=7'],
    }
    expect(await requestsOf({ image: 'a:1', ...named }, ['echo', "it's", '--a=$B'])).toEqual([
      {
        image: 'a:1',
        command: ['bash', '-cl', "echo 'it'\\''s' '--a=$B'"],
        volumes: [{ claim: 'c', mount_path: '/data' }],
        labels: { app: 'submission-helper', identifier: '7' },
      },
    ])
    expect(await requestsOf({ image: 'a:1' }, ['true'])).toEqual([{ image: 'a:1', command: ['true'] }])
  })

  it('is made for each line of --payloads', async () => {
    const payloads = join(temporaryFolder(), 'payloads')
    writeFileSync(payloads, '# of today\nfirst --seed 1\n\n  second && third\r\n')
    expect(await requestsOf({ image: 'a:1', payloads }, [])).toEqual([
      { image: 'a:1', command: ['bash', '-cl', 'first --seed 1'] },
      { image: 'a:1', command: ['bash', '-cl', 'second && third'] },
    ])
    await expect(requestsOf({ payloads }, ['date'])).rejects.toThrow('--payloads is given together with')
    writeFileSync(payloads, '# nothing\n')
    await expect(requestsOf({ payloads }, [])).rejects.toThrow('has no command; expected one a line')
  })

  it.each([
    [{ image: 'a', k8sImage: 'b' }, '--image is given together with --k8s-image'],
    [{ gpu: 'two' }, '--gpu two: is no whole number'],
    [{ set: ['memory'] }, '--set memory: has no name; expected NAME=VALUE'],
    [{ env: ['JOBFERRY_ABSENT'] }, '--env JOBFERRY_ABSENT: this shell has no such variable'],
  ])('of %j is refused', async (options, problem) => {
    await expect(requestsOf(options, [])).rejects.toThrow(problem)
  })
})
