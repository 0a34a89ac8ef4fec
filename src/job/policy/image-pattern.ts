import { matchesWildcard } from './wildcard.ts'

/** An image in its full form: `docker.io` and `library/python:latest` for `python`. */
interface FullImage {
  /** In lower case. */
  registry: string
  /**
   * Path with its tag or digest: a digest takes the place of a tag, since it alone says what is
   * pulled.
   */
  path: string
}

const dockerHub = 'docker.io'

/**
 * Whether an image reference matches a pattern such as `registry.example/team/*`. A `*` in the
 * registry's name does not reach into the path. A pattern without registry means Docker Hub, as in
 * a reference; one without `*`, tag and digest matches every tag and digest; `*` alone matches
 * every image.
 */
export function matchesImage(reference: string, pattern: string): boolean {
  if (pattern === '*') return true
  const image = fullImage(reference)
  const { registry, path } = split(pattern)
  if (!matchesWildcard(image.registry, registry)) return false
  if (/[*:@]/.test(path)) return matchesWildcard(image.path, path)
  return image.path.startsWith(`${path}:`) || image.path.startsWith(`${path}@`)
}

function fullImage(reference: string): FullImage {
  const { registry, path } = split(reference)
  const at = path.indexOf('@')
  if (at === -1) return { registry, path: path.includes(':') ? path : `${path}:latest` }
  const name = path.slice(0, at).replace(/:[^/:]*$/, '')
  return { registry, path: `${name}${path.slice(at)}` }
}

/**
 * By the rule of container runtimes: a first part with a dot, a colon or capitals is a registry
 * (distribution/reference).
 */
function split(text: string): FullImage {
  const slash = text.indexOf('/')
  const first = slash === -1 ? '' : text.slice(0, slash)
  const isRegistry = first === 'localhost' || /[.:*A-Z]/.test(first)
  const registry = isRegistry ? first.toLowerCase() : dockerHub
  const path = isRegistry ? text.slice(slash + 1) : text
  if (registry !== dockerHub && registry !== `index.${dockerHub}`) return { registry, path }
  const isFull = path.includes('/') || path === '*'
  return { registry: dockerHub, path: isFull ? path : `library/${path}` }
}
