import { expect, it } from 'vitest'
import { tryAnew } from '../../src/completion/try-anew.ts'

it('changes a thing anew where another was faster, until it comes first', async () => {
  let tries = 0
  const change = async () => (++tries < 5 ? undefined : { changed: tries })
  expect(await tryAnew('The thing', change)).toBe(5)
  expect(tries).toBe(5)
})

it('takes a change to nothing for one that is done', async () => {
  expect(await tryAnew('The thing', async () => ({ changed: undefined }))).toBeUndefined()
})

it('gives up a thing that others change all the time, and says when to come again', async () => {
  let tries = 0
  const change = async () => {
    tries += 1
    return undefined
  }
  await expect(tryAnew('The thing', change)).rejects.toMatchObject({
    code: 'unavailable',
    message: 'The thing changes too fast',
    retryAfterSeconds: 1,
  })
  expect(tries).toBe(20)
})

it('tries nothing anew that failed', async () => {
  let tries = 0
  const change = async () => {
    tries += 1
    throw new Error('no answer')
  }
  await expect(tryAnew('The thing', change)).rejects.toThrow('no answer')
  expect(tries).toBe(1)
})
