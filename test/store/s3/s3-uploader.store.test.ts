import { execFile } from 'node:child_process'
import { buffer } from 'node:stream/consumers'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Cursor } from '../../../sidecar/journal/cursor.ts'
import { adoptCheckpoints } from '../../../sidecar/prepare/adopt-checkpoints.ts'
import { StateDirectory } from '../../../sidecar/state-directory.ts'
import { UploadTracker } from '../../../sidecar/store/upload-tracker.ts'
import { createS3Store, staticCredentials } from '../../../src/store/s3/s3.ts'
import type { ArtifactStore } from '../../../src/store/store.ts'
import { attempt, job, putCheckpoint } from '../../result-format/fixtures.ts'
import { newAttempt } from '../../sidecar/uploader-process.ts'
import { codeBlock } from '../../support/docs/code-blocks.ts'
import { accessKeyWith } from '../../support/store/limited-credentials.ts'
import { type RunningMinio, startMinio } from '../../support/store/minio.ts'
import { expectKind, keysOf } from '../conformance/store.conformance.ts'

const partSize = 5 * 1024 * 1024

const uploaderPolicy = codeBlock('docs/installing.md', "The store's keys", '/jobs/*')

describe('the uploader, limited as the documents say', () => {
  let minio: RunningMinio
  let owner: ArtifactStore
  let uploader: ArtifactStore
  beforeAll(async () => {
    minio = await startMinio()
    const settings = { endpoint: minio.endpoint, bucket: 'uploads', region: 'us-east-1', prefix: '' }
    const credentials = staticCredentials(minio.accessKey, minio.secretKey)
    owner = createS3Store({ ...settings, credentials })
    await owner.prepare()
    const policy = uploaderPolicy.replaceAll(':::jobferry', ':::uploads')
    const limited = await accessKeyWith(minio, policy)
    uploader = createS3Store({
      ...settings,
      credentials: staticCredentials(limited.accessKey, limited.secretKey),
    })
  })
  afterAll(async () => {
    await uploader.close()
    await owner.close()
    await minio.stop()
  })

  it('needs only GetObject, PutObject and AbortMultipartUpload', async () => {
    const { etag } = await uploader.put('jobs/a/object', Buffer.from('object'))
    const { stream } = await uploader.get('jobs/a/object', { ifMatch: etag, offset: 2, length: 3 })
    expect(String(await buffer(stream))).toBe('jec')
    expect(await uploader.head('jobs/a/object')).toMatchObject({ etag })
    expect(await uploader.head('jobs/a/missing')).toBeUndefined()
    await expectKind(uploader.get('jobs/a/missing'), 'not-found')

    const upload = await uploader.createUpload('jobs/a/parts', partSize)
    const parts = [await uploader.putPart(upload, 1, Buffer.from('parts'))]
    const completed = await uploader.completeUpload(upload, parts)
    expect(await uploader.completeUpload(upload, parts)).toEqual(completed)
    const dropped = await uploader.createUpload('jobs/a/dropped', partSize)
    await uploader.putPart(dropped, 1, Buffer.from('dropped'))
    await uploader.abortUpload(dropped)
    await uploader.abortUpload(dropped)
    expect(await keysOf(owner, '')).toEqual(['jobs/a/object', 'jobs/a/parts'])
  })

  it('can adopt the checkpoints and uploads of an ended uploader', async () => {
    const upload = await owner.createUpload(`jobs/${job}/open`, partSize)
    await putCheckpoint(uploader, 1, [])
    await putCheckpoint(uploader, 2, [{ path: 'a', type: 'file', size: 1, key: 'a' }])
    await putCheckpoint(uploader, 3, [], { uploads: [{ key: upload.key, id: upload.id }] })
    const state = new StateDirectory(newAttempt().state)
    await adoptCheckpoints(uploader, state, { job, attempt }, new AbortController().signal)
    expect(state.checkpoint).toBe(3)
    expect(new UploadTracker(state).list()).toEqual([{ key: upload.key, id: upload.id }])
    using known = new Cursor(state.path('known.ndjson'))
    expect(known.next()?.line).toMatchObject({ entry: { path: 'a' } })
  })

  it('is denied every other key and action', async () => {
    await expectKind(uploader.put('index/x', Buffer.from('x')), 'denied')
    await expectKind(uploader.get('index/x'), 'denied')
    await expectKind(uploader.createUpload('index/x', partSize), 'denied')
    await expectKind(uploader.remove(['jobs/a/object']), 'denied')
    await expectKind(keysOf(uploader, 'jobs/'), 'denied')
    await expectKind(uploader.prepare(), 'denied')
    expect(await owner.head('jobs/a/object')).toBeDefined()
  })

  it('never loads minio-js', async () => {
    const settings = { endpoint: minio.endpoint, bucket: 'uploads', region: 'us-east-1', prefix: '' }
    const script = `
      import { registerHooks } from 'node:module'
      const loaded = []
      registerHooks({ load: (url, context, next) => { loaded.push(url); return next(url, context) } })
      const { createS3Store, staticCredentials } = await import('./src/store/s3/s3.ts')
      const credentials = staticCredentials('${minio.accessKey}', '${minio.secretKey}')
      const store = createS3Store({ ...${JSON.stringify(settings)}, credentials })
      await store.put('jobs/b', Buffer.from('b'))
      await store.head('jobs/b')
      const uploaded = loaded.length
      for await (const _ of store.list('')) break
      const isMinio = (url) => url.includes('/node_modules/minio/')
      console.log(uploaded > 10, loaded.slice(0, uploaded).some(isMinio), loaded.some(isMinio))
      await store.close()`
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', script])
    expect(stdout.trim()).toBe('true false true')
  })
})
