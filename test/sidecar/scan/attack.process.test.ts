import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { Directory } from '../../../sidecar/scan/directory.ts'
import { openFound } from '../../../sidecar/scan/open-file.ts'
import { walk } from '../../../sidecar/scan/walk.ts'

/**
 * A worker that swaps a directory and a file for links to what the uploader alone may read, as fast
 * as it can.
 */
const swapper = `
const { renameSync, symlinkSync } = require('node:fs')
const [secret] = process.argv.slice(1)
symlinkSync(secret, 'dir.link')
symlinkSync(secret + '/key', 'file.link')
console.log('swapping')
for (;;) for (const name of ['dir', 'file']) {
  renameSync(name, name + '.was'); renameSync(name + '.link', name)
  renameSync(name, name + '.link'); renameSync(name + '.was', name)
}`

it('never reads a link’s target, whatever the worker swaps meanwhile', async () => {
  const base = mkdtempSync(join(tmpdir(), 'jobferry-attack-'))
  const [root, secret] = [join(base, 'result'), join(base, 'secret')]
  mkdirSync(join(root, 'dir'), { recursive: true })
  mkdirSync(secret)
  writeFileSync(join(root, 'dir', 'key'), 'harmless')
  writeFileSync(join(root, 'file'), 'harmless')
  writeFileSync(join(secret, 'key'), 'SECRET')
  const worker = spawn(process.execPath, ['-e', swapper, secret], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  onTestFinished(() => {
    worker.kill('SIGKILL')
    rmSync(base, { recursive: true, force: true, maxRetries: 5 })
  })
  await new Promise((resolve) => worker.stdout.once('data', resolve))

  const seen = new Set<string>()
  const buffer = Buffer.alloc(8)
  for (const end = Date.now() + 2000; Date.now() < end; ) {
    const directory = Directory.open(root)
    for (const found of walk(directory)) {
      const opened = found.type === 'file' ? openFound(found) : { instead: found }
      if ('instead' in opened) {
        seen.add(opened.instead?.type ?? 'nothing')
        continue
      }
      const size = Number(opened.file.stat().size)
      await opened.file.fill(buffer.subarray(0, Math.min(8, size)), 0)
      opened.file.close()
      expect(buffer.toString('utf8', 0, size)).toBe('harmless')
    }
    directory.close()
  }
  // Both were met: the files as they were, and links instead of them.
  expect([...seen]).toContain('symlink')
  expect([...seen]).toContain('directory')
})
