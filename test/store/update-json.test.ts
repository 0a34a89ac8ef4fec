import { expect, it } from 'vitest'
import { updateWithRetry } from '../../src/store/update-json.ts'
import { fastClock } from '../support/time/fast-clock.ts'

const clock = fastClock(1000)

it('repeats the change after each conflict until it succeeds', async () => {
  let tries = 0
  const change = async () => (++tries < 5 ? undefined : { changed: tries })
  expect(await updateWithRetry('The thing', change, clock)).toBe(5)
  expect(tries).toBe(5)
})

it('treats a change to undefined as done', async () => {
  expect(await updateWithRetry('The thing', async () => ({ changed: undefined }), clock)).toBeUndefined()
})

it('gives up after 20 conflicts with a Retry-After', async () => {
  let tries = 0
  const change = async () => {
    tries += 1
    return undefined
  }
  await expect(updateWithRetry('The thing', change, clock)).rejects.toMatchObject({
    code: 'unavailable',
    message: 'The thing is being changed by too many requests at once',
    retryAfterSeconds: 1,
  })
  expect(tries).toBe(20)
})

it('does not repeat a change that rejects', async () => {
  let tries = 0
  const change = async () => {
    tries += 1
    throw new Error('no answer')
  }
  await expect(updateWithRetry('The thing', change, clock)).rejects.toThrow('no answer')
  expect(tries).toBe(1)
})
