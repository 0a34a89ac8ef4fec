import { pino } from 'pino'

export type Log = pino.Logger

/** A log of JSON lines on standard output; `level` is one of pino's. Nothing secret is ever given to it. */
export function createLog(name: string, level = 'info'): Log {
  return pino({
    name,
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    serializers: { error: pino.stdSerializers.err },
  })
}
