/** `code` of anything that was thrown: ENOENT, ECONNRESET, UND_ERR_HEADERS_TIMEOUT, NoSuchKey. */
export function codeOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined
  return typeof error.code === 'string' ? error.code : undefined
}
