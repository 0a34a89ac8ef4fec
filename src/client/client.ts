import { randomUUID } from 'node:crypto'
import { download } from './download/download.ts'
import type { Downloaded, DownloadOptions } from './download/options.ts'
import { hasCode, JobferryError } from './errors.ts'
import { multipart } from './http/multipart.ts'
import { type ClientOptions, Transport } from './http/transport.ts'
import { jobEvents } from './jobs/events.ts'
import { followLog, type LogOptions, readLog } from './jobs/log.ts'
import { type WaitOptions, waitForEnd } from './jobs/wait.ts'
import { type EntriesOptions, readEntries } from './results/entries.ts'
import { type OpenedFile, type OpenOptions, openFile } from './results/open-file.ts'
import type {
  CatalogueJob,
  Deployed,
  Entry,
  InputFile,
  Job,
  JobEvent,
  JobFilter,
  JobPage,
  JobRequest,
  Upload,
} from './types.ts'
import {
  deleteUpload,
  listUploads,
  type PutUploadOptions,
  putUpload,
  uploadFacts,
} from './uploads/uploads.ts'

export interface DeployOptions {
  inputs?: readonly InputFile[]
  /** A repeated call with the same key makes no second job. Default: a random one. */
  idempotencyKey?: string | undefined
  /** Is told of the bytes of `inputs` that went out. */
  onSent?: (bytes: number) => void
  signal?: AbortSignal | undefined
}

export interface RerunOptions extends Pick<DeployOptions, 'idempotencyKey' | 'signal'> {
  from?: string | undefined
}

/** A client of one server. Its methods reject with a JobferryError. */
export class Jobferry {
  readonly #transport: Transport

  constructor(options: ClientOptions) {
    this.#transport = new Transport(options)
  }

  get server(): string {
    return this.#transport.server
  }

