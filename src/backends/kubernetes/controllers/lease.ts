import { randomBytes } from 'node:crypto'
import { hostname } from 'node:os'
import type { Leadership } from '../../../job/leadership.ts'
import { messageOf } from '../../../util/errors.ts'
import type { Log } from '../../../util/log.ts'
import type { Api } from '../api/api.ts'
import type { Lease } from '../api/objects.ts'
import { hasStatus, isNamespaceGoing } from '../api/status-error.ts'
import { leaseName, managedBy } from '../names.ts'

const durationSeconds = 15
const renewMilliseconds = 5_000
/** Without a renewal for that long it counts as lost, well before another process may take it. */
const deadlineMilliseconds = 10_000

/**
 * Holds the Lease `jobferry`, as at most one process does: the leader. Takes over the Lease of
 * another process once it has not changed for its duration, measured by this machine's clock alone,
 * since clocks may differ.
 */
export class LeaseHolder implements Leadership {
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
  /**
   * The last version of another process' Lease, and when it was first seen, in ms since the epoch.
   */
  #seen: { resourceVersion: string; at: number } | undefined

  constructor(parts: { api: Api; log: Log; identity?: string }) {
    this.#api = parts.api
    this.#log = parts.log
    this.#identity = parts.identity ?? `${hostname()}-${randomBytes(4).toString('hex')}`
  }

  isLeader(): boolean {
    return this.#held
  }

  /** Why the Lease cannot be read or renewed; undefined while it can. */
  get trouble(): string | undefined {
    return this.#trouble
  }

  /** When a renewal last failed, in milliseconds since the epoch; undefined: never. */
  get troubledAt(): number | undefined {
    return this.#troubledAt
  }

  onChange(listener: (held: boolean) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Begins to compete for the Lease. */
  start(): void {
    this.#round = this.#try()
  }

  /** Releases the Lease, so that another process need not wait for its end. */
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
      this.#log.warn({ error }, 'the Lease could not be released')
    }
  }

  async #try(): Promise<void> {
    const began = Date.now()
    try {
      if (await this.#acquire()) this.#renewed(began)
      else this.#set(false)
      this.#trouble = undefined
    } catch (error) {
      // A namespace that is being deleted loses its Lease first and allows no new one. Then each
      // process acts as leader, which does no harm: without a leader, the finalizers of our Jobs
      // would keep the namespace for ever.
      if (isNamespaceGoing(error)) this.#renewed(began)
      // Another process was faster, or the API server does not answer: the deadline decides.
      else if (!hasStatus(error, 409)) this.#note(error)
    }
    if (!this.#closed) {
      this.#timer = setTimeout(() => {
        this.#round = this.#try()
      }, renewMilliseconds)
    }
  }

  /** Whether this process holds it now. */
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
    // MicroTime has six decimals.
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
    this.#trouble = `the Lease ${leaseName} can't be acquired: ${messageOf(error)}`
  }

  #renewed(began: number): void {
    clearTimeout(this.#deadline)
    if (this.#closed) return
    const left = began + deadlineMilliseconds - Date.now()
    // A call over a connection that died without an error does not fail, it takes long.
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
    this.#log.info(held ? 'this replica holds the Lease' : 'this replica no longer holds the Lease')
    for (const listener of this.#listeners) listener(held)
  }
}
