import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { generated } from '../../docs/generate.ts'

test.each(Object.entries(generated))('docs/%s is what `npm run docs` makes', async (path, text) => {
  const written = await readFile(new URL(`../../docs/${path}`, import.meta.url), 'utf8')
  expect(written).toBe(text())
})
