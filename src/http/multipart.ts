import type { Readable, Writable } from 'node:stream'
import type { Request, Response } from 'express'
import multer from 'multer'
import { invalid, Problem } from '../errors.ts'
import { collect, maxTextBytes, refuseEncoded } from './body.ts'

export interface Form {
  /** Parts that are text, each at most once; they may be sent as files or as fields. */
  texts: readonly string[]
  /** Takes a part `input`, given the texts that came before it; without it there is none. */
  input?: (name: string, stream: Readable, texts: ReadonlyMap<string, Buffer>) => Promise<void>
}

/**
 * Reads a `multipart/form-data` body, its parts in any order, and gives the texts by their names. Inputs are
 * streamed, never kept. It settles after every call of `input` has; with an error it does so at once, while the
 * rest of the body is still read and dropped: a caller that is still sending then sees the answer.
 */
export async function readForm(req: Request, res: Response, form: Form): Promise<Map<string, Buffer>> {
  refuseEncoded(req)
  const texts = new Map<string, Buffer>()
  const inputs: Promise<void>[] = []
  try {
    await new Promise<void>((resolve, reject) => parse(req, res, { form, texts, inputs, resolve, reject }))
  } catch (error) {
    await Promise.allSettled(inputs)
    throw formProblem(error)
  }
  return texts
}

interface Reading {
  form: Form
  texts: Map<string, Buffer>
  inputs: Promise<void>[]
  resolve: () => void
  reject: (error: unknown) => void
}

function parse(req: Request, res: Response, reading: Reading): void {
  const { resolve, reject } = reading
  const options = {
    storage: storage(reading),
    // Where a name holds a folder, the caller is told so instead of losing it.
    preservePath: true,
    defParamCharset: 'utf8',
    limits: { fieldSize: maxTextBytes, fieldNameSize: 100, fields: 100 },
    streamHandler(source: Request, parser: Writable) {
      watchParts(parser, reading)
      source.pipe(parser)
    },
  }
  const middleware = multer(options).any()
  middleware(req, res, (error?: unknown) => (error === undefined ? resolve() : reject(error)))
}

/** Takes fields from the parser: multer would read brackets in their names, and drops files without a name. */
function watchParts(parser: Writable, { form, texts, reject }: Reading): void {
  const refuse = (error: Error) => {
    reject(error)
    parser.destroy(error)
  }
  parser.on('field', (name: string, value: string) => {
    try {
      keep(texts, form, name, fieldBytes(name, value))
    } catch (error) {
      refuse(error as Problem)
    }
  })
  parser.on('file', (name: string, _stream: Readable, info: { filename?: string }) => {
    if (info.filename === undefined) refuse(invalid(name, 'is a file without a name', 'a file name'))
  })
}

/** Takes each file; a failure is known at once, before multer has dropped the rest of the body. */
function storage(reading: Reading): multer.StorageEngine {
  const { form, texts, inputs, reject } = reading
  let last: Promise<void> = Promise.resolve()

  async function take(name: string, filename: string, stream: Readable): Promise<void> {
    if (name !== 'input') return keep(texts, form, name, await collect(stream, name))
    const { input } = form
    if (!input) throw unknownPart(name, form)
    if (filename.includes('\uFFFD')) throw invalid('input', 'has a name that is no UTF-8', 'a name in UTF-8')
    // One after another, as they arrive: the parser begins the next one while this one is still being stored.
    last = last.then(() => {
      if (stream.destroyed) throw invalid('input', 'was cut short', 'all of it')
      return input(filename, stream, texts)
    })
    inputs.push(last)
    await last
  }

  return {
    _handleFile(_req, file, done) {
      take(file.fieldname, file.originalname, file.stream).then(
        () => done(null, {}),
        (error: unknown) => {
          reject(error)
          done(error)
        },
      )
    },
    _removeFile: (_req, _file, done) => done(null),
  }
}

function keep(texts: Map<string, Buffer>, form: Form, name: string, text: Buffer): void {
  if (name === 'input' && form.input) throw invalid(name, 'is text', 'a file with a name')
  if (!form.texts.includes(name)) throw unknownPart(name, form)
  if (texts.has(name)) throw invalid(name, 'is given twice', 'it once')
  texts.set(name, text)
}

function fieldBytes(name: string, value: string): Buffer {
  if (value.includes('\uFFFD')) throw invalid(name, 'is no UTF-8', 'text in UTF-8')
  return Buffer.from(value)
}

function unknownPart(name: string, form: Form): Problem {
  const known = form.input ? [...form.texts, 'input'] : form.texts
  return invalid(name.slice(0, 100), 'is an unknown part', `one of ${known.join(', ')}`)
}

function formProblem(error: unknown): unknown {
  if (error instanceof multer.MulterError) {
    const field = error.field ?? 'body'
    if (error.code !== 'LIMIT_FIELD_VALUE') return invalid(field, error.message, 'fewer and simpler parts')
    const expected = `at most ${maxTextBytes} bytes`
    return new Problem('too-large', `${field}: is too large; expected ${expected}`, {
      errors: [{ field, problem: 'is too large', expected }],
    })
  }
  // Busboy's errors have no class or code; nothing else that is thrown here is a plain Error.
  if (error instanceof Error && error.constructor === Error) {
    return new Problem('invalid-request', 'body: is broken; expected multipart/form-data', {
      errors: [{ field: 'body', problem: 'is broken', expected: 'multipart/form-data' }],
      cause: error,
    })
  }
  return error
}
