import { appendFileSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { Scanner } from '../../../sidecar/while-running/scan-snapshot.ts'
import { temporaryFolder } from '../../support/files/temporary-folder.ts'
import { manualClock } from '../../support/time/manual-clock.ts'

const never = new AbortController().signal

it('tells which files have settled, when the next one will have, and how much is written', async () => {
  const directory = temporaryFolder()
  const clock = manualClock()
  const scanner = new Scanner(directory, clock)
  const empty = await scanner.scan(never)
  expect(empty).toMatchObject({ written: 0 })
  expect(empty).not.toHaveProperty('nextAt')

  const before = Date.now()
  writeFileSync(join(directory, 'file'), Buffer.alloc(1_000_000))
  // An mtime that the worker sets doesn't count.
  utimesSync(join(directory, 'file'), 0, 0)
  const written = await scanner.scan(never)
  expect(written?.settled).toBe(empty?.settled)
  expect(written?.nextAt).toBeGreaterThanOrEqual(before + 490)
  expect(written?.written).toBeGreaterThan(0)

  appendFileSync(join(directory, 'file'), Buffer.alloc(500_000))
  await clock.advance(100)
  const grown = await scanner.scan(never)
  expect(grown?.written).toBeGreaterThan(0)
  expect(grown?.written).toBeLessThanOrEqual(5_000_000)

  await clock.advance(600)
  const settled = await scanner.scan(never)
  expect(settled).toMatchObject({ written: 0 })
  expect(settled?.settled).not.toBe(empty?.settled)
  expect(settled).not.toHaveProperty('nextAt')
})
