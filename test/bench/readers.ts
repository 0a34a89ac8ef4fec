import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/**
 * Reads the URLs with curl in parallel, without keeping the bytes.
 * Resolves with seconds, rejects on any cut.
 */
export async function readAll(urls: readonly string[]): Promise<number> {
  const start = performance.now()
  const targets = urls.flatMap((url) => ['--output', '/dev/null', url])
  const parallel = urls.length === 1 ? [] : ['--parallel', '--parallel-immediate', '--parallel-max', '300']
  const child = spawn(
    'curl',
    ['--silent', '--show-error', '--no-progress-meter', '--fail', ...parallel, ...targets],
    {
      stdio: ['ignore', 'ignore', 'inherit'],
    },
  )
  const [code] = (await once(child, 'exit')) as [number | null]
  if (code !== 0) throw new Error(`curl ended with ${code}`)
  return (performance.now() - start) / 1000
}

/**
 * Milliseconds from the GET to the first byte of its answer's body; then the connection is closed.
 */
export async function firstByte(url: string): Promise<number> {
  const { hostname, port, pathname, search, host } = new URL(url)
  const socket = connect(Number(port), hostname)
  await once(socket, 'connect')
  const start = performance.now()
  socket.write(`GET ${pathname}${search} HTTP/1.1\r\nHost: ${host}\r\n\r\n`)
  let text = ''
  for await (const chunk of socket) {
    text += (chunk as Buffer).toString('latin1')
    const head = text.indexOf('\r\n\r\n')
    if (head !== -1 && text.length > head + 4) break
  }
  const milliseconds = performance.now() - start
  if (!text.startsWith('HTTP/1.1 200')) throw new Error(`${url}: ${text.slice(0, 200)}`)
  socket.destroy()
  return milliseconds
}

/**
 * Reads the URLs in parallel, each at about 1 MiB a second, for `seconds`, then closes the
 * connections. Resolves with the number of bytes read.
 */
export async function readSlowly(urls: readonly string[], seconds: number): Promise<number> {
  let bytes = 0
  const sockets = urls.map((url) => {
    const { hostname, port, pathname, search, host } = new URL(url)
    const socket = connect(Number(port), hostname)
    socket.on('error', () => {})
    socket.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      socket.pause()
      setTimeout(() => socket.resume(), chunk.length / 1000)
    })
    socket.write(`GET ${pathname}${search} HTTP/1.1\r\nHost: ${host}\r\n\r\n`)
    return socket
  })
  await sleep(seconds * 1000)
  for (const socket of sockets) socket.destroy()
  return bytes
}
