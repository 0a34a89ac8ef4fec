import { mkdirSync, readFileSync } from 'node:fs'
import { expect } from 'vitest'
import { newFolderAttempt, Uploader, write } from '../../sidecar/uploader-process.ts'
import { run } from '../../support/run.ts'
import { fault } from '../plan.ts'

/*
 * The uploader's journal lies on a volume of its own, which may fill up
 * as any other. The mount needs root.
 */

fault("the uploader's own volume is full → StorageFull, and the uploader ends in time", 30, async () => {
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
