import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { run } from '../../support/run.ts'
import { mcProgram } from './mc.ts'

/**
 * Builds an image with the single file `/mc` on the test cluster's node; resolves with its name.
 */
export async function mcImage(): Promise<string> {
  const name = 'localhost/jobferry-bench-mc:latest'
  const folder = await mkdtemp(join(tmpdir(), 'jobferry-mc-image-'))
  try {
    await copyFile(await mcProgram(), join(folder, 'mc'))
    await writeFile(join(folder, 'Dockerfile'), 'FROM scratch\nCOPY mc /mc\n')
    await run('test/cluster/build-image', [name, folder])
    return name
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
