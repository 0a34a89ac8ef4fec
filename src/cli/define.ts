import type { Command } from 'commander'
import type { Session } from './session/session.ts'

/** Work of a command; resolves with the exit code. */
export type Action = (session: Session, args: string[], options: object) => Promise<number>

/** Gives a command its work. */
export type Define = (command: Command, action: Action) => void

/** Gathers the values of an option that may be given several times. */
export function collect(value: string, before: string[] = []): string[] {
  return [...before, value]
}
