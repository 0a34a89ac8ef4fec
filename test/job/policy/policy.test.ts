import { readFile } from 'node:fs/promises'
import { describe, expect, it, test } from 'vitest'
import { parse } from 'yaml'
import { parsePolicy } from '../../../src/job/policy/policy.ts'

describe('a policy file', () => {
  it('without keys allows everything', () => {
    expect(parsePolicy({})).toMatchObject({
      images: 'all',
      labels: 'all',
      root: 'all',
      maximum: {},
      default: {},
    })
    expect(parsePolicy({}).live_jobs_per_token).toBeUndefined()
  })

  it.each<[value: unknown, message: RegExp]>([
    [null, /is empty or no mapping; expected keys of images, /],
    [['images'], /is empty or no mapping/],
    [{ service_acounts: 'none' }, /service_acounts: is unknown; expected service_accounts \(one of images, /],
    [{ maximum: { memry: '1Gi' } }, /maximum\.memry: is unknown; expected memory \(one of cpu, /],
    [{ default: { hold_after_failure_seconds: 60 } }, /default\.hold_after_failure_seconds: is unknown/],
    [{ xyz: 1 }, /xyz: is unknown; expected one of images, /],
    [{ images: 'some' }, /images: .*expected all, none or a list of images like/],
    [{ images: 3 }, /images: .*expected all, none or a list/],
    [{ claims: ['a b'] }, /claims\[0\]: .*names in which \* stands for any text/],
    [{ claims: 'some' }, /claims: .*expected all, none, all-but-jobs or a list of names/],
    [{ affinity: 'some' }, /affinity: .*expected all, own-namespace or none/],
    [{ env_secrets: 'all' }, /env_secrets: .*expected none or a list of names of Secrets/],
    [{ root: 'yes' }, /root: .*expected all, none or pod-security/],
    [{ maximum: { cpu: 'lots' } }, /maximum\.cpu: .*quantity/],
    [{ live_jobs_per_token: 0 }, /live_jobs_per_token: .*a whole number from 1/],
    [
      { maximum: { memory: '1Gi' }, default: { memory: '2G' } },
      /default\.memory: is more than the maximum; expected at most 1Gi/,
    ],
  ])('%j is refused with the key and the right values', (value, message) => {
    expect(() => parsePolicy(value)).toThrow(message)
  })
})

test.each(['base', 'dev'])('manifests/%s ships a policy that is careful', async (folder) => {
  const text = await readFile(new URL(`../../../manifests/${folder}/policy.yaml`, import.meta.url), 'utf8')
  expect(parsePolicy(parse(text))).toMatchObject({
    images: 'all',
    service_accounts: [],
    priority_classes: [],
    claims: 'all-but-jobs',
    node_selectors: 'all',
    labels: 'unselected',
    annotations: [],
    runtime_classes: [],
    affinity: 'own-namespace',
    env_secrets: [],
    env_config_maps: [],
    root: 'pod-security',
  })
})
