import { appendFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { openLogFile } from '../../../../src/backends/local/files/log-file.ts'
import { temporaryFolder } from '../../../support/files/temporary-folder.ts'

it('returns the last lines of any length, an unfinished one included', async () => {
  const path = join(temporaryFolder(), 'log')
  const line = fc
    .oneof(fc.nat(20), fc.integer({ min: 65_530, max: 65_540 }))
    .map((length) => 'x'.repeat(length))
  await fc.assert(
    fc.asyncProperty(
      fc.array(line, { maxLength: 6 }),
      fc.boolean(),
      fc.nat(8),
      async (lines, whole, tail) => {
        const all = lines.join('\n') + (whole && lines.length > 0 ? '\n' : '')
        await writeFile(path, all)
        const expected =
          all.match(/[^\n]*\n|[^\n]+$/g)?.slice(tail === 0 ? Number.POSITIVE_INFINITY : -tail) ?? []
        expect(await read(path, { tail })).toBe(expected.join(''))
      },
    ),
    { numRuns: 200 },
  )
})

it('follows a log until it is complete', async () => {
  const path = join(temporaryFolder(), 'log')
  await writeFile(path, 'one\ntwo\n')
  let complete = false
  const stream = await openLogFile(path, { tail: 1, isComplete: () => complete })
  await appendFile(path, 'three\n')
  complete = true
  expect(stream && (await text(stream))).toBe('two\nthree\n')
})

it('is undefined without a log file', async () => {
  expect(await openLogFile(join(temporaryFolder(), 'log'), {})).toBeUndefined()
})

async function read(path: string, options: Parameters<typeof openLogFile>[1]): Promise<string> {
  const stream = await openLogFile(path, options)
  if (!stream) throw new Error('no log')
  return text(stream)
}
