import { describe, expect, it } from 'vitest'
import { newDelivery, type ResultDelivery } from '../../../src/job/deliveries/delivery-answer.ts'
import { nextState } from '../../../src/lifecycle/deliveries/advance-round.ts'

const order = {
  targets: [
    { to: 's3://a/', secret: 's' },
    { to: 's3://b/', secret: 's' },
  ],
}
const stateOf = (...deliveries: ResultDelivery[]) => ({ version: 1 as const, deliveries })
const a = newDelivery('s3://a/')
const b = newDelivery('s3://b/')
const running = (message?: string) =>
  ({ state: 'running', ...(message !== undefined && { message }) }) as const

describe('what the leader writes of a round', () => {
  it('is why its program does not begin, once', () => {
    expect(nextState(order, undefined, running(), 0)).toBe(undefined)
    const said = nextState(order, undefined, running('no node takes the pod'), 0)
    expect(said?.deliveries).toEqual([a, b].map((one) => ({ ...one, message: 'no node takes the pod' })))
    expect(nextState(order, said, running('no node takes the pod'), 0)).toBe(undefined)
  })

  it("is nothing over the program's own words", () => {
    const begun = stateOf({ ...a, state: 'delivering', message: 'it is tried again' }, b)
    expect(nextState(order, begun, running('another one'), 0)).toBe(undefined)
  })

  it('is a failure of what a program left open when it ended', () => {
    const left = stateOf({ ...a, state: 'delivered' }, { ...b, state: 'delivering', message: 'slow' })
    const next = nextState(order, left, { state: 'ended', message: 'DeadlineExceeded' }, 0)
    expect(next?.deliveries).toMatchObject([
      { state: 'delivered', reason: null },
      {
        state: 'failed',
        reason: 'Interrupted',
        message: 's3://b/: its program ended before it was done: DeadlineExceeded: slow',
        finished_at: '1970-01-01T00:00:00.000Z',
      },
    ])
  })

  it('is a failure of all if the cluster refuses the program', () => {
    const next = nextState(order, undefined, { state: 'refused', message: 'no' }, 0)
    expect(next?.deliveries).toMatchObject([
      { state: 'failed', message: 's3://a/: its program can not be started: no' },
      { state: 'failed', message: 's3://b/: its program can not be started: no' },
    ])
  })
})
