import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { heardWord } from '../../../src/job/word/heard-word.ts'
import { jobKeys } from '../../../src/result-format/job-keys.ts'
import { readHead } from '../../../src/result-format/manifest/manifest-reader.ts'
import { readIfAny } from '../../../src/store/read-whole.ts'
import { eventually } from '../../support/time/eventually.ts'
import { type Attempt, attempt, job, newFolderAttempt, Uploader, write } from '../uploader-process.ts'

const patient = { within: 40_000 }

function speaking(environment: Record<string, string> = {}) {
  const made = newFolderAttempt(environment)
  const folder = join(made.root, 'word')
  mkdirSync(folder)
  made.environment.WORD_DIRECTORY = folder
  const say = (name: string, content: string) => {
    writeFileSync(join(folder, `${name}.tmp`), content)
    renameSync(join(folder, `${name}.tmp`), join(folder, name))
  }
  return { made, say }
}

function headOf({ store }: ReturnType<typeof newFolderAttempt>) {
  return readHead(store, jobKeys.manifest(job, attempt))
}

async function valuesOf({ store }: ReturnType<typeof newFolderAttempt>): Promise<string | undefined> {
  return (await readIfAny(store, jobKeys.values(job, attempt)))?.toString()
}

const linesOf = ({ log }: Uploader) => log.split('\n').filter((line) => line.includes('"word"'))

describe('the uploader', () => {
  it('says the worker’s word while it runs, and stores its values', async () => {
    const { made, say } = speaking()
    const uploader = await new Uploader(made).ready()
    say('progress.json', '{"percent": 40}')
    say('values.json', '{"a": 1}')
    await eventually(
      () => expect(heardWord(uploader.log)?.word).toMatchObject({ percent: 40, values_bytes: 8 }),
      patient,
    )
    expect(await valuesOf(made)).toBe('{"a": 1}')
    expect(await uploader.terminate().exit()).toBe(0)
    expect((await headOf(made))?.word).toMatchObject({ percent: 40, values_bytes: 8 })
  })

  it('has the last word in the manifest, though it came just before the end', async () => {
    const { made, say } = speaking()
    const uploader = await new Uploader(made).ready()
    write(made, 'file', 'content')
    say('progress.json', '{"percent": 100}')
    say('values.json', '{"last": true}')
    expect(await uploader.terminate().exit()).toBe(0)
    expect((await headOf(made))?.word).toMatchObject({ percent: 100, values_bytes: 14 })
    expect(await valuesOf(made)).toBe('{"last": true}')
  })

  it('stores the last values though its results can’t be', async () => {
    const { made, say } = speaking()
    const uploader = await new Uploader(made).ready()
    rmSync(made.result, { recursive: true })
    writeFileSync(made.result, 'no directory')
    say('progress.json', '{"percent": 100}')
    say('values.json', '{"last": true}')
    expect(await uploader.terminate().exit()).not.toBe(0)
    expect(await headOf(made)).toBeUndefined()
    expect(await valuesOf(made)).toBe('{"last": true}')
    expect(heardWord(uploader.log)?.word).toMatchObject({ percent: 100, values_bytes: 14 })
  })

  it('has the word of the checkpoints in the manifest of a rescue, which hears no worker', async () => {
    const { made, say } = speaking({ UPLOAD_WHILE_RUNNING: 'true' })
    const uploader = await new Uploader(made).ready()
    write(made, 'file', 'content')
    say('values.json', '{"a": 1}')
    await eventually(() => expect(heardWord(uploader.log)?.word).toHaveProperty('values_bytes'), patient)
    write(made, 'other', 'content')
    say('publish', '')
    await eventually(() => expect(heardWord(uploader.log)?.word).toHaveProperty('published_at'), patient)
    await uploader.kill()
    const environment = { ...made.environment, STATE_DIRECTORY: join(made.root, 'other'), RESCUE: 'true' }
    expect(await new Uploader({ ...made, environment }).exit()).toBe(0)
    expect((await headOf(made))?.word).toMatchObject({ values_bytes: 8 })
  })

  it('is not flooded by a worker that writes all the time', async () => {
    const { made, say } = speaking()
    const uploader = await new Uploader(made).ready()
    const end = Date.now() + 8000
    for (let n = 0; Date.now() < end; n += 1) {
      say('progress.json', `{"percent": ${n % 100}, "message": "${n}"}`)
      say('values.json', `{"n": ${n}}`)
      if (n % 100 === 0) await delay(1)
    }
    say('values.json', '{"n": "last"}')
    expect(linesOf(uploader).length).toBeGreaterThan(0)
    expect(linesOf(uploader).length).toBeLessThanOrEqual(5)
    expect(await uploader.terminate().exit()).toBe(0)
    expect(await valuesOf(made)).toBe('{"n": "last"}')
  })

  it('says a silence once it has seen one for the heartbeat’s time, and its end', async () => {
    const { made, say } = speaking({ HEARTBEAT_SECONDS: '5' })
    const uploader = await new Uploader(made).ready()
    await eventually(() => expect(heardWord(uploader.log)?.silentSeconds).toBeGreaterThanOrEqual(5), patient)
    say('progress.json', '{"message": "back"}')
    await eventually(() => {
      expect(heardWord(uploader.log)).toMatchObject({ word: { message: 'back' } })
      expect(heardWord(uploader.log)).not.toHaveProperty('silentSeconds')
    }, patient)
    expect(await uploader.terminate().exit()).toBe(0)
  })

  it('answers `publish` by a checkpoint of what is there, and says so where it can’t', async () => {
    const { made, say } = speaking({ UPLOAD_WHILE_RUNNING: 'true' })
    const uploader = await new Uploader(made).ready()
    write(made, 'file', 'content')
    say('publish', '')
    await eventually(() => expect(heardWord(uploader.log)?.word).toHaveProperty('published_at'), patient)
    expect(await made.store.head(jobKeys.file(job, attempt, 'file'))).toBeDefined()
    expect(await uploader.terminate().exit()).toBe(0)

    const late = speaking()
    const other = await new Uploader(late.made).ready()
    late.say('publish', '')
    await eventually(
      () => expect(heardWord(other.log)?.word.problem).toContain('`upload_while_running` is false'),
      patient,
    )
    expect(await other.terminate().exit()).toBe(0)
  })
})

it('an uploader without such a folder, as of version 0.2, says nothing of it', async () => {
  const made: Attempt & Pick<ReturnType<typeof newFolderAttempt>, 'store'> = newFolderAttempt()
  const uploader = await new Uploader(made).ready()
  expect(await uploader.terminate().exit()).toBe(0)
  expect(await headOf(made)).not.toHaveProperty('word')
})