  /** Makes a job; resolves once the server has accepted it. */
  async deploy(request: JobRequest, options: DeployOptions = {}): Promise<Deployed> {
    const { inputs = [], idempotencyKey = randomUUID(), onSent, signal } = options
    const text = JSON.stringify(request)
    const form = inputs.length === 0 ? undefined : multipart(text, inputs)
    return await this.#transport.json<Deployed>('/job/deploy', {
      method: 'POST',
      headers: {
        'content-type': form?.contentType ?? 'application/json',
        'idempotency-key': idempotencyKey,
      },
      body: () => form?.body(onSent) ?? text,
      // The key makes that safe.
      repeat: true,
      signal,
    })
  }

  /**
   * Makes a job of the request of another one; `changes` replace its fields. With `from`, a step's name
   * or `failed`, it goes on there, on what the other one had stored.
   */
  async rerun(
    id: string,
    changes: JobRequest = {},
    { from, idempotencyKey = randomUUID(), signal }: RerunOptions = {},
  ): Promise<Deployed> {
    return await this.#transport.json<Deployed>(
      `${pathOf(id)}/rerun${from === undefined ? '' : `?from=${encodeURIComponent(from)}`}`,
      {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'idempotency-key': idempotencyKey },
        body: () => JSON.stringify(changes),
        repeat: true,
        signal,
      },
    )
  }

  async job(id: string, signal?: AbortSignal): Promise<Job> {
    return await this.#transport.json<Job>(pathOf(id), { signal })
  }

  /** Jobs, newest first. */
  async *list(filter: JobFilter = {}, signal?: AbortSignal): AsyncGenerator<Job, void, undefined> {
    for (let path: string | null = `/job?${filterQuery(filter)}`; path !== null; ) {
      const page: JobPage = await this.#transport.json<JobPage>(path, { signal })
      yield* page.jobs
      path = page.next
    }
  }

  /** The job once it has ended. */
  async wait(id: string, options?: WaitOptions): Promise<Job> {
    return await waitForEnd(this.#transport, id, options)
  }

  /** The job's present state and what changes, up to its end. */
  follow(id: string, signal?: AbortSignal): AsyncGenerator<JobEvent, void, undefined> {
    return jobEvents(this.#transport, id, signal)
  }

  /** One log as it is now, or with `follow` up to its end. */
  log(id: string, options: LogOptions = {}): AsyncGenerator<Uint8Array, void, undefined> {
    return readLog(this.#transport, id, options)
  }

  /** The logs of all steps and attempts from now on, as they are written, up to the job's end. */
  followLog(id: string, options: Omit<LogOptions, 'step' | 'attempt' | 'follow'> = {}) {
    return followLog(this.#transport, id, options)
  }

  /** Stops a job and keeps what it had produced. */
  async cancel(id: string, signal?: AbortSignal): Promise<Job> {
    const path = `${pathOf(id)}/cancel`
    return await this.#transport.json<Job>(path, { method: 'POST', repeat: true, signal })
  }

  /** Stops a job and removes all of it. */
  async delete(id: string, signal?: AbortSignal): Promise<void> {
    await this.#transport.request(pathOf(id), { method: 'DELETE', repeat: true, signal })
  }

  /** The entries of a result, in the order of their paths. */
  entries(id: string, options?: EntriesOptions): AsyncGenerator<Entry, void, undefined> {
    return readEntries(this.#transport, id, options)
  }

  /** A file of a result as a stream; a path that is not UTF-8 is given by its bytes. */
  async open(id: string, path: string | Uint8Array, options?: OpenOptions): Promise<OpenedFile> {
    return await openFile(this.#transport, id, path, options)
  }

  /** Writes a result, or parts of it, into a folder; goes on where an earlier call was ended. */
  async download(id: string, directory: string, options?: DownloadOptions): Promise<Downloaded> {
    return await download(this.#transport, id, directory, options)
  }

  /** The configured jobs, in the order of their names. */
  async catalog(signal?: AbortSignal): Promise<CatalogueJob[]> {
    const { jobs } = await this.#transport.json<{ jobs: CatalogueJob[] }>('/catalog', { signal })
    return jobs
  }

  /** The inputs that the server keeps for this token's jobs, in the order of their names. */
  uploads(signal?: AbortSignal): AsyncGenerator<Upload, void, undefined> {
    return listUploads(this.#transport, signal)
  }

  /** What is kept under a name; undefined if nothing is. */
  async upload(name: string, signal?: AbortSignal): Promise<{ size: number; sha256: string } | undefined> {
    return await uploadFacts(this.#transport, name, signal)
  }

  /** Keeps bytes for several jobs: `open` is called once for each attempt to send them. */
  async putUpload(
    name: string,
    open: () => AsyncIterable<Uint8Array>,
    options?: PutUploadOptions,
  ): Promise<Upload> {
    return await putUpload(this.#transport, name, open, options)
  }

  /** Removes a name; jobs that took its bytes keep them. */
  async deleteUpload(name: string, signal?: AbortSignal): Promise<void> {
    await deleteUpload(this.#transport, name, signal)
  }

  /** What the server says of itself: `GET /health`, whatever its state. */
  async health(signal?: AbortSignal): Promise<Record<string, unknown>> {
    try {
      return await this.#transport.json('/health', { repeat: false, signal })
    } catch (error) {
      if (!hasCode(error, 'unexpected-answer') || error.status !== 503) throw error
      return { status: 'degraded' }
    }
  }
}

function filterQuery({ labels = [], ...filter }: JobFilter): string {
  const query = new URLSearchParams(labels.map((label): [string, string] => ['label', label]))
  for (const [name, value] of Object.entries(filter)) if (value !== undefined) query.set(name, value)
  return query.toString()
}

/** Throws a JobferryError for a text that can't be a job's id: it would be another path. */
function pathOf(id: string): string {
  if (/^[\w-]+$/.test(id)) return `/job/${id}`
  throw new JobferryError('not-found', `${JSON.stringify(id)} is not the id of a job`)
}
