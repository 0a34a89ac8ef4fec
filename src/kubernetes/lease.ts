import { randomBytes } from 'node:crypto'
import { hostname } from 'node:os'
import { messageOf } from '../errors.ts'
import type { Log } from '../log.ts'
import type { Api } from './api.ts'
import { leaseName, managedBy } from './names.ts'
import type { Lease } from './objects.ts'
import { hasStatus, isNamespaceGoing } from './status-error.ts'

const durationSeconds = 15
const renewMilliseconds = 5_000
/** Without a renewal for that long it counts as lost here, well before another one may take it. */
const deadlineMilliseconds = 10_000

/**
 * The Lease `jobferry`: at most one process holds it. Another one's is taken over once it hasn't changed for its
 * duration, measured on this machine's clock alone: clocks may differ.
 */
export class LeaseHolder {
  readonly #api: Api
  readonly #identity: string
  readonly #log: Log
  readonly #listeners = new Set<(held: boolean) => void>()
  #held = false
  #timer: NodeJS.Timeout | undefined
  #deadline: NodeJS.Timeout | undefined
  #closed = false
  #trouble: string | undefined
  #troubledAt: number | undefined
  #round: Promise<void> = Promise.resolve()
  /** What was seen last, and since when it has been so. */
  #seen: { resourceVersion: string; at: number } | undefined

  constructor(parts: { api: Api; log: Log; identity?: string }) {
    this.#api = parts.api
    this.#log = parts.log
    this.#identity = parts.identity ?? `${hostname()}-${randomBytes(4).toString('hex')}`
  }

  get held(): boolean {
    return this.#held
  }

  /** Why nobody can tell who holds it; undefined while that works. */
  get trouble(): string | undefined {
    return this.#trouble
  }

  /** When it could last not be renewed, in milliseconds since the epoch; undefined where it always could. */
  get troubledAt(): number | undefined {
    return this.#troubledAt
  }

  onChange(listener: (held: boolean) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Begins to want it. */
  start(): void {
    this.#round = this.#try()
  }

  /** Gives it back, so that another process needn't wait. */
  async close(): Promise<void> {
    this.#closed = true
    clearTimeout(this.#timer)
    await this.#round
    const held = this.#held
    this.#set(false)
    if (!held) return
    try {
      const lease = await this.#api.leases.get(leaseName)
      if (lease?.spec?.holderIdentity !== this.#identity) return
      await this.#api.leases.replace(leaseName, { ...lease, spec: { ...lease.spec, holderIdentity: '' } })
    } catch (error) {
      this.#log.warn({ error }, 'the Lease could not be given back')
    }
  }

  async #try(): Promise<void> {
    const began = Date.now()
    try {
      if (await this.#acquire()) this.#renewed(began)
      else this.#set(false)
      this.#trouble = undefined
    } catch (error) {
      // A namespace that goes takes the Lease first and lets nobody have another: then each process does what is
      // left to do, which is the same as doing it once. Else nobody would let go the Jobs that hold the namespace.
      if (isNamespaceGoing(error)) this.#renewed(began)
      // Somebody else was faster, or the API server doesn't answer: the deadline decides.
      else if (!hasStatus(error, 409)) this.#note(error)
    }
    if (!this.#closed) {
      this.#timer = setTimeout(() => {
        this.#round = this.#try()
      }, renewMilliseconds)
    }
  }

  /** Whether it is ours now. */
  async #acquire(): Promise<boolean> {
    const lease = await this.#api.leases.get(leaseName)
    if (lease === undefined) {
      const metadata = {
        name: leaseName,
        namespace: this.#api.namespace,
        labels: { [managedBy.label]: managedBy.value },
      }
      await this.#api.leases.create({ metadata, spec: this.#spec() })
      return true
    }
    if (!this.#mayTake(lease)) return false
    const isOurs = lease.spec?.holderIdentity === this.#identity
    await this.#api.leases.replace(leaseName, { ...lease, spec: this.#spec(isOurs ? lease : undefined) })
    return true
  }

  #mayTake(lease: Lease): boolean {
    const holder = lease.spec?.holderIdentity
    if (!holder || holder === this.#identity) return true
    const resourceVersion = lease.metadata?.resourceVersion ?? ''
    if (this.#seen?.resourceVersion !== resourceVersion) this.#seen = { resourceVersion, at: Date.now() }
    const duration = (lease.spec?.leaseDurationSeconds ?? durationSeconds) * 1000
    return Date.now() - this.#seen.at > duration
  }

  #spec(ours?: Lease): NonNullable<Lease['spec']> {
    // MicroTime: the API server wants six decimals.
    const now = new Date().toISOString().replace('Z', '000Z')
    return {
      holderIdentity: this.#identity,
      leaseDurationSeconds: durationSeconds,
      acquireTime: ours?.spec?.acquireTime ?? now,
      renewTime: now,
      leaseTransitions: ours?.spec?.leaseTransitions ?? 0,
    }
  }

  #note(error: unknown): void {
    if (this.#trouble === undefined) this.#log.warn({ error }, 'the Lease could not be renewed')
    this.#troubledAt = Date.now()
    this.#trouble = `the Lease ${leaseName} can't be had: ${messageOf(error)}`
  }

  #renewed(began: number): void {
    clearTimeout(this.#deadline)
    if (this.#closed) return
    const left = began + deadlineMilliseconds - Date.now()
    // The calls of a connection that died in silence don't fail: they take long.
    if (left > 0) this.#deadline = setTimeout(() => this.#lose(), left)
    if (left > 0) this.#set(true)
    else this.#lose()
  }

  #lose(): void {
    this.#troubledAt = Date.now()
    this.#set(false)
  }

  #set(held: boolean): void {
    if (!held) clearTimeout(this.#deadline)
    if (this.#held === held) return
    this.#held = held
    this.#log.info(held ? 'holds the Lease' : 'no longer holds the Lease')
    for (const listener of this.#listeners) listener(held)
  }
}
