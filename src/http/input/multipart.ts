import type { Readable } from 'node:stream'
import busboy from 'busboy'
import type { Request } from 'express'
import { expectedName } from '../../util/checks/nearest.ts'
import { invalid, Problem } from '../../util/errors.ts'
import { type BodyCharge, chargeOf, maxTextBytes } from '../limits/body-budget.ts'
import { collectBytes, refuseEncoded, tooLarge } from './body.ts'
import { boundaryOf, PartHeads } from './part-heads.ts'

export interface Form {
  /** Names of text parts, each allowed once; a client may send them as files or as fields. */
  texts: readonly string[]
  /** Receives each part `input`, with the texts before it; if undefined, such parts are refused. */
  input?: (name: string, stream: Readable, texts: ReadonlyMap<string, Buffer>) => Promise<void>
}

/**
 * Reads a `multipart/form-data` body with parts in any order; resolves with the texts by their
 * names. Inputs are streamed one after another. Settles after all calls of `input`. Rejects with a
 * Problem at once, while the rest of the body is still read and dropped: a client that is still
 * sending then gets the answer.
 */
export async function readForm(req: Request, form: Form): Promise<Map<string, Buffer>> {
  refuseEncoded(req)
  const charge = chargeOf(req)
  const reading: Reading = {
    ...{ form, charge, texts: new Map(), files: [] },
    ...{ lastInput: Promise.resolve(), openInputs: 0, outsideBytes: 0, parts: 0 },
  }
  try {
    await parse(req, reading)
    await Promise.all(reading.files)
  } catch (error) {
    await Promise.allSettled(reading.files)
    throw formProblem(error)
  }
  return reading.texts
}

interface Reading {
  form: Form
  charge: BodyCharge
  texts: Map<string, Buffer>
  /** One promise for each file part, settled once the part was received. */
  files: Promise<void>[]
  lastInput: Promise<void>
  /** Inputs that are being received: their bytes are streamed and take no memory of the budget. */
  openInputs: number
  /** Bytes outside of inputs since the last input began, or since the beginning. */
  outsideBytes: number
  /** Parts that the parser has given out. */
  parts: number
}

/** Memory of one chunk beside its bytes, for texts that come byte by byte. */
const chunkBytes = 128
/** Headers and boundaries of the parts between two inputs. */
const headBytes = 64 * 1024

/** Resolves at the end of the body. */
function parse(req: Request, reading: Reading): Promise<void> {
  return new Promise((resolve, reject) => {
    const parser = busboy({
      headers: req.headers,
      // Without this option busboy would silently drop the folders of a name.
      preservePath: true,
      defParamCharset: 'utf8',
      // busboy truncates a text that reaches its limit.
      limits: { fieldSize: maxTextBytes + 1 },
    })
    const heads = new PartHeads(boundaryOf(req.headers['content-type']) ?? '', refuseUndescribed)
    const look = (chunk: Buffer) => {
      try {
        chargeTexts(reading, chunk.length)
        heads.add(chunk)
      } catch (error) {
        fail(error)
      }
    }
    const fail = (error: unknown) => {
      reject(error)
      req.off('data', look)
      req.unpipe(parser).resume()
      parser.destroy(error as Error)
    }
    parser.on('field', (name, value, { valueTruncated }) => {
      reading.parts += 1
      try {
        if (valueTruncated) throw tooLarge(nameOf(name))
        keep(reading, nameOf(name), fieldBytes(nameOf(name), value))
      } catch (error) {
        fail(error)
      }
    })
    parser.on('file', (name, stream, { filename }) => {
      reading.parts += 1
      // Without a listener, the error of an input that waits for the previous one would end the
      // process.
      stream.on('error', () => {})
      const taken = takeFile(reading, name, filename, stream)
      reading.files.push(taken)
      taken.catch(fail)
    })
    parser.on('error', fail)
    parser.on('close', () => {
      if (reading.parts === heads.count) resolve()
      else reject(undescribed(`has ${heads.count} parts, of which ${reading.parts} can be read`))
    })
    req.once('close', () => {
      if (!req.readableEnded) fail(new Error('the connection was closed'))
    })
    // Charged before the parser keeps it: busboy holds a text until its end.
    req.on('data', look)
    req.pipe(parser)
  })
}

