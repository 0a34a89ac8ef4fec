import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { onTestFinished } from 'vitest'

export interface NameServer {
  /** `127.0.0.1:<port>` */
  address: string
  /** The names that were asked for an IPv4 address, in order. */
  asked: string[]
}

/**
 * A name server that knows the IPv4 addresses of `names`, until the test ends; `broken` ones fail.
 */
export async function startNameServer(
  names: Readonly<Record<string, string>>,
  broken: readonly string[] = [],
): Promise<NameServer> {
  const asked: string[] = []
  const server = createSocket('udp4', (question, { port, address }) => {
    const name = nameIn(question)
    const end = name.length + 18
    const isIPv4 = question.readUInt16BE(end - 4) === 1
    if (isIPv4) asked.push(name)
    const found = isIPv4 ? names[name] : undefined
    const code = broken.includes(name) ? 2 : names[name] === undefined ? 3 : 0
    const head = Buffer.from(question.subarray(0, 12))
    head.writeUInt16BE(0x8180 + code, 2)
    head.writeUInt16BE(found === undefined ? 0 : 1, 6)
    head.fill(0, 8)
    const answer = [0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, ...(found ?? '').split('.').map(Number)]
    const rest = found === undefined ? [] : [Buffer.from(answer)]
    server.send(Buffer.concat([head, question.subarray(12, end), ...rest]), port, address)
  })
  server.bind(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  return { address: `127.0.0.1:${server.address().port}`, asked }
}

function nameIn(question: Buffer): string {
  const labels: string[] = []
  for (let at = 12; question[at] !== 0; at += 1 + (question[at] ?? 0)) {
    labels.push(question.toString('latin1', at + 1, at + 1 + (question[at] ?? 0)))
  }
  return labels.join('.').toLowerCase()
}
