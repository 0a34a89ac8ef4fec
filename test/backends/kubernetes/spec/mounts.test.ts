import { expect, it } from 'vitest'
import { checkMounts, wordPath } from '../../../../src/backends/kubernetes/spec/mounts.ts'

const volumes = (...paths: string[]) =>
  paths.map((mount_path) => ({ claim: 'c', mount_path, read_only: false }))

it.each([
  ['/output', volumes('/output'), 'volumes[0].mount_path'],
  ['/output', volumes('/data', '/output/sub'), 'volumes[1].mount_path'],
  ['/data/output', volumes('/data'), 'volumes[0].mount_path'],
  ['/output', volumes('/input/x'), 'volumes[0].mount_path'],
  ['/output', volumes('/data', '/data'), 'volumes[1].mount_path'],
  ['/input', [], 'result_directory'],
  ['/input/results', [], 'result_directory'],
])('refuses %s with %j', (result_directory, mounts, field) => {
  expect(() => checkMounts({ result_directory, volumes: mounts })).toThrow(
    expect.objectContaining({ code: 'invalid-request', errors: [expect.objectContaining({ field })] }),
  )
})

it('accepts paths that share only the beginning of a name', () => {
  checkMounts({ result_directory: '/output', volumes: volumes('/output2', '/data', '/database') })
})

it.each([
  ['/output', [], '/run/jobferry'],
  ['/jobferry', [], '/run/jobferry'],
  ['/run', [], '/.jobferry'],
  ['/output', volumes('/run/jobferry/data'), '/.jobferry'],
  ['/run/jobferry', volumes('/.jobferry'), '/jobferry'],
])('leaves %s and %j their paths: the folder of its word is elsewhere', (result_directory, mounts, path) => {
  expect(wordPath({ result_directory, volumes: mounts })).toBe(path)
})
