import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface PrivateCa {
  /** The authority's certificate in PEM, and a file with it. */
  pem: string
  file: string
  /**
   * The folder with `private.key` and `public.crt` of a server, as MinIO's `--certs-dir` wants it.
   */
  folder: string
}

/**
 * Makes an authority of its own and a certificate by it for a server at `address`, an IP address.
 */
export function privateCa(address: string): PrivateCa {
  const folder = mkdtempSync(join(tmpdir(), 'jobferry-ca-'))
  const at = (name: string) => join(folder, name)
  const openssl = (...args: string[]) => execFileSync('openssl', args, { stdio: 'ignore', cwd: folder })
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  openssl(
    'req',
    '-x509',
    ...newKey,
    '-days',
    '2',
    '-subj',
    '/CN=Test CA',
    '-keyout',
    'ca.key',
    '-out',
    'ca.pem',
  )
  openssl('req', ...newKey, '-subj', '/CN=store', '-keyout', 'private.key', '-out', 'store.csr')
  writeFileSync(at('names'), `subjectAltName=IP:${address},IP:127.0.0.1,DNS:localhost\n`)
  const by = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2', '-extfile', 'names']
  openssl('x509', '-req', '-in', 'store.csr', ...by, '-out', 'public.crt')
  return { pem: readFileSync(at('ca.pem'), 'utf8'), file: at('ca.pem'), folder }
}
