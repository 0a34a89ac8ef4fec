/**
 * The text of the first element with this name, entities decoded. This suffices for S3's flat
 * answers (Error, InitiateMultipartUploadResult, CompleteMultipartUploadResult); minio-js reads
 * listings of objects.
 */
export function elementText(xml: string, name: string): string | undefined {
  const match = new RegExp(`<${name}(?:\\s[^>]*)?>([^<]*)</${name}>`).exec(xml)
  return match?.[1] === undefined ? undefined : decode(match[1])
}

/** The contents of all elements with this name, which must not nest. */
export function elements(xml: string, name: string): string[] {
  return Array.from(xml.matchAll(new RegExp(`<${name}>(.*?)</${name}>`, 'gs')), ([, content = '']) => content)
}

/** True if the document's root element has this name. */
export function hasRoot(xml: string, name: string): boolean {
  return new RegExp(`^\\s*(?:<\\?xml[^>]*\\?>)?\\s*<${name}[\\s>]`).test(xml)
}

/** The ETag without quotes and without the `W/` of a weak one. */
export function unquoted(etag: string): string {
  return etag.replace(/^W\//, '').replaceAll('"', '')
}

/** The text, escaped for the content of an element. */
export function escapeXml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
}

function decode(text: string): string {
  return text.replace(/&(?:#x([0-9a-f]+)|#(\d+)|(amp|lt|gt|quot|apos));/gi, (_, hex, decimal, name) => {
    if (hex !== undefined) return String.fromCodePoint(Number.parseInt(hex, 16))
    if (decimal !== undefined) return String.fromCodePoint(Number(decimal))
    return named[String(name).toLowerCase()] ?? ''
  })
}

const named: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }
