import { createHash } from 'node:crypto'
import type { Readable } from 'node:stream'
import { fileKey } from '../artifact/keys.ts'
import { layout } from '../artifact/layout.ts'
import { putStream, TooLargeError } from '../artifact/put-stream.ts'
import type { ArtifactStore } from '../artifact/store.ts'
import { invalid, messageOf, Problem } from '../errors.ts'
import type { JobBackend } from '../job/backend.ts'
import type { JobRequest } from '../job/request.ts'
import { requestHash } from '../job/request-hash.ts'
import type { Log } from '../log.ts'
import type { Deployment } from './jobs.ts'

export interface DeploymentParts {
  backend: JobBackend
  store: ArtifactStore
  log: Log
  inputMaxBytes: number
}

/**
 * A creation of the job `uuid`, alone in this process (`unlock` ends that). `existing` is the request's hash of the
 * job of that uuid, live or finished: then inputs are only hashed, so that a replay can't touch what was stored.
 */
export function createDeployment(
  parts: DeploymentParts,
  uuid: string,
  existing: string | undefined,
  unlock: () => void,
): Deployment {
  const { backend, store, log, inputMaxBytes } = parts
  const inputs: ReceivedInput[] = []
  const names = new Set<string>()
  const stored: string[] = []
  let bytes = 0

  async function removeInputs(): Promise<void> {
    if (stored.length > 0) await store.remove([...stored, layout.inputList(uuid)])
  }

  async function abandonQuietly(): Promise<void> {
    await removeInputs().catch((error: unknown) =>
      log.warn(
        { job: uuid, error: messageOf(error) },
        'inputs of a request that failed could not be removed',
      ),
    )
  }

  async function storeList(): Promise<string | undefined> {
    if (inputs.length === 0) return undefined
    const list = Buffer.from(
      [...inputs]
        .sort((a, b) => Buffer.compare(Buffer.from(a.name), Buffer.from(b.name)))
        .map(({ name, ...rest }) => `${JSON.stringify({ path: name, type: 'file', ...rest })}\n`)
        .join(''),
    )
    await store.put(layout.inputList(uuid), list)
    return createHash('sha256').update(list).digest('hex')
  }

  return {
    uuid,

    async receiveInput(name, stream) {
      checkInputName(name)
      if (names.has(name))
        throw invalid('input', `the name ${JSON.stringify(name)} was given twice`, 'different file names')
      names.add(name)
      const limit = inputMaxBytes - bytes
      const key = fileKey(Buffer.from(name))
      const at = layout.input(uuid, key)
      if (existing === undefined) stored.push(at)
      try {
        const { size, sha256, etag } = existing
          ? { ...(await hashOnly(stream, limit)), etag: '' }
          : await putStream(store, at, stream, { maxBytes: limit })
        bytes += size
        inputs.push({ name, size, sha256, key, etag })
      } catch (error) {
        if (!(error instanceof TooLargeError)) throw error
        throw new Problem(
          'too-large',
          `input: the files have more than ${inputMaxBytes} bytes in all (INPUT_MAX_BYTES)`,
          {
            errors: [
              { field: 'input', problem: 'too large', expected: `at most ${inputMaxBytes} bytes in all` },
            ],
          },
        )
      }
    },

    async deploy(request: JobRequest) {
      try {
        const requestSha256 = requestHash(request, inputs)
        if (existing !== undefined) {
          checkSame(existing, requestSha256)
          return { job_uuid: uuid }
        }
        const inputsSha256 = await storeList()
        const made = await backend.create({
          uuid,
          request,
          requestSha256,
          ...(inputsSha256 && { inputsSha256 }),
        })
        checkSame(made.requestSha256, requestSha256)
        await untilKnown(backend, uuid)
        return { job_uuid: uuid }
      } catch (error) {
        // Where the cluster's answer was lost, the Job may stand: a retry with the key needs its inputs.
        if (!(error instanceof Problem && ['unavailable', 'idempotency-key-reused'].includes(error.code))) {
          await abandonQuietly()
        }
        throw error
      } finally {
        unlock()
      }
    },

    async abandon() {
      await abandonQuietly()
      unlock()
    },
  }
}

interface ReceivedInput {
  name: string
  size: number
  sha256: string
  key: string
  etag: string
}

/** A job must be found by the very caller who was just told of it, though the watch is a moment behind. */
async function untilKnown(backend: JobBackend, uuid: string): Promise<void> {
  if (backend.get(uuid)) return
  await new Promise<void>((resolve) => {
    const done = () => {
      clearTimeout(timer)
      end()
      resolve()
    }
    const timer = setTimeout(done, 5000)
    const end = backend.subscribe((changed) => {
      if (changed === uuid) done()
    })
    if (backend.get(uuid)) done()
  })
}

function checkSame(existing: string, requested: string): void {
  if (existing === requested) return
  throw new Problem(
    'idempotency-key-reused',
    'Idempotency-Key: it was used for another request; expected a new key for a new request',
    {
      errors: [
        {
          field: 'Idempotency-Key',
          problem: 'used for another request',
          expected: 'a new key for a new request',
        },
      ],
    },
  )
}

/** A name becomes a file of `/input`: one component, nothing that a shell or a listing would stumble over. */
function checkInputName(name: string): void {
  const expected = 'a file name of 1 to 255 bytes without "/", control characters, "." or ".."'
  const shown = JSON.stringify(name)
  if (name === '' || name === '.' || name === '..' || name.includes('/') || Buffer.byteLength(name) > 255) {
    throw invalid('input', `${shown} is no safe file name`, expected)
  }
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  if (/[\u0000-\u001f\u007f]/.test(name)) throw invalid('input', `${shown} has control characters`, expected)
}

async function hashOnly(stream: Readable, limit: number): Promise<{ size: number; sha256: string }> {
  const hash = createHash('sha256')
  let size = 0
  for await (const chunk of stream) {
    size += (chunk as Buffer).length
    if (size > limit) throw new TooLargeError('an input', limit)
    hash.update(chunk as Buffer)
  }
  return { size, sha256: hash.digest('hex') }
}
