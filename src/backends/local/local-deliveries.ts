import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { DeliveryProgress, DeliveryRound, DeliveryRuns } from '../../job/deliveries/delivery-runs.ts'
import { Problem } from '../../util/errors.ts'
import { removeFolder } from './files/remove-folder.ts'
import { deliveryEnvironment } from './process/child-environment.ts'
import { deliveryMarker, killMarked, signalGroup } from './process/kill-processes.ts'
import { type Child, startChild } from './process/start-child.ts'
import type { RunContext } from './run/run-context.ts'

/** A program of a round, in this process' eyes. */
interface Running {
  round: number
  child: Child
  failures: number
  exitCode?: number
}

/** As often a program that was killed, or ended with an error, is started again. */
const mostFailures = 3

/**
 * Deliveries as child processes. One that an API before this one left is killed and begins anew:
 * what it has sent is there.
 */
export class LocalDeliveries implements DeliveryRuns {
  readonly #context: RunContext
  readonly #directory: string
  readonly #running = new Map<string, Running>()

  constructor(context: RunContext, directory: string) {
    this.#context = context
    this.#directory = directory
  }

  async run(asked: DeliveryRound): Promise<DeliveryProgress> {
    const running = this.#running.get(asked.uuid)
    if (running?.round !== asked.number) {
      await this.end(asked.uuid)
      await this.#start(asked, 0)
      return { state: 'running' }
    }
    const { exitCode, failures } = running
    if (exitCode === undefined) return { state: 'running' }
    if (exitCode === 0) return { state: 'ended' }
    if (failures < mostFailures) {
      await this.#start(asked, failures + 1)
      return { state: 'running' }
    }
    return { state: 'ended', message: `it exited with ${exitCode}: ${await this.#lastWords(asked.uuid)}` }
  }

  async end(uuid: string): Promise<void> {
    const running = this.#running.get(uuid)
    if (running && running.exitCode === undefined) signalGroup(running.child.pid, 'SIGKILL')
    await running?.child.exit
    this.#running.delete(uuid)
    if (!(await killMarked(deliveryMarker(uuid)))) {
      throw new Problem('unavailable', `the program that delivers job ${uuid} can not be killed`)
    }
    await removeFolder(join(this.#directory, uuid))
  }

  /** Their rounds stay pending: the next process begins them anew. */
  async close(): Promise<void> {
    await Promise.all([...this.#running.keys()].map((uuid) => this.end(uuid)))
  }

  async #start({ uuid, number, order }: DeliveryRound, failures: number): Promise<void> {
    const directory = join(this.#directory, uuid)
    await mkdir(directory, { recursive: true, mode: 0o700 })
    const orderFile = join(directory, 'order.json')
    await writeFile(orderFile, JSON.stringify(order))
    const child = await startChild({
      command: this.#context.deliveryCommand,
      env: deliveryEnvironment(this.#context, process.env, { uuid, round: number, directory, orderFile }),
      cwd: directory,
      logFile: this.#log(uuid),
    })
    const running: Running = { round: number, child, failures }
    this.#running.set(uuid, running)
    void child.exit.then(({ code }) => {
      running.exitCode = code
      if (code !== 0) this.#context.log.warn({ job: uuid, exitCode: code }, 'a delivery ended with an error')
    })
  }

  #log(uuid: string): string {
    return join(this.#directory, uuid, 'delivery.log')
  }

  async #lastWords(uuid: string): Promise<string> {
    const text = await readFile(this.#log(uuid), 'utf8').catch(() => '')
    return text.trimEnd().split('\n').at(-1)?.slice(0, 500) ?? ''
  }
}
