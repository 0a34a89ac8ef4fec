/**
 * Exit codes of the command line. Those from 64 on are of sysexits.h: programs rarely end with them,
 * so that `run` can end with its worker's own code.
 */
export const exitCodes = {
  /** The job failed or was canceled, and its worker has no exit code of its own. */
  failed: 1,
  usage: 64,
  /** Files are missing, or have other bytes than were stored. */
  damaged: 65,
  /** There is no such job or file. */
  unknown: 66,
  /** The server can't be reached, or can't answer now. */
  unavailable: 69,
  internal: 70,
  /** A file of this machine can't be read or written. */
  local: 74,
  /** A time limit of the command line. */
  timeout: 75,
  /** A token is missing or is not enough. */
  denied: 77,
  config: 78,
  interrupted: 130,
} as const

/** An error of the command line itself: a message, what to do about it, and the exit code. */
export class CommandError extends Error {
  readonly exitCode: number

  constructor(exitCode: number, message: string) {
    super(message)
    this.name = 'CommandError'
    this.exitCode = exitCode
  }
}

export function usageError(message: string): CommandError {
  return new CommandError(exitCodes.usage, message)
}
