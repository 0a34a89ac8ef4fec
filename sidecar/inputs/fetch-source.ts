import { chmod, type FileHandle, open, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { ArchiveKind, SourceLine } from '../../src/job/inputs/input-list.ts'
import {
  isFolder,
  parseSource,
  type SourceAddress,
  shownSource,
} from '../../src/job/inputs/source-address.ts'
import type { TakenInput } from '../../src/result-format/manifest/manifest.ts'
import { contentsJob } from '../../src/result-format/upload-keys.ts'
import type { ArtifactStore } from '../../src/store/store.ts'
import { messageOf } from '../../src/util/errors.ts'
import { defined } from '../../src/util/objects.ts'
import type { Patience } from '../repeat-until.ts'
import { fetchFolder } from './fetch-folder.ts'
import { fetchUntilWhole } from './fetch-until-whole.ts'
import { type Download, HttpDownload } from './http-download.ts'
import { createHttpGet, type HttpGet } from './http-get.ts'
import { InputError } from './input-error.ts'
import { jobFolder, storedFileAt } from './job-source.ts'
import { makeWholeFolder } from './make-folders.ts'
import { bucketFolder, createBucketSource } from './s3-bucket-source.ts'
import { demanded, readSecret } from './source-secret.ts'
import { StoredDownload } from './stored-download.ts'
import { unfinishedPath } from './unfinished-path.ts'
import { isBadArchive } from './unpack/place-entry.ts'
import { unpack } from './unpack/unpack.ts'
import type { UnpackLimits } from './unpack/unpack-limits.ts'

export interface SourceContext extends Patience {
  /** One request to an allowed address. */
  send: HttpGet
  /** Has the results of other jobs, and uploads. */
  store: ArtifactStore
  /** Of a job that was awaited. */
  attemptOf(uuid: string): Promise<string>
  /** The folder of the inputs. */
  directory: string
  /** Holds a folder for each Secret that sources name. */
  secretsDirectory?: string
  unpackLimits: UnpackLimits
}

/**
 * Fetches one source into the folder of the inputs; it appears there whole. Undefined for an
 * optional one that can't be had. Rejects with InputError, and with errors of the file system.
 */
export async function fetchSource(line: SourceLine, context: SourceContext): Promise<TakenInput | undefined> {
  const source = parseSource(line.from)
  if (source === undefined) throw new Error(`The list of inputs has no address ${line.from}`)
  const temporary = unfinishedPath(context.directory, line.path)
  try {
    return await fetchFrom(source, line, temporary, context)
  } catch (error) {
    const isMissing = error instanceof InputError && error.kind === 'InputUnavailable'
    if (!line.optional || !isMissing) throw error
    for (const left of [temporary, folderOf(temporary)]) await rm(left, { recursive: true, force: true })
    return undefined
  }
}

async function fetchFrom(
  source: SourceAddress,
  line: SourceLine,
  temporary: string,
  context: SourceContext,
): Promise<TakenInput> {
  const { path, from } = line
  const { directory, unpackLimits: limits, store } = context
  const name = shownSource(from)
  const place = { name, path, directory, temporary: folderOf(temporary), limits }
  switch (source.kind) {
    case 'http': {
      const get = httpGet(line, context)
      return await fetchFile((file) => new HttpDownload(get, from, file), line, temporary, context)
    }
    case 's3': {
      const secret = () => readSecret(context.secretsDirectory, line.secret ?? '')
      const bucket = createBucketSource(source.bucket, secret, context.send)
      if (isFolder(source)) return await fetchFolder(bucketFolder(bucket, source.key), place, context)
      const download = (file: FileHandle) => new HttpDownload(bucket.get, source.key, file)
      return await fetchFile(download, line, temporary, context)
    }
    case 'job': {
      const result = {
        store,
        uuid: source.uuid,
        attempt: line.attempt ?? (await context.attemptOf(source.uuid)),
      }
      if (isFolder(source)) return await fetchFolder(jobFolder(result, source.key), place, context)
      const find = (signal: AbortSignal) => storedFileAt(result, source.key, signal)
      const stored = await fetchUntilWhole(name, find, () => 0, context)
      return await fetchFile((file) => new StoredDownload(result, stored, file), line, temporary, context)
    }
    case 'upload': {
      const { upload } = line
      if (upload === undefined) throw new Error(`The list of inputs has no upload for ${from}`)
      const kept = { store, uuid: contentsJob, attempt: upload.owner }
      const stored = { ...upload, key: upload.content }
      return await fetchFile((file) => new StoredDownload(kept, stored, file), line, temporary, context)
    }
  }
}

function httpGet({ secret }: SourceLine, { send, secretsDirectory }: SourceContext): HttpGet {
  const get = createHttpGet(send)
  if (secret === undefined) return get
  return async (url, headers, signal) => {
    const authorization = demanded(await readSecret(secretsDirectory, secret), 'authorization')
    return await get(url, { ...headers, authorization }, signal)
  }
}

async function fetchFile(
  begin: (file: FileHandle) => Download,
  { path, from, sha256: expected, unpack: kind }: SourceLine,
  temporary: string,
  context: SourceContext,
): Promise<TakenInput> {
  const { directory } = context
  const name = shownSource(from)
  await using file = await open(temporary, 'w')
  const download = begin(file)
  const attempt = (signal: AbortSignal) => download.attempt(signal)
  await fetchUntilWhole(name, attempt, () => download.bytes, context)
  const sha256 = download.digest()
  if (expected !== undefined && sha256 !== expected) {
    throw new InputError(
      'InputInvalid',
      `${name}: its SHA-256 is ${sha256}, not ${expected} as the request says`,
    )
  }
  if (kind === undefined) {
    // The worker may run as any user, whatever the umask is.
    await chmod(temporary, 0o644)
    await rename(temporary, join(directory, path))
  } else await unpackFrom(temporary, kind, name, join(directory, path), context)
  const { bytes: size, etag } = download
  return { source: name, to: path, size, sha256, ...defined({ etag }) }
}

/** The folder appears with all contents of the archive, which is removed. */
async function unpackFrom(
  archive: string,
  kind: ArchiveKind,
  name: string,
  folder: string,
  { unpackLimits, signal }: SourceContext,
): Promise<void> {
  const temporary = folderOf(archive)
  await makeWholeFolder(folder, temporary, async () => {
    try {
      await unpack(archive, kind, temporary, unpackLimits, signal)
    } catch (error) {
      signal.throwIfAborted()
      if (!isBadArchive(error)) throw error
      throw new InputError('InputInvalid', `${name}: as ${kind} it is refused: ${messageOf(error)}`, {
        cause: error,
      })
    }
  })
  await rm(archive)
}

/** Where a folder is made until it is complete. */
function folderOf(temporary: string): string {
  return `${temporary}.d`
}
