import mime from 'mime'
import { charsetOf, type TextKind } from '../../util/text/text-kind.ts'

/**
 * A file's media type, by its name and its first bytes. Of all texts browsers show text/plain and
 * JSON alone, so that a text has another type only where programs need it, as for HTML and XML.
 * Bytes that are no text are never named as text. `kind` is undefined if the bytes were not looked
 * at; it counts only where dependsOnBytes(name).
 */
export function fileContentType(name: string, kind: TextKind | undefined): string {
  const named = typeByName(name)
  if (ownTypes.test(named)) return named
  const type = typeByKind(named, kind)
  return takesCharset.test(type) ? `${type}${charsetOf(kind)}` : type
}

function typeByKind(named: string, kind: TextKind | undefined): string {
  if (kind === undefined) return named
  if (kind.isText) {
    if (json.test(named)) return 'application/json'
    return keptForTexts.test(named) ? named : 'text/plain'
  }
  if (named === 'text/plain' && kind.hasHoles) return named
  return named.startsWith('text/') || json.test(named) ? 'application/octet-stream' : named
}

/** Whether the first bytes decide on the type of a file of this name. */
export function dependsOnBytes(name: string): boolean {
  return !ownTypes.test(typeByName(name))
}

/** `mime` takes a bare name for an extension; the slash prevents that. */
function typeByName(name: string): string {
  const extension = /\.([^.]*)$/.exec(name)?.[1]?.toLowerCase() ?? ''
  return otherMeanings.get(extension) ?? mime.getType(`/${name}`) ?? 'application/octet-stream'
}

/** Endings that mean another thing in results than in the registry of media types. */
const otherMeanings: ReadonlyMap<string, string> = new Map([
  // Variant calls of genomics, not vCards.
  ['vcf', 'text/plain'],
  // Rust, not resource lists in XML.
  ['rs', 'text/plain'],
  // The registry that `mime` has does not know it.
  ['zst', 'application/zstd'],
])

const json = /[/+]json$/
/** Texts that browsers would run, and documents and playlists that other programs open. */
const keptForTexts = /[/+](?:html|xml|rtf|postscript)$|mpegurl$/
const takesCharset = /^text\/|^application\/json$/
/**
 * Media, archives and documents have the type of their name, whatever their bytes. video/mp2t is
 * also the type by name of TypeScript.
 */
const ownTypes =
  /^(?:image|audio|video(?!\/mp2t)|font)\/|(?:zip2?|compressed|zstd|archive|[-.]rar|-tar|-xz|pdf|wasm)$|officedocument|opendocument/
