import { pino } from 'pino'
import { escapeLineEnds } from './text/json-line.ts'

export type Log = pino.Logger

/** A log of JSON lines on standard output; `level` is one of pino's. Secrets must not be logged. */
export function createLog(name: string, level = 'info'): Log {
  return pino({
    name,
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    serializers: { error: pino.stdSerializers.err },
    hooks: { streamWrite: escapeLineEnds },
  })
}
