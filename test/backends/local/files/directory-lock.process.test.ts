import { spawn } from 'node:child_process'
import { symlinkSync, writeFileSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { expect, it, onTestFinished } from 'vitest'
import { temporaryFolder } from '../../../support/files/temporary-folder.ts'

const ended = { pid: 1, started: '00000000-0000-4000-8000-000000000000:1' }

it('of several processes that find the lock of an ended one, one alone takes it', async () => {
  const folder = temporaryFolder()
  const paths = Array.from({ length: 60 }, (_, index) => join(folder, `lock-${index}`))
  for (const [index, path] of paths.entries()) {
    if (index % 2 === 0) writeFileSync(path, JSON.stringify(ended))
    // As on a full disk.
    else symlinkSync(`${ended.pid}:${ended.started}`, path)
  }
  const racers = await Promise.all(Array.from({ length: 4 }, () => startRacer(paths)))
  const start = Date.now() + 100
  for (const { go } of racers) go(start)
  const locked = await Promise.all(racers.map(({ next }) => next()))
  const all = locked.flatMap((line) => JSON.parse(line) as string[])
  expect(all.toSorted()).toEqual(paths.toSorted())
  expect((await readdir(folder)).toSorted()).toEqual(
    paths.map((path) => path.slice(folder.length + 1)).toSorted(),
  )
}, 120_000)

async function startRacer(paths: readonly string[]) {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'lock-racer.ts'), ...paths], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const next = async () => String((await lines.next()).value)
  expect(await next()).toBe('ready')
  return { next, go: (at: number) => void child.stdin.write(String(at)) }
}
