import { getCACertificates } from 'node:tls'
import type { DeliveryOrder, DeliveryTarget } from '../../src/job/deliveries/delivery-target.ts'
import { parseSource } from '../../src/job/inputs/source-address.ts'
import { createS3Store } from '../../src/store/s3/s3.ts'
import type { ArtifactStore } from '../../src/store/store.ts'
import { parseAllow } from '../../src/util/egress/allow.ts'
import { lookupAllowed } from '../../src/util/egress/judge-url.ts'
import { defined } from '../../src/util/objects.ts'
import { refuseUrl } from '../inputs/http-get.ts'
import { bucketAccessOf } from '../inputs/s3-bucket-source.ts'
import { readSecret } from '../inputs/source-secret.ts'

/** The bucket of a delivery, with the keys and the address of its Secret. */
export class BucketTarget {
  readonly #target: DeliveryTarget
  readonly #order: DeliveryOrder
  readonly #secretsDirectory: string
  #opened: { secret: string; store: ArtifactStore } | undefined

  constructor(target: DeliveryTarget, order: DeliveryOrder, secretsDirectory: string) {
    this.#target = target
    this.#order = order
    this.#secretsDirectory = secretsDirectory
  }

  /** `''`, or with a slash at its end. */
  get prefix(): string {
    return this.#address().key
  }

  /**
   * Keys are relative to the target's prefix. Reads the Secret anew: it may change, or come. Rejects
   * with OutgoingError `forbidden` and InputError for an address that is not to be called.
   */
  async store(): Promise<ArtifactStore> {
    const secret = await readSecret(this.#secretsDirectory, this.#target.secret)
    const text = JSON.stringify(secret)
    if (this.#opened?.secret === text) return this.#opened.store
    const { endpoint, region, credentials } = bucketAccessOf(secret)
    const rules = parseAllow(this.#order.allow)
    if (rules === undefined) throw new Error('the order has no rules for addresses')
    refuseUrl(endpoint.href, rules, this.#order.allow_http)
    const { bucket, key: prefix } = this.#address()
    await this.close()
    const { ca } = this.#order
    const store = createS3Store({
      endpoint: endpoint.origin,
      ...{ bucket, prefix, region },
      credentials: () => Promise.resolve(credentials),
      lookup: lookupAllowed(rules),
      ...defined({ ca: ca && [...getCACertificates('default'), ca].join('\n') }),
    })
    this.#opened = { secret: text, store }
    return store
  }

  async close(): Promise<void> {
    const opened = this.#opened
    this.#opened = undefined
    await opened?.store.close()
  }

  #address(): { bucket: string; key: string } {
    const address = parseSource(this.#target.to)
    if (address?.kind !== 's3') throw new Error(`the order has no bucket in ${this.#target.to}`)
    return address
  }
}