/** Throws Problem `busy` or `too-large`. */
function chargeTexts(reading: Reading, bytes: number): void {
  if (reading.openInputs > 0) return
  reading.outsideBytes += bytes
  const most = reading.form.texts.length * maxTextBytes + headBytes
  if (reading.outsideBytes > most) throw tooLarge('body', most)
  reading.charge.add(bytes + chunkBytes)
}

/** An input begins: of all bytes before it, only the texts are still held. */
function beginInput(reading: Reading, stream: Readable): void {
  reading.openInputs += 1
  stream.once('close', () => {
    reading.openInputs -= 1
  })
  reading.outsideBytes = 0
  reading.charge.set([...reading.texts.values()].reduce((sum, text) => sum + text.length, 0))
}

/** The texts of a form are charged as they arrive. */
const uncharged = { mostBytes: maxTextBytes, add: () => {} }

async function takeFile(
  reading: Reading,
  given: string | undefined,
  filename: string | undefined,
  stream: Readable,
): Promise<void> {
  const name = nameOf(given)
  if (filename === undefined) throw invalid(name, 'is a file without a name', 'a file name')
  if (name !== 'input') return keep(reading, name, await collectBytes(stream, name, uncharged))
  const { input } = reading.form
  if (!input) throw unknownPart(name, reading.form)
  if (filename.includes('\uFFFD')) throw invalid('input', 'has a name that is not UTF-8', 'a name in UTF-8')
  beginInput(reading, stream)
  // Chain the inputs: the parser begins the next part while this one is still being stored.
  reading.lastInput = reading.lastInput.then(() => {
    if (stream.destroyed) throw invalid('input', 'was cut short', 'the whole content')
    return input(unescaped(filename), stream, reading.texts)
  })
  await reading.lastInput
}

function keep({ form, texts }: Reading, name: string, text: Buffer): void {
  if (name === 'input' && form.input) throw invalid(name, 'is text', 'a file with a name')
  if (!form.texts.includes(name)) throw unknownPart(name, form)
  if (texts.has(name)) throw invalid(name, 'is given twice', 'one value')
  texts.set(name, text)
}

const description = 'Content-Disposition: form-data; name="…"'

function refuseUndescribed(head: string, number: number): void {
  const unfolded = head.replaceAll(/\r\n[ \t]+/g, ' ')
  const [, value] = /^content-disposition:(.*)$/im.exec(unfolded) ?? []
  refuseTransferEncoding(unfolded, number)
  if (value === undefined) throw undescribed(`has no Content-Disposition in part ${number}`)
  if (/^\s*form-data\s*(?:;|$)/i.test(value)) return
  throw undescribed(`has another Content-Disposition than form-data in part ${number}`)
}

/**
 * The bytes of a part are taken as they come (RFC 7578 §4.7): text in base64 would be stored in the
 * place of the file.
 */
function refuseTransferEncoding(head: string, number: number): void {
  const [, encoding = 'binary'] = /^content-transfer-encoding:\s*(.*?)\s*$/im.exec(head) ?? []
  if (/^(?:7bit|8bit|binary)$/i.test(encoding)) return
  const problem = `has a Content-Transfer-Encoding in part ${number} that is not decoded`
  throw invalid('body', problem, "the file's own bytes, without that header or with binary, 8bit or 7bit")
}

function undescribed(problem: string): Problem {
  return invalid('body', problem, `${description} for each part`)
}

function nameOf(name: string | undefined): string {
  if (name !== undefined) return name
  throw invalid('body', 'has a part without a name', 'a name for each part')
}

/** Clients escape only these three characters (WHATWG HTML, "multipart/form-data"). */
function unescaped(filename: string): string {
  return filename.replaceAll(/%0A|%0D|%22/gi, decodeURIComponent)
}

function fieldBytes(name: string, value: string): Buffer {
  if (value.includes('\uFFFD')) throw invalid(name, 'is not UTF-8', 'text in UTF-8')
  return Buffer.from(value)
}

function unknownPart(name: string, form: Form): Problem {
  const known = form.input ? [...form.texts, 'input'] : form.texts
  return invalid(name.slice(0, 100), 'is an unknown part', expectedName(name, known))
}

/** busboy's errors are plain Errors without class or code; all other errors here have a class. */
function formProblem(error: unknown): unknown {
  if (!(error instanceof Error) || error.constructor !== Error) return error
  return new Problem('invalid-request', 'body: is broken; expected multipart/form-data', {
    errors: [{ field: 'body', problem: 'is broken', expected: 'multipart/form-data' }],
    cause: error,
  })
}
