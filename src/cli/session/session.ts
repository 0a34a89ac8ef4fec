import process from 'node:process'
import { Jobferry } from '../../client/index.ts'
import { Output } from '../terminal/output.ts'
import { type Connection, type ConnectionOptions, connectionOf } from './connection.ts'

/** The options that each command has. */
export interface GlobalOptions extends ConnectionOptions {
  json?: boolean
  quiet?: boolean
  color?: boolean
}

/** What a command works with. */
export interface Session {
  out: Output
  /** Made on first use: some commands call no server. */
  client(): Jobferry
  connection(): Connection
}

export function createSession(options: GlobalOptions): Session {
  const { json = false, quiet = false, color = true } = options
  const out = new Output({ json, quiet, color })
  let client: Jobferry | undefined
  const connection = () => connectionOf(options, process.env)
  return {
    out,
    connection,
    client() {
      client ??= new Jobferry(connection())
      return client
    },
  }
}
