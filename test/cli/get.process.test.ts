import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { chunkBytes } from '../../src/client/download/chunks.ts'
import { type Embedded, startEmbedded } from '../support/api/embedded.ts'
import { deployJob, waitForFinal } from '../support/api/http.ts'
import { cliResult, runCli, startCli } from '../support/cli/cli-process.ts'
import { startTransformingProxy } from '../support/cli/transforming-proxy.ts'
import { temporaryFolder } from '../support/files/temporary-folder.ts'

const size = 3 * chunkBytes
const script = `cd $RESULT_DIRECTORY; head -c ${size} /dev/urandom > large; sha256sum large > sums; mkdir small
for i in 1 2 3 4 5 6 7 8 9; do echo $i > small/$i; done`

let api: Embedded
let id: string
beforeAll(async () => {
  api = await startEmbedded({}, { LOCAL_ALLOW_COMMANDS: '1', ALLOW_UNAUTHENTICATED: '1', LOG_LEVEL: 'fatal' })
  id = await deployJob(api.url, { command: ['sh', '-c', script] })
  await waitForFinal(api.url, id)
})
afterAll(() => api.remove())

describe('get', () => {
  it('goes on after kill -9 without reading again what was whole', async () => {
    const folder = temporaryFolder()
    let isHeld = true
    let release = () => {}
    const released = new Promise<void>((resolve) => {
      release = resolve
    })
    // The last byte of the file's last chunk does not come.
    const passedOf = (url: string) => url.includes('file=large')
    const proxy = await startTransformingProxy(api.url, {
      hold: (url) => (isHeld && passedOf(url) && passed() >= 2.5 * chunkBytes ? released : undefined),
    })
    const path = `/job/${id}/result`
    const passed = () => proxy.passed.get(path) ?? 0
    const args = ['get', id, '-o', 'got', '--server', proxy.url, '--parallel', '1']
    const child = startCli(args, folder)
    const ended = cliResult(child)
    await expect.poll(passed).toBeGreaterThanOrEqual(2.5 * chunkBytes)
    child.kill('SIGKILL')
    await ended
    expect(readdirSync(join(folder, 'got'))).not.toContain('large')
    isHeld = false
    release()
    const before = passed()

    expect(await runCli(args, folder)).toMatchObject({ code: 0, out: `${join(folder, 'got')}\n` })
    // The chunk that was cut, and the small files; the two whole ones are not read again.
    expect(passed() - before).toBeLessThan(1.5 * chunkBytes)
    const bytes = readFileSync(join(folder, 'got/large'))
    const [sum] = readFileSync(join(folder, 'got/sums'), 'utf8').split(' ')
    expect(createHash('sha256').update(bytes).digest('hex')).toBe(sum)
    expect(readdirSync(join(folder, 'got/.jobferry'))).toEqual(['result.ndjson'])
    const again = await runCli(['get', id, '-o', 'got', '--server', api.url, '--json'], folder)
    expect(JSON.parse(again.out)).toMatchObject({ files: 11, kept: 11 })
  })

  it.each(['large', 'small/5'])(
    'leaves %s out if a proxy alters its bytes, and fetches the rest',
    async (name) => {
      const folder = temporaryFolder()
      const proxy = await startTransformingProxy(api.url, {
        alter(chunk, url) {
          if (!url.includes(`file=${name}`)) return chunk
          // Each byte of 48 MiB would take long.
          const altered = chunk.subarray(0, 60_000).map((byte) => (byte === 0x35 ? 0x36 : byte))
          return Buffer.concat([altered, chunk.subarray(60_000)])
        },
      })
      const { code, err } = await runCli(['get', id, '-o', 'got', '--server', proxy.url], folder)
      expect({ code, err }).toEqual({
        code: 65,
        err: expect.stringContaining(`${name}: came twice with another`),
      })
      expect(existsSync(join(folder, 'got', name))).toBe(false)
      expect(readFileSync(join(folder, 'got/small/4'), 'utf8')).toBe('4\n')
    },
  )

  it('refuses the folder of another job', async () => {
    const folder = temporaryFolder()
    const first = await runCli(['get', id, 'small', '-o', 'got', '--server', api.url, '-q'], folder)
    expect(first).toMatchObject({ code: 0 })
    const other = await deployJob(api.url, { command: ['sh', '-c', 'echo > $RESULT_DIRECTORY/x'] })
    const { code, err } = await runCli(['get', other, '--wait', '-o', 'got', '--server', api.url], folder)
    expect({ code, err }).toEqual({ code: 64, err: expect.stringContaining(`has the results of job ${id}`) })
  })
})
