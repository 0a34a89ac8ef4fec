/** Names, paths and quantities as Kubernetes, container runtimes and this API accept them. */

const label = '[a-z0-9](?:[-a-z0-9]*[a-z0-9])?'
const dnsLabel = new RegExp(`^${label}$`)
const dnsSubdomain = new RegExp(`^${label}(?:\\.${label})*$`)
const labelName = /^[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?$/
const environmentName = /^[A-Za-z_][A-Za-z0-9_]*$/
const quantity = /^(?:\d+\.?\d*|\.\d+)(?:[KMGTPE]i|[numkMGTPE]|[eE][+-]?\d{1,2})?$/

/** RFC 1123 label: at most 63 characters. */
export function isDnsLabel(text: string): boolean {
  return text.length <= 63 && dnsLabel.test(text)
}

/** RFC 1123 subdomain: at most 253 characters; the name of most Kubernetes objects. */
export function isDnsSubdomain(text: string): boolean {
  return text.length <= 253 && dnsSubdomain.test(text)
}

/** A label's key: a name of at most 63 characters, behind an optional DNS prefix and a slash. */
export function isLabelKey(text: string): boolean {
  const [first = '', second, ...more] = text.split('/')
  if (more.length > 0) return false
  if (second === undefined) return isLabelName(first)
  return isDnsSubdomain(first) && isLabelName(second)
}

/** A label's value: empty, or like a key's name. */
export function isLabelValue(text: string): boolean {
  return text === '' || isLabelName(text)
}

function isLabelName(text: string): boolean {
  return text.length <= 63 && labelName.test(text)
}

export function isEnvironmentName(text: string): boolean {
  return text.length <= 1000 && environmentName.test(text)
}

/** A Kubernetes quantity above zero: `500m`, `1.5Gi`, `2e3`. */
export function isPositiveQuantity(text: string): boolean {
  if (text.length > 32 || !quantity.test(text)) return false
  return Number.parseFloat(text) > 0
}

const host = '[A-Za-z0-9](?:[-A-Za-z0-9]*[A-Za-z0-9])?'
const domain = `(?:${host}(?:\\.${host})*|\\[[0-9a-fA-F:]+\\])(?::[0-9]{1,5})?`
const imagePath = '[a-z0-9]+(?:(?:\\.|__|_|-+)[a-z0-9]+)*'
const imageName = new RegExp(`^(?:${domain}/)?${imagePath}(?:/${imagePath})*$`)
const tag = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/
const digest = /^[a-z0-9]+(?:[.+_-][a-z0-9]+)*:[0-9a-fA-F]{32,128}$/

/** An image reference as container runtimes parse it: `[host[:port]/]path[:tag][@digest]`. */
export function isImageReference(text: string): boolean {
  const at = text.indexOf('@')
  if (at !== -1 && !digest.test(text.slice(at + 1))) return false
  const tagged = at === -1 ? text : text.slice(0, at)
  const colon = tagged.indexOf(':', tagged.lastIndexOf('/') + 1)
  if (colon !== -1 && !tag.test(tagged.slice(colon + 1))) return false
  const name = colon === -1 ? tagged : tagged.slice(0, colon)
  return name.length <= 255 && imageName.test(name)
}

/**
 * An absolute path in a container that a volume can be mounted at. Kubernetes refuses a colon; `$(`
 * would be expanded where the path is handed over as a variable.
 */
export function isMountPath(text: string): boolean {
  if (!text.startsWith('/') || text.includes(':') || text.includes('$(')) return false
  return isRelativePath(text.slice(1))
}

/** A relative path without empty, `.` or `..` components and without control characters. */
export function isRelativePath(text: string): boolean {
  if (Buffer.byteLength(text) > 1024 || /\p{Cc}/u.test(text)) return false
  return text.split('/').every((c) => c !== '' && c !== '.' && c !== '..' && Buffer.byteLength(c) <= 255)
}

/** Whether `path` is `folder` or lies in it; both absolute, without trailing slashes. */
export function isWithin(path: string, folder: string): boolean {
  return path === folder || path.startsWith(`${folder}/`)
}

/** As strict as the URL parser that requests are sent with. */
export function isHttpUrl(text: string): boolean {
  return text.length <= 2048 && /^https?:\/\//i.test(text) && URL.canParse(text)
}
