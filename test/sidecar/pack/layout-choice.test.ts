import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { LayoutChoice } from '../../../sidecar/pack/layout-choice.ts'
import { Directory } from '../../../sidecar/scan/directory.ts'
import { temporaryFolder } from '../../support/files/temporary-folder.ts'

const packing = { fileBytes: 10, fromCount: 2 }
const never = new AbortController().signal

function folder(...sizes: number[]): string {
  const path = temporaryFolder()
  for (const [index, size] of sizes.entries()) writeFileSync(join(path, `f${index}`), Buffer.alloc(size))
  return path
}

function packedBytes(choice: LayoutChoice, path: string): Promise<number | undefined> {
  const directory = Directory.open(path)
  return choice.packedBytes(directory, never).finally(() => directory.close())
}

it('`auto` counts small files only', async () => {
  expect(await packedBytes(new LayoutChoice('auto', packing), folder(1, 10, 11, 11))).toBeUndefined()
  expect(await packedBytes(new LayoutChoice('auto', packing), folder(1, 10, 11, 0))).toBe(10)
})

it('`auto` goes on packing after the worker has removed files', async () => {
  const choice = new LayoutChoice('auto', packing)
  const path = folder(1, 1, 1)
  expect(await packedBytes(choice, path)).toBe(10)
  rmSync(join(path, 'f0'))
  expect(await packedBytes(choice, path)).toBe(10)
})

it('`files` and `packed` count nothing', async () => {
  expect(await packedBytes(new LayoutChoice('files', packing), folder(1, 1, 1))).toBeUndefined()
  expect(await new LayoutChoice('packed', packing).packedBytes(undefined, never)).toBe(10)
})
