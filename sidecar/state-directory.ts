import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { isDiskFull } from './scan/found.ts'

const reserveBytes = 32 * 1024

/**
 * What a program that was killed leaves to the next one. Each mark is a file of its own, written whole or not at
 * all. No fsync: it has to outlive the program, not the machine, whose end takes the results along.
 */
export class StateDirectory {
  readonly #directory: string
  /** What was heard, though no mark of it could be written. */
  #stopSeenAt: string | undefined
  #end: string | undefined
  /** Number of the newest checkpoint that this program knows to be in the store. */
  storedCheckpoint = 0

  constructor(directory: string) {
    mkdirSync(directory, { recursive: true })
    this.#directory = directory
    this.#makeReserve()
  }

  /** A file of that name below the directory. */
  path(name: string): string {
    return join(this.#directory, name)
  }

  /** Inputs are there and the store is proved: the worker may have been started. */
  get ready(): boolean {
    return existsSync(this.path('ready'))
  }

  markReady(): void {
    this.#write('ready', '')
  }

  /** Milliseconds since the epoch of the first SIGTERM; supervise.sh writes it too. */
  get terminatingSince(): number | undefined {
    const text = this.#read('terminating')
    if (text === undefined) return undefined
    const milliseconds = Number(text)
    return milliseconds > 0 ? milliseconds : Date.now()
  }

  /** Keeps the first one. */
  markTerminating(): void {
    if (this.terminatingSince === undefined) this.#write('terminating', String(Date.now()))
  }

  /** When the preStop hook said that time is short; RFC 3339. */
  get stopSeenAt(): string | undefined {
    return this.#stopSeenAt ?? this.#read('stop-seen')
  }

  /** Keeps the first one. Where it throws, this program knows it all the same; so does markEnd(). */
  markStopSeen(): void {
    if (this.stopSeenAt !== undefined) return
    this.#stopSeenAt = new Date().toISOString()
    this.#write('stop-seen', this.#stopSeenAt)
  }

  /** What the API said by POST /end, as it stands in the store's stop object too. */
  get end(): string | undefined {
    return this.#end ?? this.#read('end')
  }

  markEnd(text: string): void {
    this.#end = text
    this.#write('end', text)
  }

  /** Number of the newest checkpoint that may be in the store; 0 before the first. */
  get checkpoint(): number {
    return Number(this.#read('checkpoint') ?? 0)
  }

  /** To be called before that checkpoint is written: its number must not be used for another one. */
  markCheckpoint(number: number): void {
    this.#write('checkpoint', String(number))
  }

  /** Exit code of a program that ended for good: nothing is done after that. */
  get ended(): number | undefined {
    const text = this.#read('ended')
    return text === undefined ? undefined : Number(text)
  }

  markEnded(exitCode: number): void {
    this.#write('ended', String(exitCode))
  }

  #read(name: string): string | undefined {
    try {
      return readFileSync(this.path(name), 'utf8').trim()
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
      throw error
    }
  }

  #write(name: string, text: string): void {
    const temporary = this.path(`${name}.tmp`)
    try {
      writeFileSync(temporary, text)
    } catch (error) {
      if (!isDiskFull(error)) throw error
      rmSync(this.path('reserve'), { force: true })
      writeFileSync(temporary, text)
    }
    renameSync(temporary, this.path(name))
  }

  /** Room for the marks, which are small, once the rest has filled the volume; supervise.sh frees it too. */
  #makeReserve(): void {
    if (existsSync(this.path('reserve'))) return
    try {
      writeFileSync(this.path('reserve'), Buffer.alloc(reserveBytes, 'x'))
    } catch (error) {
      if (!isDiskFull(error)) throw error
    }
  }
}
