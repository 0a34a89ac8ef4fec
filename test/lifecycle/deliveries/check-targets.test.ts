import { describe, expect, it } from 'vitest'
import { checkTargets } from '../../../src/lifecycle/deliveries/check-targets.ts'

const check = (to: string, prefix: string) => () =>
  checkTargets([{ to, secret: 's' }], { secrets: ['s'], ownBucket: { bucket: 'own', prefix } })

describe("a target in Jobferry's own bucket", () => {
  it.each([
    ['s3://own/ours/jobs/5/', 'ours/'],
    ['s3://own/ours/', 'ours/'],
    ['s3://own/', 'ours/'],
    ['s3://own/a/', 'a/b'],
    ['s3://own/oursjobs/5/', 'ours'],
    ['s3://own/anything/', ''],
    ['s3://own/', ''],
  ])('%s is refused if the prefix is "%s"', (to, prefix) => {
    expect(check(to, prefix)).toThrow(
      /^outputs\.deliver\[0\]\.to: overlaps with .*; expected another bucket, or a prefix neither/,
    )
  })

  it.each([
    ['s3://own/theirs/', 'ours/'],
    ['s3://own/our/', 'ours/'],
    ['s3://other/ours/jobs/5/', 'ours/'],
    ['s3://own-too/', ''],
  ])('%s is none if the prefix is "%s"', (to, prefix) => {
    expect(check(to, prefix)).not.toThrow()
  })
})

it('a target is anywhere if the store is a folder, with a Secret of the list', () => {
  const targets = [{ to: 's3://own/', secret: 's' }]
  expect(() => checkTargets(targets, { secrets: ['s'] })).not.toThrow()
  expect(() => checkTargets(targets, { secrets: ['t'] })).toThrow(
    'outputs.deliver[0].secret: is not a Secret that requests may name; expected one of t',
  )
})
