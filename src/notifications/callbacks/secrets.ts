/**
 * The secrets that sign callbacks, by the name of the API token that deployed the job. `*` stands
 * for all tokens without secrets of their own and for callers without a token. The first secret is
 * current; a second one is its predecessor or successor while the receiver rotates secrets.
 */
export type CallbackSecrets = ReadonlyMap<string, readonly Uint8Array[]>

export const secretsExpected =
  'lines of <name of an API token, or *>: whsec_<base64 of 24 to 64 bytes> [a second one while it is changed]'

/** Undefined if a line is invalid. Empty lines and lines that begin with # are ignored. */
export function parseSecrets(text: string): CallbackSecrets | undefined {
  const secrets = new Map<string, Uint8Array[]>()
  for (const line of text.split('\n').map((item) => item.trim())) {
    if (line === '' || line.startsWith('#')) continue
    const [, name, rest] = /^([A-Za-z0-9._-]+|\*)\s*:\s*(\S.*)$/.exec(line) ?? []
    const keys = rest?.split(/\s+/).map(secretKey)
    if (name === undefined || keys === undefined || keys.length > 2 || secrets.has(name)) return undefined
    if (!keys.every((key) => key !== undefined)) return undefined
    secrets.set(name, keys)
  }
  return secrets
}

/** The token's secrets, else those of `*`; undefined if there are none. */
export function callbackSecretsOf(
  secrets: CallbackSecrets,
  token: string | null,
): readonly Uint8Array[] | undefined {
  return (token === null ? undefined : secrets.get(token)) ?? secrets.get('*')
}

function secretKey(text: string): Uint8Array | undefined {
  const [, base64] = /^whsec_([A-Za-z0-9+/]+={0,2})$/.exec(text) ?? []
  if (base64 === undefined) return undefined
  const key = Buffer.from(base64, 'base64')
  return key.length >= 24 && key.length <= 64 ? key : undefined
}
