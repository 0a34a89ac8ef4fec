import { describe, expect, it } from 'vitest'
import type { Pod } from '../../../../src/backends/kubernetes/api/objects.ts'
import {
  lostStatus,
  overduePods,
  overdueSince,
} from '../../../../src/backends/kubernetes/policies/lost-node.ts'

const conditions = (types: Record<string, boolean>) =>
  Object.entries(types).map(([type, holds]) => ({ type, status: holds ? 'True' : 'False' }))

/** A pod deleted at 12:00:00 with a grace of `graceSeconds`, an hour by default. */
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
    ['never, if not deleted', { metadata: {} }, undefined],
    ['when its grace is over', deleted({ Ready: true, ContainersReady: true }), noon + hour],
    [
      'when its grace is over, even while it stores',
      deleted({ Ready: false, ContainersReady: false }),
      noon + hour,
    ],
    ['when it was deleted, if its node is silent', deleted({ Ready: false, ContainersReady: true }), noon],
    ['at once, if deleted by force', deleted({ Ready: true, ContainersReady: true }, 0), noon],
    ['when its grace is over, if it has no conditions', deleted({}), noon + hour],
    ['when its grace is over, if it failed but its grace was not reduced to 0', failed(3600), noon + hour],
    ['never, if its grace was reduced to 0 and a finalizer holds it', failed(0), undefined],
  ])('%s', (_, pod, since) => {
    expect(overdueSince(pod)).toBe(since)
  })
})

describe('the time for which a process has seen a pod overdue', () => {
  const pod = { ...deleted({}, 0), metadata: { ...deleted({}, 0).metadata, uid: 'pod' } }

  it('begins with the first check that finds the pod overdue', () => {
    expect(overduePods([pod], new Map(), noon)).toEqual({ pods: [], since: new Map() })
    const first = overduePods([pod], new Map(), noon + 1)
    expect(first).toEqual({ pods: [pod], since: new Map([['pod', noon + 1]]) })
    expect(overduePods([pod], first.since, noon + 9)).toEqual(first)
  })

  it('restarts after a check without the pod', () => {
    const { since } = overduePods([], new Map([['pod', noon]]), noon + 5)
    expect(overduePods([pod], since, noon + 9).since).toEqual(new Map([['pod', noon + 9]]))
  })
})

describe('a pod of a lost node', () => {
  it('gets the condition DisruptionTarget and a message', () => {
    expect(lostStatus(deleted({ Ready: false }), noon)).toEqual({
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

  it('keeps an existing condition DisruptionTarget', () => {
    expect(lostStatus(deleted({ DisruptionTarget: true }), noon)).not.toHaveProperty('conditions')
  })
})
