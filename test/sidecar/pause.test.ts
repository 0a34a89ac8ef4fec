import { getEventListeners } from 'node:events'
import { expect, it } from 'vitest'
import { orAborted } from '../../sidecar/pause.ts'

it('orAborted() gives the promise’s result or undefined, and leaves no listener behind', async () => {
  const abort = new AbortController()
  expect(await orAborted(Promise.resolve(1), abort.signal)).toBe(1)
  await expect(orAborted(Promise.reject(new Error('failed')), abort.signal)).rejects.toThrow('failed')
  expect(getEventListeners(abort.signal, 'abort')).toEqual([])
  const open = orAborted(new Promise<number>(() => {}), abort.signal)
  abort.abort()
  expect(await open).toBeUndefined()
  expect(await orAborted(new Promise<number>(() => {}), abort.signal)).toBeUndefined()
})
