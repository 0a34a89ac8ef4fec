import { JobferryError } from '../client/index.ts'
import { CommandError, exitCodes } from './exit-codes.ts'

export interface Explained {
  message: string
  /** What to do about it. */
  hint?: string
  exitCode: number
}

const hints: Readonly<Record<string, string>> = {
  unreachable: '`jobferry serve` starts a server here; --server or JOBFERRY_SERVER names another one',
  interrupted: 'the same command can be repeated: get goes on where it was, wait and logs ask again',
  redirected: 'give --server the address that it redirects to',
  'unexpected-answer': 'is --server the address of a Jobferry?',
  unauthorized:
    '--token-file or JOBFERRY_TOKEN gives a token; a server of this machine has its own in data/token',
  forbidden: 'the operator decides who may do this; GET /limits says what a token allows',
  'not-final': 'wait for the end (`jobferry wait`), or read what is stored so far (--so-far)',
  damaged: 'the same command reads it again; if it stays, the server or a proxy on the way is at fault',
  'no-list': '`jobferry get JOB -o DIR` makes such a folder',
  timeout: 'the job goes on; `jobferry wait` waits again',
}

const codes: Readonly<Record<string, number>> = {
  ...{ unreachable: exitCodes.unavailable, interrupted: exitCodes.unavailable },
  ...{ redirected: exitCodes.unavailable, 'unexpected-answer': exitCodes.unavailable },
  ...{ unauthorized: exitCodes.denied, forbidden: exitCodes.denied },
  ...{ 'not-found': exitCodes.unknown, expired: exitCodes.unknown, 'result-missing': exitCodes.unknown },
  ...{ 'not-a-readable-file': exitCodes.unknown, 'no-list': exitCodes.unknown },
  ...{ damaged: exitCodes.damaged, 'result-damaged': exitCodes.damaged },
  ...{ timeout: exitCodes.timeout, 'not-final': exitCodes.timeout, 'not-started': exitCodes.timeout },
}

/** What a person is told of an error, and the program's exit code. */
export function explainError(error: unknown): Explained {
  if (error instanceof CommandError) return { message: error.message, exitCode: error.exitCode }
  if (error instanceof JobferryError) {
    const { code, status = 0, message } = error
    const hint = hints[code] ?? (code === 'not-found' ? unknownHint(message) : undefined)
    const exitCode =
      codes[code] ?? (status >= 500 || status === 429 ? exitCodes.unavailable : exitCodes.usage)
    return { message, exitCode, ...(hint !== undefined && { hint }) }
  }
  const { code, message } = error as NodeJS.ErrnoException
  if (code !== undefined && /^E[A-Z]+$/.test(code)) return { message, exitCode: exitCodes.local }
  return {
    message: error instanceof Error ? (error.stack ?? message) : String(error),
    exitCode: exitCodes.internal,
  }
}

function unknownHint(message: string): string | undefined {
  if (/there is no job|not the id of a job/i.test(message)) return '`jobferry list` shows the jobs'
  return /the result of job/.test(message) ? '`jobferry ls` shows the files' : undefined
}
