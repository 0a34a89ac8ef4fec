import { once } from 'node:events'
import process from 'node:process'
import { ProgressLine, type ProgressTotals } from './progress.ts'

export interface OutputOptions {
  json: boolean
  quiet: boolean
  /** False: --no-color. */
  color: boolean
}

export type Colour = 'red' | 'green' | 'yellow' | 'dim' | 'bold'

const sequences: Record<Colour, string> = { red: '31', green: '32', yellow: '33', dim: '2', bold: '1' }

/** Results go to standard output; notes, warnings and progress go to standard error. */
export class Output {
  readonly json: boolean
  readonly quiet: boolean
  readonly #colors: boolean
  #progress: ProgressLine | undefined

  constructor({ json, quiet, color }: OutputOptions, environment: NodeJS.ProcessEnv = process.env) {
    this.json = json
    this.quiet = quiet
    const forced = environment.FORCE_COLOR !== undefined && environment.FORCE_COLOR !== '0'
    this.#colors = color && !environment.NO_COLOR && (forced || process.stderr.isTTY === true)
  }

  /** A line of the answer. */
  line(text: string): void {
    this.#clear()
    process.stdout.write(`${text}\n`)
  }

  /** The answer as one line of JSON. */
  value(value: unknown): void {
    this.line(JSON.stringify(value))
  }

  /** Bytes of the answer; resolves once there is room for more. */
  async bytes(chunk: Uint8Array, stream: NodeJS.WriteStream = process.stdout): Promise<void> {
    this.#clear()
    if (!stream.write(chunk)) await once(stream, 'drain')
  }

  /** Something about the work; not with --quiet. */
  note(text: string): void {
    if (!this.quiet) this.warn(text)
  }

  warn(text: string): void {
    this.#clear()
    process.stderr.write(`${text}\n`)
  }

  colored(colour: Colour, text: string): string {
    return this.#colors ? `\u001b[${sequences[colour]}m${text}\u001b[0m` : text
  }

  /** Progress of the work: a bar on a terminal, a line every ten seconds elsewhere, nothing with --quiet. */
  progress(what: string, totals: ProgressTotals): void {
    if (this.quiet) return
    this.#progress ??= new ProgressLine(process.stderr)
    this.#progress.update(what, totals)
  }

  endProgress(): void {
    this.#progress?.clear()
    this.#progress = undefined
  }

  #clear(): void {
    this.#progress?.clear()
  }
}
