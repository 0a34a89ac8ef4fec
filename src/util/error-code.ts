/** `code` of a thrown value, such as ENOENT, ECONNRESET, UND_ERR_HEADERS_TIMEOUT, NoSuchKey. */
export function codeOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined
  return typeof error.code === 'string' ? error.code : undefined
}

/** True if the error says that a disk or volume has no room left. */
export function isDiskFull(error: unknown): boolean {
  return ['ENOSPC', 'EDQUOT'].includes(codeOf(error) ?? '')
}
