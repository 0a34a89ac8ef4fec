import type { IncomingHttpHeaders } from 'node:http'
import type { ValidateFunction } from 'ajv'
import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import { openApiDocument } from '../../../src/http/openapi/document.ts'

/** The parts of the document that the tests read. */
export interface Document {
  paths: Record<string, Record<string, OperationObject>>
  components: { schemas: Record<string, object>; responses: Record<string, ResponseObject> }
}

export interface OperationObject {
  operationId: string
  parameters?: { name: string; in: string; schema: { type?: string; maximum?: number } }[]
  responses: Record<string, ResponseObject>
}

interface ResponseObject {
  $ref?: string
  headers?: Record<string, { required?: boolean }>
  content?: Record<string, { schema?: object; examples?: Record<string, unknown> }>
}

export const document = openApiDocument('test') as unknown as Document

export interface SeenAnswer {
  status: number
  headers: IncomingHttpHeaders
  /** Undefined: only status and headers are looked at. */
  body?: Buffer | undefined
}

/** The operation of a call; undefined if the document has none. A HEAD is answered by the GET. */
export function operationOf(method: string, url: string): OperationObject | undefined {
  const path = url.replace(/[?#].*$/s, '').replace(/(?<=.)\/$/, '')
  const templates = Object.keys(document.paths).filter((template) => patternOf(template).test(path))
  // As in the router, a plain path comes before one with a parameter.
  const [template = ''] = templates.sort((a, b) => a.split('{').length - b.split('{').length)
  return document.paths[template]?.[(method === 'HEAD' ? 'GET' : method).toLowerCase()]
}

function patternOf(template: string): RegExp {
  return new RegExp(`^${template.replaceAll('.', '\\.').replaceAll(/\{\w+\}/g, '[^/]+')}$`, 'i')
}

/**
 * Throws if an answer is not one that the document has for the call: its status, its headers, its media type,
 * its body or the code of its problem.
 */
export function checkDocumented(method: string, url: string, answer: SeenAnswer): void {
  const call = `${answer.status} of ${method} ${url.slice(0, 200)}`
  const type = answer.headers['content-type']?.split(';')[0]
  const problem = type === 'application/problem+json' ? parsed(answer.body) : undefined
  if (problem !== undefined) validate({ $ref: 'document#/components/schemas/Problem' }, problem, call)
  const code = /^urn:jobferry:error:(.*)$/.exec(
    String((problem as { type?: unknown } | undefined)?.type),
  )?.[1]
  const operation = operationOf(method, url)
  if (operation === undefined || isOfEveryCall(answer.status, code)) {
    if (answer.status < 400) throw new Error(`no operation for ${call}`)
    return
  }
  const response = resolved(operation.responses[answer.status])
  if (response === undefined) throw new Error(`no schema for ${call}: ${code ?? type}`)
  checkHeaders(response, answer.headers, method, call)
  if (answer.body?.length === 0 || method === 'HEAD' || type === undefined) return
  const content = response.content?.[type] ?? response.content?.['*/*']
  if (content === undefined) throw new Error(`no media type ${type} for ${call}`)
  if (code !== undefined && !Object.hasOwn(content.examples ?? {}, code)) {
    throw new Error(`no example of the problem ${code} for ${call}`)
  }
  if (type === 'application/json' && response.content?.[type] && answer.body) {
    validate(content.schema ?? {}, parsed(answer.body), call)
  }
}

/** What may come before a call is understood: the document says so once. */
function isOfEveryCall(status: number, code: string | undefined): boolean {
  return [405, 431].includes(status) || (status === 408 && code === 'request-timeout')
}

/** Headers of HTTP itself, and those that every answer has. */
const common = new Set(
  `cache-control connection content-length content-security-policy content-type cross-origin-resource-policy
  date keep-alive pragma referrer-policy transfer-encoding vary x-accel-buffering x-content-type-options`.split(
    /\s+/,
  ),
)

function checkHeaders(
  { headers = {} }: ResponseObject,
  seen: IncomingHttpHeaders,
  method: string,
  call: string,
): void {
  const documented = Object.keys(headers).map((name) => name.toLowerCase())
  const others = Object.keys(seen).filter((name) => !common.has(name) && !documented.includes(name))
  if (others.length > 0) throw new Error(`no schema for the headers ${others.join(', ')} of ${call}`)
  for (const [name, { required }] of Object.entries(headers)) {
    const isMissing = required && method !== 'HEAD' && seen[name.toLowerCase()] === undefined
    if (isMissing) throw new Error(`no header ${name} in ${call}`)
  }
}

function resolved(response: ResponseObject | undefined): ResponseObject | undefined {
  if (response?.$ref === undefined) return response
  return document.components.responses[response.$ref.split('/').at(-1) ?? '']
}

function parsed(body: Buffer | undefined): unknown {
  return body === undefined || body.length === 0 ? undefined : JSON.parse(body.toString('utf8'))
}

const validators = new Map<string, ValidateFunction>()
const ajv = new Ajv2020({ strict: false, allErrors: true })
addFormats.default(ajv)
ajv.addSchema(closed(document), 'document', false, false)

function validate(schema: object, value: unknown, call: string): void {
  const key = JSON.stringify(schema).replaceAll('"#/', '"document#/')
  const validator = validators.get(key) ?? ajv.compile(JSON.parse(key) as object)
  validators.set(key, validator)
  if (validator(value)) return
  const errors = ajv.errorsText(validator.errors, { dataVar: 'answer' })
  throw new Error(`${call} is not as its schema: ${errors}\n${JSON.stringify(value)?.slice(0, 2000)}`)
}

/**
 * The document without room for further members: callers have to take such members, this version must not send
 * them.
 */
function closed(value: unknown): object {
  return JSON.parse(JSON.stringify(value), (_, member: unknown) => {
    const isObject = typeof member === 'object' && member !== null && 'properties' in member
    const isOpen = isObject && 'type' in member && !('additionalProperties' in member)
    return isOpen ? { ...member, additionalProperties: false } : member
  }) as object
}
