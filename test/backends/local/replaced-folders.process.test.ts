import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { assess } from '../../../src/job/state/state.ts'
import { jobKeys } from '../../../src/result-format/job-keys.ts'
import { readHead } from '../../../src/result-format/manifest/manifest-reader.ts'
import { createFolderStore } from '../../../src/store/folder/folder.ts'
import { planFor } from '../../job/backend-under-test.ts'
import { hasEnded, until } from '../../job/live-jobs.ts'
import { temporaryFolder } from '../../support/files/temporary-folder.ts'
import { shellRequest, startBackend } from './setup.ts'

const foreign = 'foreign.txt'

it.each([
  ['the result folder', 'rm -r "$R" && ln -s "$OUT" "$R"', 'replaced by a link to'],
  [
    'the result folder by way of a further link',
    'mv "$R" "$R.was"; ln -s "$OUT" l; ln -s "$PWD/l" "$R"',
    'replaced by a link to',
  ],
  ['the result folder by a file', 'rm -r "$R" && echo text >"$R"', 'no folder'],
  [
    'the folder of the attempt',
    'A=$(dirname "$R"); mkdir "$OUT/result"; mv "$A" "$A.was"; cp -r "$A.was/state" "$OUT"; ln -s "$OUT" "$A"',
    'a link',
  ],
  [
    'the folder of the job',
    'J=$(dirname $(dirname "$R")); mv "$J" "$J.was"; cp -r "$J.was/." "$OUT"; ln -s "$OUT" "$J"',
    'a link',
  ],
])(
  'a worker that replaces %s by a link leaves no results, and the message says so',
  async (_, script, message) => {
    const { folder, outside, backend } = await setup()
    const plan = planFor(shellRequest(`R=$RESULT_DIRECTORY; ${script}`, { env: { OUT: outside } }))
    await backend.create(plan)
    const job = await until(backend, plan.uuid, hasEnded)
    const store = createFolderStore(join(folder, 'store'))
    const head = await readHead(store, jobKeys.manifest(plan.uuid, job.observation.attempt?.uid ?? ''))
    expect(assess(job.observation, head ?? 'none', 0)).toMatchObject({
      state: 'failed',
      cause: { reason: 'Error', message: expect.stringContaining(message) },
      result: { state: 'missing', count: 0 },
    })
    expect(await readdir(join(folder, 'store'), { recursive: true })).not.toContainEqual(
      expect.stringContaining(foreign),
    )
  },
)

it.each([
  ['input', 'rm -r "$INPUT_DIRECTORY" && ln -s "$OUT" "$INPUT_DIRECTORY"'],
  ['work', 'cd /; W=$(dirname "$RESULT_DIRECTORY")/work; rm -r "$W" && ln -s "$OUT" "$W"'],
  [
    'attempt',
    'A=$(dirname "$RESULT_DIRECTORY"); mv "$A" "$A.was"; mkdir "$OUT/result" "$OUT/input"; ln -s "$OUT" "$A"',
  ],
])(
  'what a link in the place of the %s folder leads to outlives the release of the job',
  async (_, script) => {
    const { outside, backend } = await setup()
    const plan = planFor(shellRequest(script, { env: { OUT: outside } }))
    await backend.create(plan)
    await until(backend, plan.uuid, hasEnded)
    const before = await facts(outside)
    await backend.release(plan.uuid, 600)
    await backend.discard(plan.uuid)
    expect(await facts(outside)).toEqual(before)
    expect(await readFile(join(outside, foreign), 'utf8')).toBe('not the job’s')
  },
)

it('a log that was replaced by a link to another file is not served', async () => {
  const { outside, backend } = await setup()
  const script = 'L=$(dirname "$RESULT_DIRECTORY")/worker.log; rm "$L"; ln -s "$OUT"/*.txt "$L"'
  const plan = planFor(shellRequest(script, { env: { OUT: outside } }))
  await backend.create(plan)
  await until(backend, plan.uuid, hasEnded)
  expect(await backend.log(plan.uuid, { container: 'worker' })).toBeUndefined()
})

async function setup() {
  const folder = temporaryFolder()
  const outside = join(folder, 'outside')
  await mkdir(outside)
  await writeFile(join(outside, foreign), 'not the job’s')
  return { folder, outside, backend: await startBackend(folder) }
}

async function facts(folder: string): Promise<{ mode: number; names: string[] }> {
  return { mode: (await stat(folder)).mode, names: await readdir(folder) }
}
