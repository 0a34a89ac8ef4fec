import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from 'amqplib'
import { freePort } from '../free-port.ts'
import { type PrivateCa, privateCa } from '../store/private-ca.ts'
import { eventually } from '../time/eventually.ts'

/** Debian's program; /usr/sbin has a wrapper that changes the user. */
const program = '/usr/lib/rabbitmq/bin/rabbitmq-server'

/** Whether Debian's rabbitmq-server is there. With CI set it has to be: the tests fail without it. */
export const hasRabbitmq = existsSync(program) || process.env.CI !== undefined

/** A RabbitMQ of the test's own, with its data in a temporary folder. User and password: guest. */
export interface Rabbitmq extends AsyncDisposable {
  url: string
  /** The same, over TLS, with the certificate of `ca`. */
  tlsUrl: string
  ca: PrivateCa
  /** Sends SIGKILL to all of it; the data stays. */
  kill(): Promise<void>
  /** Starts it again, with its data and ports. */
  start(): Promise<void>
}

export async function startRabbitmq(): Promise<Rabbitmq> {
  const folder = await mkdtemp(join(tmpdir(), 'rabbitmq-'))
  const [port, tlsPort] = [await freePort(), await freePort()]
  const [distribution, mapper] = [await freePort(), await freePort()]
  const url = `amqp://127.0.0.1:${port}`
  const ca = privateCa('127.0.0.1')
  const config = [
    `listeners.tcp.1 = 127.0.0.1:${port}`,
    `listeners.ssl.1 = 127.0.0.1:${tlsPort}`,
    `ssl_options.cacertfile = ${ca.file}`,
    `ssl_options.certfile = ${join(ca.folder, 'public.crt')}`,
    `ssl_options.keyfile = ${join(ca.folder, 'private.key')}`,
    'ssl_options.verify = verify_none',
    '',
  ]
  await writeFile(join(folder, 'rabbitmq.conf'), config.join('\n'))
  await writeFile(join(folder, 'plugins'), '[].')
  const env = {
    PATH: process.env.PATH,
    HOME: folder,
    RABBITMQ_NODENAME: `test-${port}@localhost`,
    RABBITMQ_CONFIG_FILE: join(folder, 'rabbitmq.conf'),
    RABBITMQ_ENABLED_PLUGINS_FILE: join(folder, 'plugins'),
    RABBITMQ_MNESIA_BASE: join(folder, 'data'),
    RABBITMQ_LOG_BASE: join(folder, 'log'),
    RABBITMQ_DIST_PORT: String(distribution),
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: '+S 2:2',
    ERL_EPMD_PORT: String(mapper),
    ERL_EPMD_ADDRESS: '127.0.0.1',
    ERL_CRASH_DUMP: '/dev/null',
  }
  // Otherwise the broker starts one that stays.
  const epmd = spawn('epmd', ['-port', String(mapper)], { env, stdio: 'ignore' })
  let running: ChildProcess | undefined
  const start = async () => {
    // Its own group: the program is a shell that starts Erlang.
    running = spawn(program, { env, detached: true, stdio: 'ignore' })
    await eventually(async () => await (await connect(url)).close(), { within: 55_000 })
  }
  const kill = async () => {
    const child = running
    running = undefined
    if (child?.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
    const exited = once(child, 'exit')
    process.kill(-child.pid, 'SIGKILL')
    await exited
  }
  const close = async () => {
    await kill()
    const exited = once(epmd, 'exit')
    epmd.kill()
    await exited
    await rm(folder, { recursive: true, force: true })
    await rm(ca.folder, { recursive: true, force: true })
  }
  await start().catch(async (error: unknown) => {
    await close()
    throw error
  })
  return {
    url,
    tlsUrl: `amqps://127.0.0.1:${tlsPort}`,
    ca,
    kill,
    start,
    [Symbol.asyncDispose]: close,
  }
}
