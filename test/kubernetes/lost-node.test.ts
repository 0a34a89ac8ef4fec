import { describe, expect, it } from 'vitest'
import { lostStatus, overdueSince } from '../../src/kubernetes/lost-node.ts'
import type { Pod } from '../../src/kubernetes/objects.ts'

const conditions = (types: Record<string, boolean>) =>
  Object.entries(types).map(([type, holds]) => ({ type, status: holds ? 'True' : 'False' }))

/** Deleted at 12:00:00 with a grace of an hour. */
const deleted = (types: Record<string, boolean>, graceSeconds = 3600): Pod => ({
  metadata: {
    deletionTimestamp: new Date(Date.UTC(2026, 0, 1, 12, 0, graceSeconds)).toISOString(),
    deletionGracePeriodSeconds: graceSeconds,
  },
  spec: { containers: [], nodeName: 'far' },
  status: { phase: 'Running', conditions: conditions(types) },
})

const failed = (graceSeconds: number): Pod => ({ ...deleted({}, graceSeconds), status: { phase: 'Failed' } })

const noon = Date.UTC(2026, 0, 1, 12)
const hour = 3_600_000

describe('a pod should have ended', () => {
  it.each<[string, Pod, number | undefined]>([
    ['never, where nobody deleted it', { metadata: {} }, undefined],
    ['when its grace is over', deleted({ Ready: true, ContainersReady: true }), noon + hour],
    [
      'when its grace is over, also while it stores',
      deleted({ Ready: false, ContainersReady: false }),
      noon + hour,
    ],
    ['when it was deleted, where its node is silent', deleted({ Ready: false, ContainersReady: true }), noon],
    ['at once, where it was deleted by force', deleted({ Ready: true, ContainersReady: true }, 0), noon],
    ['when its grace is over, where nothing is known of it', deleted({}), noon + hour],
    ['when its grace is over, where it failed but was not let go', failed(3600), noon + hour],
    ['never, where it was let go and a finalizer holds it', failed(0), undefined],
  ])('%s', (_, pod, since) => {
    expect(overdueSince(pod)).toBe(since)
  })
})

describe('a pod of a lost node', () => {
  it('counts as disrupted, and says why', () => {
    expect(lostStatus(deleted({ Ready: false }), new Date(noon))).toEqual({
      phase: 'Failed',
      reason: 'NodeLost',
      message: expect.stringContaining('node far is lost'),
      conditions: [
        {
          type: 'DisruptionTarget',
          status: 'True',
          reason: 'NodeLost',
          message: expect.stringContaining('node far is lost'),
          lastTransitionTime: '2026-01-01T12:00:00Z',
        },
      ],
    })
  })

  it('keeps the disruption that it has', () => {
    expect(lostStatus(deleted({ DisruptionTarget: true }))).not.toHaveProperty('conditions')
  })
})
