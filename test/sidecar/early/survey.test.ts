import { appendFileSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { expect, it, onTestFinished } from 'vitest'
import { Surveyor } from '../../../sidecar/early/survey.ts'

const go = new AbortController().signal

it('tells what has settled, when the next will have, and how much is written', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'jobferry-survey-'))
  onTestFinished(() => rmSync(directory, { recursive: true }))
  const surveyor = new Surveyor(directory)
  const empty = await surveyor.look(go)
  expect(empty).toMatchObject({ written: 0 })
  expect(empty).not.toHaveProperty('nextAt')

  const before = Date.now()
  writeFileSync(join(directory, 'file'), Buffer.alloc(1_000_000))
  // What the worker says of it counts for nothing.
  utimesSync(join(directory, 'file'), 0, 0)
  const written = await surveyor.look(go)
  expect(written?.settled).toBe(empty?.settled)
  expect(written?.nextAt).toBeGreaterThanOrEqual(before + 490)
  expect(written?.written).toBeGreaterThan(0)

  appendFileSync(join(directory, 'file'), Buffer.alloc(500_000))
  await delay(100)
  const grown = await surveyor.look(go)
  expect(grown?.written).toBeGreaterThan(0)
  expect(grown?.written).toBeLessThanOrEqual(5_000_000)

  await delay(600)
  const settled = await surveyor.look(go)
  expect(settled).toMatchObject({ written: 0 })
  expect(settled?.settled).not.toBe(empty?.settled)
  expect(settled).not.toHaveProperty('nextAt')
})
