import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { apiOnCluster } from '../../support/api/api-on-cluster.ts'
import { startApiProcess } from '../../support/api/api-process.ts'
import { getJson, postJson } from '../../support/api/http.ts'
import { busybox } from '../../support/api/on-cluster.ts'
import { startReceiver } from '../../support/connector/receiver.ts'
import { residentBytes } from '../../support/process-facts.ts'
import type { Row, Run, Topic } from '../measure.ts'

const polls = 5000
const streams = 1000
const mebibyte = 2 ** 20

/**
 * Many clients that wait for one job: their memory in the API, and
 * the delay until they know its end.
 */
export const waiters: Topic = {
  name: 'waiters',
  async *run({ rounds, only }) {
    const crowd = `${polls.toLocaleString('en-US')} long polls and ${streams.toLocaleString('en-US')} event streams`
    if (crowd.includes(only)) {
      const runs = await Promise.all([measureCrowd()])
      const row = (what: string, unit: Row['unit'], value: (one: Crowd) => Run): Row => ({
        what: `${crowd}: ${what}`,
        unit,
        ours: runs.map(value),
      })
      yield row('resident memory they take', 'MiB', ({ grown, resident }) => ({
        value: grown,
        residentMiB: resident,
      }))
      yield row("the job's end, from the first who knows to the last", 'ms', ({ lastKnows }) => ({
        value: lastKnows,
      }))
      yield row('meanwhile: GET /job/:id of somebody else', 'ms', ({ other }) => ({ value: other }))
    }
    const called = 'manifest in the store → callback received'
    if (called.includes(only)) {
      yield { what: called, unit: 'ms', ours: await measureCallbacks(3 * rounds), goal: { most: 200 } }
    }
  },
}

interface Crowd {
  /** MiB that the waiting clients added. */
  grown: number
  resident: number
  /** Milliseconds. */
  lastKnows: number
  other: number
}

async function measureCrowd(): Promise<Crowd> {
  const directory = await mkdtemp(join(tmpdir(), 'jobferry-waiters-'))
  await writeFile(join(directory, 'long.yaml'), 'command: [sleep, "600"]\n')
  const api = await startApiProcess({
    ...{ JOBS_DIRECTORY: directory, DATA_DIRECTORY: join(directory, 'data'), LOG_LEVEL: 'info' },
    WAIT_MAX_SECONDS: '600',
  })
  try {
    const { body } = await postJson(`${api.url}/job/deploy`, { job: 'long' })
    const job = `/job/${String(body.job_uuid)}`
    const before = await residentBytes(api.pid)
    const waiting = await Promise.all([
      ...(await openMany(api.url, polls, `${job}?wait=600`, /"state":"canceled"/)),
      ...(await openMany(api.url, streams, `${job}/events`, /"state":"canceled"/)),
    ])
    // Wait until the API has accepted all connections.
    await getJson(`${api.url}/job?limit=1`)
    await new Promise((over) => setTimeout(over, 2000))
    const resident = (await residentBytes(api.pid)) / mebibyte
    const asked = performance.now()
    await getJson(`${api.url}${job}`)
    const other = performance.now() - asked
    await postJson(`${api.url}${job}/cancel`, {})
    const knows = await Promise.all(waiting.map(({ known }) => known))
    for (const { socket } of waiting) socket.destroy()
    const lastKnows = Math.max(...knows) - Math.min(...knows)
    return { grown: resident - before / mebibyte, resident, lastKnows, other }
  } finally {
    await api.stop()
    await rm(directory, { recursive: true })
  }
}

interface Waiter {
  socket: Socket
  /** Resolves with the moment of the awaited answer, by performance.now(). */
  known: Promise<number>
}

/** Opens `count` connections and sends a GET on each; `what` matches the awaited answer. */
async function openMany(url: string, count: number, path: string, what: RegExp): Promise<Waiter[]> {
  const { hostname, port } = new URL(url)
  const all: Waiter[] = []
  while (all.length < count) {
    const batch = Array.from({ length: Math.min(100, count - all.length) }, async () => {
      const socket = connect({ host: hostname, port: Number(port) })
      await once(socket, 'connect')
      socket.write(`GET ${path} HTTP/1.1\r\nHost: ${hostname}:${port}\r\n\r\n`)
      const known = new Promise<number>((resolve, reject) => {
        let text = ''
        socket.on('data', (chunk) => {
          text = (text + chunk.toString('latin1')).slice(-4096)
          if (what.test(text)) resolve(performance.now())
        })
        socket.once('error', reject)
        socket.once('close', () => reject(new Error(`closed: ${text}`)))
      })
      return { socket, known }
    })
    all.push(...(await Promise.all(batch)))
  }
  return all
}

async function measureCallbacks(count: number): Promise<Run[]> {
  const environment = {
    CALLBACK_SECRETS: `*: whsec_${Buffer.alloc(32).toString('base64')}`,
    OUTGOING_ALLOW: 'any',
  }
  await using cluster = await apiOnCluster({ name: 'bench-waiters', environment })
  await using receiver = await startReceiver()
  const api = await cluster.start()
  const runs: Run[] = []
  for (let number = 0; number < count; number += 1) {
    const request = { ...busybox('echo done > $RESULT_DIRECTORY/file'), callback: receiver.url }
    const { body } = await postJson(`${api.url}/job/deploy`, request)
    const received = await receiver.until(number + 1, 60_000)
    const committed = await committedAt(cluster, String(body.job_uuid))
    runs.push({ value: (received[number]?.at ?? Number.NaN) - committed })
  }
  return runs
}

/**
 * Time of the manifest's write in milliseconds since the epoch, by the
 * store's clock, which is this machine's.
 */
async function committedAt(
  { client, bucket }: Awaited<ReturnType<typeof apiOnCluster>>,
  uuid: string,
): Promise<number> {
  for await (const { name, lastModified } of client.listObjectsV2(bucket, `jobs/${uuid}/`, true)) {
    if (name?.endsWith('manifest.ndjson')) return (lastModified as Date).getTime()
  }
  throw new Error(`no manifest of ${uuid}`)
}
