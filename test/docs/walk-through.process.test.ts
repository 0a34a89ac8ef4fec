import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { expect, it } from 'vitest'
import { codeBlocks } from '../support/docs/code-blocks.ts'
import { outputsOf, pattern, scriptSteps } from '../support/docs/transcript.ts'
import { freePort } from '../support/free-port.ts'

const page = 'docs/dataspace/walk-through.md'

it('the walk-through without a connector prints what its page says', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'jobferry-walk-'))
  const [port, listener] = [await freePort(), await freePort()]
  const [prepare = '', start = ''] = codeBlocks(page, 'The data plane')
  // The API runs in the background, with a folder of its own.
  const server = start.replace('npm start', `node ${resolve('src/main.ts')} > api.log`).trim()
  const started = [
    `export PORT=${port} DATA_DIRECTORY=${folder}/data JOBS_DIRECTORY=${resolve('manifests/jobs')}`,
    `${server} & trap 'kill $(jobs -p)' EXIT`,
    `until curl -sf localhost:${port}/health/ready > ready; do kill -0 $!; sleep 0.2; done`,
  ].join('\n')
  const blocks = [
    prepare,
    started,
    ...codeBlocks(page, 'Dataplane Signaling'),
    ...codeBlocks(page, 'provision-http'),
  ].map((text) => text.replaceAll('8888', String(port)).replaceAll('8765', String(listener)))
  try {
    const steps = blocks.flatMap(scriptSteps)
    const outputs = await outputsOf(steps, { cwd: folder, strict: true })
    let compared = 0
    for (const [index, { commands, expected }] of steps.entries()) {
      if (expected === undefined) continue
      expect(outputs[index], commands).toMatch(pattern(expected))
      compared += 1
    }
    expect(compared).toBeGreaterThan(10)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}, 120_000)
