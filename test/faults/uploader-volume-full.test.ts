import { mkdirSync, readFileSync } from 'node:fs'
import { expect } from 'vitest'
import { newFolderAttempt, Uploader, write } from '../sidecar/uploader-process.ts'
import { run } from '../support/run.ts'
import { fault } from './plan.ts'

/*
 * What the uploader notes down for the next one lies on a volume of its own, which may fill up as any other. Needs
 * root, as the node's volumes do.
 */

fault("the uploader's own volume is full → StorageFull, and its end in time", 30, async () => {
  const made = newFolderAttempt({ UPLOAD_TIMEOUT_SECONDS: '10' })
  mkdirSync(made.state)
  await run('mount', ['-t', 'tmpfs', '-o', 'size=80k', 'tmpfs', made.state])
  try {
    for (let index = 0; index < 2000; index++) write(made, `f${index}`, `content ${index}`)
    const uploader = await new Uploader(made).ready()
    expect(await uploader.terminate().exit()).toBe(3)
    expect(JSON.parse(readFileSync(made.message, 'utf8'))).toMatchObject({ reason: 'StorageFull' })
  } finally {
    await run('umount', ['--lazy', made.state])
  }
})
