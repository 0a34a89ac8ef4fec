/** The part of busboy's interface that multipart.ts uses. */
declare module 'busboy' {
  import type { IncomingHttpHeaders } from 'node:http'
  import type { Readable, Writable } from 'node:stream'

  interface Options {
    headers: IncomingHttpHeaders
    preservePath: boolean
    defParamCharset: string
    limits: { fieldSize: number }
  }

  interface Parser extends Writable {
    on(event: 'field', listener: (name: string | undefined, value: string, info: FieldInfo) => void): this
    on(event: 'file', listener: (name: string | undefined, stream: Readable, info: FileInfo) => void): this
    on(event: 'close', listener: () => void): this
    on(event: 'error', listener: (error: Error) => void): this
  }

  interface FieldInfo {
    valueTruncated: boolean
  }

  interface FileInfo {
    filename: string | undefined
  }

  export default function busboy(options: Options): Parser
}
