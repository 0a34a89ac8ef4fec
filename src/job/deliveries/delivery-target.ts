/** Where a result goes besides this store: an item of `outputs.deliver`. */
export interface DeliveryTarget {
  /** `s3://bucket/`, or with a prefix that ends in a slash. */
  to: string
  /** The Secret with the bucket's keys and address, as that of an input from s3://. */
  secret: string
  /** Patterns as those of `outputs`. Absent: the whole result. */
  include?: readonly string[]
}

/**
 * What a delivery's program is to do: a file beside it, of the job's request and the settings. It is
 * not in the job's folder of the store, which the job's own uploader may write.
 */
export interface DeliveryOrder {
  version: 1
  /** UID of the attempt whose result it is. */
  attempt: string
  targets: readonly DeliveryTarget[]
  /** From the program's start on: how long a target that does not answer is tried again. */
  timeout_seconds: number
  /** OUTGOING_ALLOW, INPUT_ALLOW_HTTP and INPUT_CA, as for sources of inputs. */
  allow: string
  allow_http: boolean
  ca?: string
}
