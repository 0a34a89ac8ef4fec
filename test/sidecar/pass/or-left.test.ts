import { getEventListeners } from 'node:events'
import { expect, it } from 'vitest'
import { orLeft } from '../../../sidecar/pass/or-left.ts'

it('gives what comes first, and keeps nothing of a promise that has settled', async () => {
  const left = new AbortController()
  expect(await orLeft(Promise.resolve(1), left.signal)).toBe(1)
  await expect(orLeft(Promise.reject(new Error('failed')), left.signal)).rejects.toThrow('failed')
  expect(getEventListeners(left.signal, 'abort')).toEqual([])
  const open = orLeft(new Promise<number>(() => {}), left.signal)
  left.abort()
  expect(await open).toBeUndefined()
  expect(await orLeft(new Promise<number>(() => {}), left.signal)).toBeUndefined()
})
