import { hostname } from 'node:os'
import { rootCertificates } from 'node:tls'
import { type ChannelModel, connect, credentials } from 'amqplib'
import type { AmqpGroup } from '../../config/groups/amqp-group.ts'

const connectMs = 10_000
/** A broker that is silent for twice as long is gone. */
const heartbeatSeconds = 15

export type BrokerAddress = Pick<AmqpGroup, 'username' | 'password' | 'ca'> & { url: string }

/** Opens a connection. Rejects if the broker does not answer, or refuses user or virtual host. */
export async function connectToBroker({ url, username, password, ca }: BrokerAddress): Promise<ChannelModel> {
  const address = new URL(url)
  const user = username ?? (decodeURIComponent(address.username) || 'guest')
  const secret = password ?? (decodeURIComponent(address.password) || 'guest')
  address.username = ''
  address.password = ''
  if (!address.searchParams.has('heartbeat')) address.searchParams.set('heartbeat', String(heartbeatSeconds))
  const connection = await connect(address.href, {
    credentials: credentials.plain(user, secret),
    timeout: connectMs,
    noDelay: true,
    clientProperties: { connection_name: `jobferry ${hostname()}` },
    ...(ca !== undefined && { ca: [...rootCertificates, ca] }),
  })
  // Its end is reported by `close`; without a listener the error would end the process.
  connection.on('error', () => undefined)
  return connection
}
