import { describe, expect, it } from 'vitest'
import { withPolicyDefaults } from '../../../src/job/policy/defaults.ts'
import { parsePolicy } from '../../../src/job/policy/policy.ts'
import { mergeRequest } from '../../../src/job/request/request-merge.ts'
import { parseConfiguredJob, parseRequest } from '../../../src/job/request/request-schema.ts'

const selectors = { complete: true, list: [], knownNames: [] }

function filled(policy: object, request: object, configured?: object, podSecurity?: 'baseline') {
  const judged = {
    given: parseRequest(request),
    configured: configured && parseConfiguredJob(configured, 'mine'),
  }
  const merged = mergeRequest({ request: judged.given, configured: judged.configured })
  return withPolicyDefaults(merged, judged, parsePolicy(policy), { podSecurity, selectors })
}

describe("a policy's default", () => {
  it('stands where the request and its configured job say nothing', () => {
    const policy = { default: { cpu: '1', memory: '1Gi', keep_seconds: 60 } }
    const configured = { image: 'a', memory: '8Gi' }
    expect(filled(policy, { image: 'a', cpu: '3' })).toMatchObject({
      cpu: '3',
      memory: '1Gi',
      keep_seconds: 60,
    })
    expect(filled(policy, { job: 'mine' }, configured)).toMatchObject({ cpu: '1', memory: '8Gi' })
    expect(filled(policy, { image: 'a', keep_seconds: 3600 })).toMatchObject({ keep_seconds: 3600 })
  })

  it('is the maximum where nothing said would mean no limit or more than the maximum', () => {
    const maximum = {
      cpu: '4',
      gpu: 2,
      retries: 3,
      timeout_seconds: 100,
      start_timeout_seconds: 60,
      keep_seconds: 9000,
    }
    const request = filled({ maximum }, { image: 'a' })
    expect(request).toMatchObject({
      cpu: '4',
      timeout_seconds: 100,
      start_timeout_seconds: 60,
      keep_seconds: 3600,
    })
    expect(request).toMatchObject({ retries: 0 })
    expect(request.gpu).toBeUndefined()
    expect(request.memory).toBeUndefined()
  })

  it('is a user other than root where the policy allows none, for programs of callers on a cluster', () => {
    const policy = { root: 'none' }
    expect(filled(policy, { image: 'a' }, undefined, 'baseline').run_as_user).toBe(1000)
    expect(filled(policy, { job: 'mine' }, { image: 'a' }, 'baseline').run_as_user).toBeUndefined()
    expect(filled(policy, { job: 'mine', command: ['sh'] }, { image: 'a' }, 'baseline').run_as_user).toBe(
      1000,
    )
    expect(filled(policy, { image: 'a' }).run_as_user).toBeUndefined()
  })
})
