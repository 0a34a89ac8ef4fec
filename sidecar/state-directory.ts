import { existsSync, mkdirSync, readFileSync, realpathSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Prepared, TakenInput } from '../src/result-format/manifest/manifest.ts'
import type { WorkerWord } from '../src/result-format/worker-word.ts'
import { isDiskFull } from '../src/util/error-code.ts'

const reserveBytes = 32 * 1024

/**
 * State that outlives a killed program, for the next one. Each mark is a file of its own, written
 * whole or not at all. No fsync: it has to outlive the program, not the machine, which would lose
 * the results as well.
 */
export class StateDirectory {
  readonly #directory: string
  /** Kept in memory too, for a mark that could not be written. */
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

  /**
   * The real path of a directory when it was first asked for, before the worker's start: a worker
   * outside a container may put links in its place and above it. The path itself if there is none.
   */
  realPath(directory: string): string {
    const known = this.#read('real-path')
    if (known !== undefined) return known
    try {
      const path = realpathSync(directory)
      this.#write('real-path', path)
      return path
    } catch {
      return directory
    }
  }

  /** Inputs are fetched and the store is proved: the worker may have been started. */
  get ready(): boolean {
    return existsSync(this.path('ready'))
  }

  markReady(): void {
    this.#write('ready', '')
  }

  /** What came in by reference; undefined without such inputs. */
  get takenInputs(): TakenInput[] | undefined {
    const text = this.#read('taken-inputs')
    return text === undefined ? undefined : JSON.parse(text)
  }

  markTakenInputs(inputs: readonly TakenInput[]): void {
    this.#write('taken-inputs', JSON.stringify(inputs))
  }

  /** When the uploader first started; RFC 3339. */
  get firstStart(): string {
    const known = this.#read('first-start')
    if (known !== undefined) return known
    const now = new Date().toISOString()
    this.#write('first-start', now)
    return now
  }

  /** What was done before the worker's start; undefined until it may start. */
  get prepared(): Prepared | undefined {
    const text = this.#read('prepared')
    return text === undefined ? undefined : JSON.parse(text)
  }

  markPrepared(prepared: Prepared): void {
    this.#write('prepared', JSON.stringify(prepared))
  }

  /** What the worker said, of an uploader whose pod has gone. */
  get takenWord(): WorkerWord | undefined {
    const text = this.#read('taken-word')
    return text === undefined ? undefined : JSON.parse(text)
  }

  markTakenWord(word: WorkerWord): void {
    this.#write('taken-word', JSON.stringify(word))
  }

  /** Milliseconds since the epoch of the first SIGTERM; supervise.sh writes it too. */
  get terminatingSince(): number | undefined {
    const text = this.#read('terminating')
    if (text === undefined) return undefined
    const milliseconds = Number(text)
    return milliseconds > 0 ? milliseconds : Date.now()
  }

  /** Keeps the first time. */
  markTerminating(): void {
    if (this.terminatingSince === undefined) this.#write('terminating', String(Date.now()))
  }

  /** When the preStop hook said that time is short; RFC 3339. */
  get stopSeenAt(): string | undefined {
    return this.#stopSeenAt ?? this.#read('stop-seen')
  }

  /**
   * Keeps the first time. The getter has it even if writing throws; the same holds for markEnd().
   */
  markStopSeen(): void {
    if (this.stopSeenAt !== undefined) return
    this.#stopSeenAt = new Date().toISOString()
    this.#write('stop-seen', this.#stopSeenAt)
  }

  /** The text of POST /end: the stop object. */
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

  /** To be called before the checkpoint is written: its number must not be used for another one. */
  markCheckpoint(number: number): void {
    this.#write('checkpoint', String(number))
  }

  /** Exit code of a program that ended for good: the next one does nothing. */
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

  /** Space for the small marks on a volume that is full; supervise.sh frees it too. */
  #makeReserve(): void {
    if (existsSync(this.path('reserve'))) return
    try {
      writeFileSync(this.path('reserve'), Buffer.alloc(reserveBytes, 'x'))
    } catch (error) {
      if (!isDiskFull(error)) throw error
    }
  }
}
