import type { Request, RequestHandler } from 'express'
import { Problem } from '../../util/errors.ts'

/** Maximum of each text in a request of a known caller; inputs have their own limit. */
export const maxTextBytes = 1024 * 1024

/**
 * Maximum of a body before its caller is known: of `POST /token`, which takes a form of a few
 * fields.
 */
export const openBodyBytes = 16 * 1024

/**
 * Share of the budget for bodies of unknown callers, so that they can't keep out the known ones.
 */
const openShare = 1 / 8

/**
 * Bytes of memory for the bodies that all requests collect at one time, except inputs, which are
 * streamed.
 */
export class BodyBudget {
  readonly #total: number
  #taken = 0
  #takenOpen = 0

  constructor(total: number) {
    this.#total = total
  }

  /** Throws Problem `busy` (503) if the budget is used up. */
  take(bytes: number, isOpen: boolean): void {
    const hasRoom = this.#taken + bytes <= this.#total
    const hasOpenRoom = !isOpen || this.#takenOpen + bytes <= this.#total * openShare
    if (!hasRoom || !hasOpenRoom) {
      const detail = `the bodies of all requests have ${this.#total} bytes (BODIES_MAX_BYTES), which is the most at once; send it again later`
      throw new Problem('busy', detail)
    }
    this.#taken += bytes
    if (isOpen) this.#takenOpen += bytes
  }

  give(bytes: number, isOpen: boolean): void {
    this.#taken -= bytes
    if (isOpen) this.#takenOpen -= bytes
  }
}

/** The part of the budget that one request's body takes. */
export class BodyCharge {
  readonly #budget: BodyBudget
  #bytes = 0
  #isOpen = true

  constructor(budget: BodyBudget) {
    this.#budget = budget
  }

  /** Maximum of each text in this request's body. */
  get mostBytes(): number {
    return this.#isOpen ? openBodyBytes : maxTextBytes
  }

  /** The caller is known: the limits of known callers hold from now on. */
  admit(): void {
    const bytes = this.#bytes
    this.set(0)
    this.#isOpen = false
    this.set(bytes)
  }

  /**
   * Sets the memory that the body takes now. Throws Problem `busy` if there is no room for more.
   */
  set(bytes: number): void {
    if (bytes > this.#bytes) this.#budget.take(bytes - this.#bytes, this.#isOpen)
    else this.#budget.give(this.#bytes - bytes, this.#isOpen)
    this.#bytes = bytes
  }

  /** Takes more memory. Throws Problem `busy` if there is no room for it. */
  add(bytes: number): void {
    this.set(this.#bytes + bytes)
  }
}

const charges = new WeakMap<Request, BodyCharge>()

/** Charges the body of each request to the budget until its answer has ended. */
export function chargeBodies(budget: BodyBudget): RequestHandler {
  return (req, res, next) => {
    const charge = new BodyCharge(budget)
    charges.set(req, charge)
    res.once('close', () => charge.set(0))
    next()
  }
}

/** For after the guards: from here on callers are known. */
export function admitBodies(): RequestHandler {
  return (req, _res, next) => {
    charges.get(req)?.admit()
    next()
  }
}

/** The charge of a request's body. */
export function chargeOf(req: Request): BodyCharge {
  const charge = charges.get(req)
  if (charge === undefined) throw new Error('chargeBodies() precedes the routes that read bodies')
  return charge
}

/** The body is needed no more, though its answer may take long, as with `wait`. */
export function releaseBody(req: Request): void {
  charges.get(req)?.set(0)
}
