import { isRelativePath } from '../request/syntax.ts'
import { nameOf, parseSource } from './source-address.ts'

interface Place {
  to?: string
  from?: string
  unpack?: string
}

/**
 * The path below `/input` of an input: a file, or a folder for the contents of an archive or folder.
 * Empty if the request has to name one.
 */
export function placeOf({ to, from = '', unpack }: Place): string {
  if (to !== undefined) return to
  const source = parseSource(from)
  const name = source === undefined ? '' : nameOf(source)
  const place = unpack === undefined ? name : name.replace(/(\.tar)?\.[^.]+$/, '')
  return isRelativePath(place) ? place : ''
}
