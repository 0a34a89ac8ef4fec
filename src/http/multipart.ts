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
  const { form, texts, inputs, resolve, reject } = reading
  let last: Promise<void> = Promise.resolve()
  const take = async (name: string, filename: string, stream: Readable) => {
    if (name !== 'input') {
      const text = await collect(stream, name)
      return keep(texts, form, name, text)
    }
    if (!form.input) throw unknownPart(name, form)
    if (filename.includes('\uFFFD')) throw invalid('input', 'has a name that is no UTF-8', 'a name in UTF-8')
    // One after another, as they arrive: the parser begins the next one while this one is still being stored.
    const { input } = form
    last = last.then(() => {
      if (stream.destroyed) throw invalid('input', 'was cut short', 'all of it')
      return input(filename, stream, texts)
    })
    inputs.push(last)
    await last
  }
  const options = {
    storage: storage(take, reject),
    // Where a name holds a folder, the caller is told so instead of losing it.
    preservePath: true,
    defParamCharset: 'utf8',
    limits: { fieldSize: maxTextBytes, fieldNameSize: 100, fields: 100 },
    streamHandler(source: Request, parser: Writable) {
      const refuse = (error: Problem) => {
        reject(error)
        parser.destroy(error)
      }
      // Multer would read brackets in names, and drops files without a name silently.
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
      source.pipe(parser)
    },
  }
  const middleware = multer(options).any()
  middleware(req, res, (error?: unknown) => (error === undefined ? resolve() : reject(error)))
}

/** Hands each file to `take`; what that rejects with is known at once, before multer has dropped the rest. */
function storage(
  take: (name: string, filename: string, stream: Readable) => Promise<void>,
  failed: (error: unknown) => void,
): multer.StorageEngine {
  return {
    _handleFile(_req, file, done) {
      take(file.fieldname, file.originalname, file.stream).then(
        () => done(null, {}),
        (error: unknown) => {
          failed(error)
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
